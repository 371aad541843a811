// Tokens and money, each counted once however often the program states them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CostMeter, UsageMeter } from "madrigal";
import { root } from "./simulator.mjs";

const result = (total_cost_usd) => ({ type: "result", total_cost_usd });
const said = (id, output_tokens, model = "m") => ({
  type: "assistant",
  message: { id, model, content: [], usage: { input_tokens: 10, output_tokens } },
});

test("cost is the difference of totals; one that counts anew is charged whole", () => {
  const meter = new CostMeter();
  assert.deepEqual(
    [0.25, 0.75, 0, undefined, Number.NaN, 0.5].map((total) => meter.charge(result(total))),
    [0.25, 0.5, 0, 0, 0, 0.5],
  );
  assert.equal(meter.costUsd, 1.25);
  assert.equal(new CostMeter(0.25).charge(result(0.75)), 0.5);
});

test("the blocks of a message count once, with the largest of what they say; synthetic ones not at all", () => {
  const meter = new UsageMeter(0.5);
  for (const message of [said("a", 1), said("a", 5), said("b", 2), said("c", 9, "<synthetic>"), result(0.75)])
    meter.add(message);
  meter.add({
    type: "stream_event",
    event: { type: "message_start", message: { id: "d", usage: { input_tokens: 1 } } },
  });
  meter.add({
    type: "stream_event",
    api_message_id: "d",
    event: { type: "message_delta", usage: { output_tokens: 4 } },
  });
  meter.add({ type: "stream_event", event: { type: "message_delta", usage: { output_tokens: 400 } } });
  meter.add({ type: "system", subtype: "init" });
  assert.equal(meter.messageCount, 3);
  assert.equal(meter.usage.input_tokens, 21);
  assert.equal(meter.usage.output_tokens, 11);
  assert.equal(meter.costUsd, 0.25);
});

test("a recorded run costs what its last result says", () => {
  const meter = new UsageMeter();
  let total = 0;
  const lines = readFileSync(join(root, "tests/frames/multi_turn_partial_replay.jsonl"), "utf8")
    .trim()
    .split("\n");
  for (const { dir, frame } of lines.map((line) => JSON.parse(line))) {
    if (dir !== "out") continue;
    meter.add(frame);
    if (frame.type === "result") total = frame.total_cost_usd;
  }
  assert.ok(total > 0);
  assert.ok(Math.abs(meter.costUsd - total) < 1e-9);
  assert.ok(meter.messageCount > 1);
});
