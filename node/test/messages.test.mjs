// Every kind of message that was recorded from the real program has its type.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./simulator.mjs";

const folder = join(root, "tests", "frames");
/** Answered by the engine; no reader sees them. */
const internal = /^control_/;

test("each recorded kind has a type", () => {
  const sources = readdirSync(join(root, "node", "src"))
    .filter((name) => /content|messages|result/.test(name))
    .map((name) => readFileSync(join(root, "node", "src", name), "utf8"))
    .join("\n");
  const kinds = new Set();
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".jsonl")))
    for (const line of readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean)) {
      const { dir, frame } = JSON.parse(line);
      if (dir !== "out" || internal.test(frame?.type)) continue;
      kinds.add(frame.type);
      if (frame.subtype) kinds.add(frame.subtype);
      for (const block of [frame.message?.content].flat()) if (block?.type) kinds.add(block.type);
      for (const inner of [frame.event, frame.event?.delta, frame.event?.content_block])
        if (inner?.type) kinds.add(inner.type);
    }
  assert.ok(kinds.size > 10, [...kinds].join());
  for (const kind of kinds) assert.ok(sources.includes(`"${kind}"`), `no type for ${kind}`);
});
