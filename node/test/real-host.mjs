// A program in the middle of a tool of the real `claude`; the tests end it in one way or another.
//
// usage: MADRIGAL_REAL_OPTIONS=JSON node real-host.mjs HOW. Prints the process id of its session, then waits for a line
// of input, then ends.

import { once } from "node:events";
import { Session } from "madrigal";

const session = await Session.open(JSON.parse(process.env.MADRIGAL_REAL_OPTIONS));
const turn = session.send("Please sleep in the shell.");
await turn.uuid;
console.log(session.pid);
await once(process.stdin, "data");
const how = process.argv[2];
if (how === "exit") process.exit(0);
if (how === "throw") throw new Error("meant to be");
if (how === "idle") process.stdin.destroy();
