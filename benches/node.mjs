// The workloads in Node.js, for Madrigal and for the official SDK: the names are the same, so the program is.
// Called as `node.mjs PACKAGE WORKLOAD COUNT`.
import { strict as assert } from "node:assert";
import { createInterface } from "node:readline";

const { query } = await import(process.argv[2]);
const options = { pathToClaudeCodeExecutable: process.env.BENCH_CLI, includePartialMessages: true };

/** One query to its end: how many deltas came and how long their text was. */
async function one() {
  let [deltas, length, done] = [0, 0, false];
  for await (const message of query({ prompt: "hi", options })) {
    if (message.type === "stream_event") {
      const delta = message.event.delta;
      if (delta?.type === "text_delta") {
        deltas += 1;
        length += delta.text.length;
      }
    } else if (message.type === "result") done = true;
  }
  assert(done, "the stream ended without a result");
  return { deltas, length };
}

/** Aborts a running query through its AbortController. */
async function cancel() {
  const abortController = new AbortController();
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const message of query({ prompt: "hi", options: { ...options, abortController } })) {
      if (message.type !== "assistant") continue;
      console.log("ready");
      lines.once("line", () => abortController.abort());
    }
  } catch {
    // The abort surfaces as an error, as documented.
  }
  lines.close();
}

const [workload, count] = [process.argv[3], Number(process.argv[4])];
let started = performance.now();
const elapsed = () => performance.now() - started;
let answer;
if (workload === "one") {
  const times = [];
  for (let i = 0; i < count; i += 1) {
    started = performance.now();
    assert.equal((await one()).deltas, 10);
    times.push(elapsed());
  }
  answer = { ms: times };
} else if (workload === "stream") {
  const { deltas, length } = await one();
  answer = { per_second: (deltas / elapsed()) * 1e3, messages: deltas, length };
} else if (workload === "many") {
  await Promise.all(Array.from({ length: count }, one));
  answer = { ms: elapsed() };
} else {
  await cancel();
  answer = { ms: elapsed() };
}
console.log(JSON.stringify(answer));
// Stays until the driver has read the peak memory of this process.
if (!process.stdin.readableEnded) await new Promise((ended) => process.stdin.resume().once("end", ended));
