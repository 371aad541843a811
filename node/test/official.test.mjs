// The names of the official package, recorded in `official-names.json`: each has its counterpart here, or a reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as madrigal from "madrigal";
import { root } from "./simulator.mjs";

const official = JSON.parse(readFileSync(`${root}/node/test/official-names.json`, "utf8"));
const declarations = (file) => readFileSync(`${root}/node/dist/${file}.d.ts`, "utf8");

/** What is recorded and neither there nor excused, and what is excused and there. */
function compare(recorded, absent, isThere) {
  const missing = recorded.filter((name) => !isThere(name) && !(name in absent));
  assert.deepEqual(missing, [], "neither there nor excused");
  const needless = recorded.filter((name) => isThere(name) && name in absent);
  assert.deepEqual(needless, [], "there, and excused all the same");
}

/** The names a declaration file exports, those it hands on from others among them. */
function exported(file) {
  const names = new Set();
  for (const [, list] of declarations(file).matchAll(/^export (?:type )?\{([^}]*)\}/gm))
    for (const name of list.matchAll(/(\w+)\s*(?:,|$)/g)) names.add(name[1]);
  for (const [, name] of declarations(file).matchAll(
    /^export (?:declare )?(?:abstract )?(?:type|interface|class|function|const) (\w+)/gm,
  ))
    names.add(name);
  for (const [, from] of declarations(file).matchAll(/^export (?:type )?\* from "\.\/(.+)\.js"/gm))
    for (const name of exported(from)) names.add(name);
  return names;
}

test("values have the names of the official package", () => {
  compare(official.values, official.absent.exports, (name) => name in madrigal);
});

test("types have the names of the official package", () => {
  const ours = exported("index");
  compare(official.types, official.absent.exports, (name) => ours.has(name));
});

test("options have the names of the official package", () => {
  const [, body] = /interface Options \{([\s\S]*?)^\}/m.exec(declarations("option-types"));
  const ours = [...body.matchAll(/^ {4}(\w+)\?:/gm)].map(([, name]) => name);
  assert.ok(ours.length > 60, ours.join());
  compare(official.options, official.absent.options, (name) => ours.includes(name));
});

test("queries have the methods of the official package", () => {
  compare(official.query, official.absent.query, (name) => name in madrigal.Query.prototype);
});

test("every excuse is for a name there is, and says why", () => {
  const names = {
    exports: [...official.values, ...official.types],
    options: official.options,
    query: official.query,
  };
  for (const [part, excuses] of Object.entries(official.absent))
    for (const [name, reason] of Object.entries(excuses))
      assert.ok(names[part].includes(name) && reason.length > 10, `${part}: ${name}`);
});
