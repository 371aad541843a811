// Pieces of content grow back into blocks, and each block comes out once.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Accumulator } from "madrigal";
import { root } from "./simulator.mjs";

const event = (event, more) => ({ type: "stream_event", parent_tool_use_id: null, event, ...more });
const start = (index, content_block) => event({ type: "content_block_start", index, content_block });
const delta = (index, delta) => event({ type: "content_block_delta", index, delta });
const stop = (index) => event({ type: "content_block_stop", index });
const said = (id, content, parent = null) => ({
  type: "assistant",
  parent_tool_use_id: parent,
  message: { id, content },
});

test("text grows and comes out when it is whole, once", () => {
  const blocks = new Accumulator();
  blocks.add(event({ type: "message_start", message: { id: "m" } }));
  blocks.add(start(0, { type: "text", text: "" }));
  for (const text of ["Hel", "lo"]) assert.deepEqual(blocks.add(delta(0, { type: "text_delta", text })), []);
  assert.equal(blocks.text(), "Hello");
  const block = { type: "text", text: "Hello" };
  assert.deepEqual(blocks.add(stop(0)), [{ block, messageId: "m", parentToolUseId: null }]);
  assert.equal(blocks.text(), "");
  assert.deepEqual(blocks.add(said("m", [block])), []);
});

test("a block that is said before its last piece does not come out again", () => {
  const blocks = new Accumulator();
  blocks.add(event({ type: "message_start", message: { id: "m" } }));
  blocks.add(start(0, { type: "tool_use", id: "t", name: "Bash", input: {} }));
  blocks.add(delta(0, { type: "input_json_delta", partial_json: '{"a"' }));
  assert.equal(blocks.add(said("m", [{ type: "tool_use" }])).length, 1);
  assert.deepEqual(blocks.add(stop(0)), []);
});

test("the input of a tool, thinking with its signature, citations", () => {
  const blocks = new Accumulator();
  blocks.add(start(0, { type: "tool_use", id: "t", name: "Bash", input: {} }));
  for (const partial_json of ['{"a":', "1}"])
    blocks.add(delta(0, { type: "input_json_delta", partial_json }));
  assert.deepEqual(blocks.add(stop(0))[0].block, {
    type: "tool_use",
    id: "t",
    name: "Bash",
    input: { a: 1 },
  });
  blocks.add(delta(1, { type: "thinking_delta", thinking: "so" }));
  blocks.add(delta(1, { type: "signature_delta", signature: "s" }));
  assert.deepEqual(blocks.add(stop(1))[0].block, { type: "thinking", thinking: "so", signature: "s" });
  blocks.add(delta(2, { type: "citations_delta", citation: 1 }));
  assert.deepEqual(blocks.add(stop(2))[0].block, { type: "text", text: "", citations: [1] });
});

test("what is abandoned or cut short does not come out; subagents are apart", () => {
  const blocks = new Accumulator();
  blocks.add(delta(0, { type: "text_delta", text: "kept" }));
  blocks.add(delta(1, { type: "text_delta", text: "lost" }));
  blocks.add(event({ type: "ping" }, { abandoned_blocks: { from_block_index: 1 } }));
  assert.equal(blocks.text(), "kept");
  assert.equal(blocks.add(said("s", [{ type: "text", text: "sub" }], "t"))[0].parentToolUseId, "t");
  assert.equal(blocks.text(), "kept");
  blocks.add({ type: "result" });
  assert.equal(blocks.text(), "");
});

test("recorded runs give the blocks of their assistant messages, each once", () => {
  for (const name of readdirSync(join(root, "tests", "frames")).filter((name) => name.endsWith(".jsonl"))) {
    const frames = readFileSync(join(root, "tests", "frames", name), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const messages = frames.filter(({ dir, frame }) => dir === "out" && frame.type).map(({ frame }) => frame);
    const blocks = new Accumulator();
    const out = messages.flatMap((message) => blocks.add(message)).length;
    const expected = messages
      .filter(({ type }) => type === "assistant")
      .flatMap(({ message }) => message.content).length;
    assert.equal(out, expected, name);
  }
});
