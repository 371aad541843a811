// A program that uses the package and then ends in one way or another: the tests look at what it leaves behind.
//
// usage: node host.mjs HOW. Prints the process ids of its session and of a tool of it.

import { Session } from "madrigal";
import { playing } from "./simulator.mjs";

const how = process.argv[2];
const cli = [
  { spawn: { new_session: true } },
  { emit: { type: "tool", child: "$child" } },
  { pause_ms: 600_000 },
];
const session = await Session.open(playing(how === "idle" ? [] : cli));
const { child } = how === "idle" ? {} : await session.read();
console.log(JSON.stringify([session.pid, child].filter(Boolean)));

const ends = {
  idle: () => {},
  exit: () => process.exit(3),
  throw: () => {
    throw new Error("meant to be");
  },
  reject: () => Promise.reject(new Error("meant to be")),
  wait: () => session.read(),
};
setImmediate(ends[how]);
