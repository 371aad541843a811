// A program that has an orchestrator and then ends in one way or another: the tests look at what it leaves behind.
//
// usage: node orchestrator-host.mjs HOW. Prints, as a list, the process id of a task that never ends, or with HOW `end` the answer of
// one that does.

import { Orchestrator } from "madrigal";
import { answering, playing } from "./simulator.mjs";

const how = process.argv[2];
const silent = [{ await: { type: "user" } }, { text: { text: "$pid" } }, { pause_ms: 600_000 }];
const orchestrator = new Orchestrator({ options: playing(how === "end" ? answering : silent) });

/** Nobody waits for this. */
async function watch() {
  for await (const event of orchestrator.progress()) {
    if (event.stage !== "delta") continue;
    console.log(JSON.stringify([how === "end" ? event.text : Number(event.text)]));
    if (how === "exit") process.exit(3);
    if (how === "throw") throw new Error("meant to be");
  }
}

void watch();
const { status } = await orchestrator.run("2 + 2?");
if (status !== "succeeded") process.exitCode = 1;
