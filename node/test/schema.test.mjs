// What tools accept: zod schemas of both versions and JSON Schema, as the engine lists them and as handlers get them.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as mini from "zod/mini";
import { z as z3 } from "zod/v3";
import { z as z4 } from "zod/v4";

const require = createRequire(import.meta.url);
const { jsonSchema, check } = require("../dist/schema.js");
const { walked } = require("../dist/zod-schema.js");

/** Versions of zod, and version 4 as it was before it could say its own JSON Schema. */
const versions = { 3: z3, 4: z4 };

/** Colours as an enum of TypeScript compiles to. */
const Colour = { 0: "Red", Red: 0, Blue: "blue" };

const cases = [
  [
    (z) => z.string().min(2).max(5).describe("a word"),
    { type: "string", minLength: 2, maxLength: 5, description: "a word" },
  ],
  [(z) => z.number().min(1).max(9), { type: "number", minimum: 1, maximum: 9 }],
  [(z) => z.number().int(), { type: "integer" }],
  [(z) => z.boolean(), { type: "boolean" }],
  [(z) => z.null(), { type: "null" }],
  [(z) => z.literal("a"), { enum: ["a"] }],
  [(z) => z.enum(["a", "b"]), { enum: ["a", "b"] }],
  [(z) => z.nativeEnum(Colour), { enum: [0, "blue"] }],
  [(z) => z.array(z.string()).min(1), { type: "array", items: { type: "string" }, minItems: 1 }],
  [
    (z) => z.tuple([z.string(), z.number()]),
    { type: "array", prefixItems: [{ type: "string" }, { type: "number" }] },
  ],
  [
    (z) => z.object({ a: z.string(), b: z.string().optional(), c: z.number().default(3) }),
    {
      type: "object",
      properties: { a: { type: "string" }, b: { type: "string" }, c: { type: "number", default: 3 } },
      required: ["a"],
    },
  ],
  [(z) => z.record(z.string(), z.number()), { type: "object", additionalProperties: { type: "number" } }],
  [(z) => z.union([z.string(), z.number()]), { anyOf: [{ type: "string" }, { type: "number" }] }],
  [
    (z) => z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]),
    {
      anyOf: ["a", "b"].map((k) => ({ type: "object", properties: { k: { enum: [k] } }, required: ["k"] })),
    },
  ],
  [
    (z) => z.intersection(z.object({}), z.object({})),
    { allOf: Array(2).fill({ type: "object", properties: {}, required: [] }) },
  ],
  [(z) => z.string().nullable(), { anyOf: [{ type: "string" }, { type: "null" }] }],
  [(z) => z.string().transform((text) => text.length), { type: "string" }],
  [(z) => z.string().readonly(), { type: "string" }],
  [(z) => z.any(), {}],
];

for (const [version, z] of Object.entries(versions))
  for (const [make, expected] of cases)
    test(`zod ${version}: ${JSON.stringify(expected)}`, () => assert.deepEqual(walked(make(z)), expected));

for (const [version, z] of Object.entries(versions)) {
  const shape = { a: z.number(), b: z.string().default("x"), c: z.boolean().optional() };

  test(`zod ${version}: a shape is listed as an object`, () => {
    const { type, properties, required, additionalProperties } = jsonSchema(shape);
    assert.deepEqual([type, required, additionalProperties], ["object", ["a"], false]);
    assert.equal(properties.a.type, "number");
    assert.equal(properties.b.type, "string");
    assert.equal(properties.a.$schema, undefined);
  });

  test(`zod ${version}: arguments are read and refused with their path`, async () => {
    assert.deepEqual(await check(shape, { a: 1, d: 2 }), { value: { a: 1, b: "x" } });
    const { problem } = await check(shape, { a: "one", b: 5 });
    assert.match(problem, /^a: .*; b: /);
    assert.match(
      (await check(z.object({ a: z.object({ b: z.number() }) }), { a: { b: "" } })).problem,
      /^a\.b: /,
    );
    assert.deepEqual(await check(z.object(shape), { a: 1 }), { value: { a: 1, b: "x" } });
  });
}

test("a version 3 without the standard interface is read, too", async () => {
  const old = (zod) => ({
    _def: zod._def,
    isOptional: () => false,
    safeParseAsync: (v) => zod.safeParseAsync(v),
  });
  const shape = { a: old(z3.number()) };
  assert.deepEqual(jsonSchema(shape).properties, { a: { type: "number" } });
  assert.deepEqual(await check(shape, { a: 1 }), { value: { a: 1 } });
  assert.match((await check(shape, { a: "" })).problem, /^a: /);
});

test("zod/mini works", async () => {
  const shape = { a: mini.number(), b: mini.optional(mini.string()) };
  assert.deepEqual(jsonSchema(shape).required, ["a"]);
  assert.deepEqual(await check(shape, { a: 1 }), { value: { a: 1 } });
});

test("JSON Schema is handed on as it is", async () => {
  const schema = { type: "object", properties: { a: { type: "number" } } };
  assert.equal(jsonSchema(schema), schema);
  assert.deepEqual(await check(schema, { a: "left to the handler" }), {
    value: { a: "left to the handler" },
  });
});

test("a tool without arguments", () => {
  assert.deepEqual(jsonSchema({}), {
    type: "object",
    properties: {},
    required: [],
    additionalProperties: false,
  });
});
