// The value a JSON Schema asked for: with its type, or an error that says what there was instead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, StructuredOutputError, structured } from "madrigal";
import { z as z3 } from "zod/v3";
import { z } from "zod/v4";
import { playing } from "./simulator.mjs";

const result = (fields) => ({
  type: "result",
  subtype: "success",
  is_error: false,
  result: "text",
  ...fields,
});
const outputFormat = { type: "json_schema", schema: { type: "object" } };
const turn = (fields) => [{ await: { type: "user" } }, { init: {} }, { result: fields }];

test("any value comes back, also null", () => {
  for (const value of [{ n: 4 }, [], 0, null, ""])
    assert.deepEqual(structured(result({ structured_output: value })), value);
});

test("a schema of zod reads the value", () => {
  for (const { object, string } of [z, z3]) {
    const schema = object({ name: string(), from: string().default("nowhere") });
    const read = (value) => structured(result({ structured_output: value }), schema);
    assert.deepEqual(read({ name: "Ada" }), { name: "Ada", from: "nowhere" });
    assert.throws(() => read({ name: 5 }), /the schema does not accept the value: name: /);
  }
  const late = z.string().refine(async () => true);
  assert.throws(() => structured(result({ structured_output: "a" }), late), /waits for something/);
});

const missing = [
  [result({ result: "It is four." }), /answered with text/, { subtype: "success", result: "It is four." }],
  [
    result({ is_error: true, result: "API Error" }),
    /failed before/,
    { subtype: "success", result: "API Error" },
  ],
  [
    { type: "result", subtype: "error_max_structured_output_retries", is_error: true, errors: ["a", "b"] },
    /never met/,
    { subtype: "error_max_structured_output_retries", result: "a; b" },
  ],
  [{ type: "assistant" }, /this is `assistant`/, {}],
  [undefined, /the session ended/, {}],
];
for (const [message, text, context] of missing) {
  test(`no value: ${text}`, () => {
    assert.throws(
      () => structured(message),
      (error) => {
        assert.ok(error instanceof StructuredOutputError, error.stack);
        assert.match(error.message, text);
        assert.deepEqual([error.code, error.context], ["structured_output", context]);
        return true;
      },
    );
  });
}

test("a turn gives its value", async () => {
  const cli = [
    ...turn({ structured_output: { n: 4 } }),
    ...turn({ structured_output: { n: 5 } }),
    ...turn({ result: "six" }),
  ];
  const session = await Session.open(playing(cli, { outputFormat }));
  assert.deepEqual(await session.send("2 + 2?").structured(), { n: 4 });
  assert.equal((await session.send("2 + 3?").structured(z.object({ n: z.number() }))).n, 5);
  await assert.rejects(session.send("2 + 4?").structured(), StructuredOutputError);
  await session.close();
});
