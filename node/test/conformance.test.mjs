// The scenarios every language runs.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { matches } from "./match.mjs";
import { play } from "./scenario.mjs";
import { root, simulating } from "./simulator.mjs";

const conformance = join(root, "tests", "conformance");
const read = (...path) => JSON.parse(readFileSync(join(conformance, ...path), "utf8"));
const known = join(conformance, "known_failing", "node.txt");
const failing = new Set(
  existsSync(known)
    ? readFileSync(known, "utf8")
        .split("\n")
        .map((line) => line.split(/\s/)[0])
        .filter((name) => name && !name.startsWith("#"))
    : [],
);

test("patterns match as they should", () => {
  for (const { pattern, value, matches: expected, about } of read("vectors", "match.json").cases)
    assert.equal(matches(pattern, value), expected, about);
});

for (const file of readdirSync(join(conformance, "scenarios")).sort()) {
  const scenario = read("scenarios", file);
  const path = join(conformance, "scenarios", file);
  const run = () => play(scenario, (options) => simulating(path, options));
  test(scenario.name, () =>
    failing.has(scenario.name) ? assert.rejects(run, "is no longer a known failure") : run(),
  );
}
