// A worker that reads a stream without end, or leaves its session idle.

import { parentPort, workerData } from "node:worker_threads";
import { Session } from "madrigal";
import { answering, playing } from "./simulator.mjs";

const ticking = [
  { await: { type: "user" } },
  { flood: { count: 10_000_000, frame: { type: "tick", n: "$i" } } },
];
const session = await Session.open(playing(workerData === "idle" ? answering : ticking));
if (workerData === "idle") parentPort.postMessage(session.pid);
else {
  const turn = session.send("tick");
  await turn.next();
  parentPort.postMessage(session.pid);
  for await (const message of turn) if (message === undefined) throw new Error("a message is missing");
}
