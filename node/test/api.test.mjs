// The outside of the package: how it loads, what it refuses, and that its errors are classes with the facts of the core.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as all from "madrigal";
import { answering, playing, root } from "./simulator.mjs";

const madrigal = { ...all };
const require = createRequire(import.meta.url);

test("import and require give the same package", () => {
  const [imported, required] = [madrigal, require("madrigal")].map((all) =>
    Object.entries(all).filter(([name]) => !["default", "module.exports", "__esModule"].includes(name)),
  );
  assert.deepEqual(Object.fromEntries(imported), Object.fromEntries(required));
  assert.ok(imported.some(([name]) => name === "query"));
});

test("loading prints nothing and keeps nothing alive", () => {
  const script =
    'import("madrigal").then((m) => console.log(typeof m.query)); console.log(typeof require("madrigal").query)';
  const output = execFileSync(process.execPath, ["-e", script], { cwd: `${root}/node`, encoding: "utf8" });
  assert.equal(output, "function\nfunction\n");
});

/** A server with two tools of one name. */
function twice() {
  const add = all.tool("add", "Adds", {}, () => ({ content: [] }));
  return all.createSdkMcpServer({ name: "calc", tools: [add, add] });
}

const refused = [
  [{ modle: "opus" }, "modle", /unknown option/],
  [{ max_turns: 1 }, "max_turns", /unknown option.*maxTurns/],
  [{ timeouts: { strtMs: 5 } }, "timeouts.strtMs", /unknown option.*startMs/],
  [{ limits: 5 }, "limits", /an object/],
  [{ canUseTool: {} }, "canUseTool", /a function/],
  [{ signal: {} }, "signal", /an AbortSignal/],
  [{ abortController: new AbortController().signal }, "abortController", /an AbortController/],
  [{ systemPrompt: { type: "preset", preset: "other" } }, "systemPrompt", /systemPrompt: /],
  [{ systemPrompt: { type: "preset", preset: "claude_code", apend: "x" } }, "systemPrompt", /systemPrompt: /],
  [{ tools: "Bash" }, "tools", /tools: /],
  [{ onElicitation: 5 }, "onElicitation", /a function/],
  [{ hooks: { PreToolsUse: [] } }, "hooks.PreToolsUse", /unknown event.*PreToolUse/],
  [{ hooks: { Stop: [{ hooks: [5] }] } }, "hooks.Stop[0].hooks", /a list of functions/],
  [{ hooks: { Stop: [{ hooks: [], timeout: -1 }] } }, "hooks.Stop[0].timeout", /seconds/],
  [{ mcpServers: { calc: { type: "sdk", name: "calc" } } }, "mcpServers.calc.instance", /createSdkMcpServer/],
  [{ mcpServers: { calc: twice() } }, "mcpServers.calc.tools[1]", /second tool/],
  [{ env: { PATH: undefined } }, "env.PATH", /cannot be removed/],
  [{ maxTurns: "three" }, "maxTurns", /maxTurns: /],
  [{ maxTurns: 0 }, "maxTurns", /maxTurns: /],
  [{ additionalDirectories: ["a", 5] }, "additionalDirectories[1]", /additionalDirectories\[1\]: /],
  [{ timeouts: { startMs: -1 } }, "timeouts.startMs", /timeouts\.startMs: /],
  [{ permissionMode: "yes" }, "permissionMode", /permissionMode: /],
  [{ systemPrompt: { type: "preset", preset: "claude_code", append: 5 } }, "systemPrompt.append", /append: /],
];
for (const [options, field, message] of refused) {
  test(`refused with its path: ${field} ${message}`, () => {
    const open = () => madrigal.query({ prompt: "hi", options: playing(answering, options) });
    assert.throws(open, (error) => {
      assert.ok(error instanceof madrigal.InvalidOptionsError, error.stack);
      assert.equal(error.code, "invalid_options");
      assert.equal(error.context.field, field);
      assert.match(error.message, message);
      assert.equal(error.retry, "never");
      return true;
    });
  });
}

test("an error carries the facts of the core and prints as its class", async () => {
  const options = { pathToClaudeCodeExecutable: "/nowhere/claude" };
  await assert.rejects(madrigal.query({ prompt: "hi", options }).next(), (error) => {
    assert.ok(error instanceof madrigal.CLINotFoundError, error.stack);
    assert.ok(error instanceof madrigal.MadrigalError);
    assert.equal(error.code, "cli_not_found");
    assert.match(String(error), /^CLINotFoundError: /);
    assert.equal(JSON.parse(JSON.stringify(error)).code, "cli_not_found");
    return true;
  });
  await assert.rejects(madrigal.Session.open(options), madrigal.CLINotFoundError);
});

test("every kind of error has its class", () => {
  const { errors } = JSON.parse(readFileSync(`${root}/tests/conformance/vectors/errors.json`, "utf8"));
  for (const { code, node } of errors) {
    const error = new madrigal[node]({ code, message: "x" });
    assert.ok(error instanceof madrigal.MadrigalError);
    assert.deepEqual([error.name, error.code], [node, code]);
  }
});

test("what is sent is checked", async () => {
  const session = await madrigal.Session.open(playing(answering));
  await assert.rejects(session.send(5).next(), madrigal.InvalidArgumentError);
  assert.equal((await session.send("still there?").result()).result, "4");
  await session.close();
  await assert.rejects(session.send("late").next(), madrigal.ClosedError);
});

test("the engine's log reaches the program", async () => {
  const lines = [];
  madrigal.onLog("debug", (line) => lines.push(line));
  const session = await madrigal.Session.open(playing(answering));
  await session.close();
  madrigal.onLog("off");
  for (const { level, target, message } of lines) assert.ok(level && target && message);
  assert.ok(
    lines.some(({ fields }) => JSON.stringify(fields).includes(String(session.pid))),
    JSON.stringify(lines),
  );
  assert.throws(() => madrigal.onLog("loud"), madrigal.InvalidArgumentError);
});

test("everything that is exported says what it is", () => {
  for (const file of readdirSync(`${root}/node/src`, { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const lines = readFileSync(`${root}/node/src/${file}`, "utf8").split("\n");
    for (const [at, line] of lines.entries()) {
      if (!/^export (abstract |async )*(interface|type \w+|class|function|const) /.test(`${line} `)) continue;
      const before = lines.slice(0, at).findLast((one) => !one.startsWith("// biome-ignore"));
      // Another form of the function above, or its body.
      const [, overloaded] = /^export function (\w+).*;$/.exec(before) ?? [];
      if (overloaded !== undefined && line.startsWith(`export function ${overloaded}`)) continue;
      assert.match(before, /\*\/$/, `${file}:${at + 1}: ${line}`);
    }
  }
});

test("every option of the core has its name here", () => {
  const schema = JSON.parse(readFileSync(`${root}/docs/options.schema.json`, "utf8"));
  const names = Object.keys(schema.properties);
  assert.ok(names.length > 40, names.join());
  const special = { add_dirs: "additionalDirectories", cli_path: "pathToClaudeCodeExecutable" };
  for (const name of names.filter((name) => name !== "append_system_prompt")) {
    const ours = special[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    // No option is a list of lists of numbers, so each refuses it.
    assert.throws(
      () => madrigal.query({ prompt: "hi", options: { [ours]: [[5]] } }),
      (error) => {
        assert.equal(error.code, "invalid_options", error.stack);
        assert.ok(error.context.field.startsWith(ours), `${ours}: ${error.message}`);
        assert.doesNotMatch(error.message, /unknown option/);
        return true;
      },
    );
  }
});
