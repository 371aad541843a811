// Carries out the `host` half of a scenario with the public API of the package; tests/conformance/README.md says what
// each step means.

import assert from "node:assert/strict";
import { AbortError, query, Session } from "madrigal";
import { matches } from "./match.mjs";
import { gone } from "./simulator.mjs";

/** Long enough for a slow machine; reached only when something hangs. */
const LIMIT_MS = 60_000;

/** Carries out a scenario, whose options `place` leads to a program. Throws what does not hold. */
export async function play(scenario, place) {
  const run = new Run(scenario, place);
  const memory = process.memoryUsage().rss;
  run.memory = () => process.memoryUsage().rss - memory;
  await run.steps(scenario.host);
}

/** What is expected of a session, compared as it comes: a scenario may have more messages than fit in memory. */
class Seen {
  count = 0;
  text = "";
  deltas = "";
  asks = [];
  recent = [];

  constructor(expect = {}) {
    this.expect = expect;
    this.patterns = [...(expect.messages ?? [])];
  }

  message(message) {
    this.count++;
    if (this.patterns.length > 0 && matches(this.patterns[0], message)) this.patterns.shift();
    const delta = message.type === "stream_event" && message.event.delta;
    if ("deltas" in this.expect && delta?.type === "text_delta") this.deltas += delta.text;
    if ("text" in this.expect && message.type === "assistant")
      for (const block of message.message.content) if (block.type === "text") this.text += block.text ?? "";
    this.recent = [...this.recent.slice(-20), message];
  }

  check(exit) {
    const { expect } = this;
    const recent = this.recent.map((one) => JSON.stringify(one).slice(0, 300)).join("\n");
    assert.deepEqual(this.patterns, [], `these did not come; the last messages were\n${recent}`);
    for (const part of ["count", "text", "deltas"])
      if (part in expect) assert.equal(this[part], expect[part], part);
    if ("asks" in expect) {
      const asks = JSON.stringify(this.asks);
      assert.equal(this.asks.length, expect.asks.length, asks);
      for (const [index, ask] of expect.asks.entries()) assert.ok(matches(ask, this.asks[index]), asks);
    }
    if ("exit" in expect)
      assert.ok(matches(expect.exit, exit), `the program ended with ${JSON.stringify(exit)}`);
  }
}

/** One session. */
class Run {
  saved = {};
  held = [];
  policy = { hold: true };
  unseen = [];
  pids = {};
  changed = new EventTarget();

  constructor(scenario, place) {
    this.scenario = scenario;
    this.place = place;
    this.talk = undefined;
    this.found = new Seen(scenario.expect);
  }

  async steps(steps) {
    try {
      for (const step of steps) await this.step(step);
      if (this.talk !== undefined) this.found.check(this.talk.exit);
    } finally {
      await this.talk?.close("now");
    }
  }

  async step(step) {
    const [name] = Object.keys(step);
    if (this[name] === undefined) throw new Error(`no such step: ${name}`);
    let error;
    try {
      await inTime(this[name](step[name], step), name);
    } catch (thrown) {
      error = thrown;
    }
    if (step.error === undefined) {
      if (error !== undefined) throw error;
      return;
    }
    assert.ok(error !== undefined, `${name} should have failed with ${JSON.stringify(step.error)}`);
    if (step.error.code === "callback") assert.equal(error, this.raised, "not the exception that was raised");
    assert.ok(
      matches(respelled(step.error), wire(error)),
      `${name} failed with ${error.stack}\n${JSON.stringify(error)}`,
    );
  }

  options() {
    const { options = {}, asks = [] } = this.scenario;
    const own = official(options);
    if (asks.includes("can_use_tool")) own.canUseTool = (...args) => this.onAsk(...args);
    this.aborter = own.abortController = new AbortController();
    return this.place(own);
  }

  async open() {
    this.talk = await Session.open(this.options());
    this.pid = this.talk.pid;
  }

  query(prompt) {
    this.talk = query({ prompt, options: this.options() });
  }

  async send(prompt, { save }) {
    const uuid = await this.talk.send(prompt).uuid;
    if (save !== undefined) this.saved[save] = { uuid };
  }

  async read({ until, count = Number.POSITIVE_INFINITY, end }) {
    for (let read = 0; read < count; read++) {
      const message = await this.talk.read();
      if (message === undefined) {
        assert.ok(end, `the stream ended before ${JSON.stringify(until ?? count)} came`);
        return;
      }
      this.onMessage(message);
      if (until !== undefined && matches(until, message)) return;
    }
  }

  onMessage(message) {
    this.found.message(message);
    for (const [field, value] of Object.entries(message))
      if (Number.isInteger(value)) this.pids[field] = value;
  }

  on_ask(policy) {
    this.policy = policy;
  }

  onAsk(_tool, _input, { request, signal }) {
    const { answer, raise, hold } = this.policy;
    this.found.asks.push(request);
    this.unseen.push(request);
    setImmediate(() => this.changed.dispatchEvent(new Event("ask")));
    if (raise !== undefined) {
      this.raised = Object.assign(new Error(raise), { code: "callback" });
      throw this.raised;
    }
    if (!hold) return answer;
    return new Promise((resolve) => this.held.push({ resolve, signal }));
  }

  async await_ask(pattern) {
    for (;;) {
      const at = this.unseen.findIndex((request) => matches(pattern, request));
      if (at >= 0) return this.unseen.splice(at, 1);
      await event(this.changed, "ask");
    }
  }

  async answer(result) {
    (await this.oldest()).resolve(result);
  }

  async oldest() {
    while (this.held.length === 0) await event(this.changed, "ask");
    return this.held.shift();
  }

  async await_ask_cancelled() {
    const { signal } = await this.oldest();
    if (!signal.aborted) await event(signal, "abort");
  }

  async interrupt(_, { reply = "$any" }) {
    const receipt = await this.talk.interrupt();
    assert.ok(matches(reply, receipt), `the receipt is ${JSON.stringify(receipt)}`);
  }

  async control(request, { reply = "$any" }) {
    const payload = await this.talk.control(request);
    assert.ok(matches(reply, payload), `the answer is ${JSON.stringify(payload)}`);
  }

  async cancel_wait({ times }) {
    for (let time = 0; time < times; time++) {
      const aborter = new AbortController();
      const wait = this.talk.read({ signal: aborter.signal });
      setImmediate(() => aborter.abort());
      try {
        const message = await wait;
        assert.ok(message !== undefined, "the stream ended");
        this.onMessage(message);
      } catch (error) {
        if (!(error instanceof AbortError)) throw error;
      }
    }
  }

  async finish() {
    await this.talk.finish();
  }

  async drop() {
    if (this.talk.return) await this.talk.return();
    else this.aborter.abort();
  }

  async close() {
    await this.talk.close("graceful");
  }

  async gone({ fields = [] }) {
    await gone([this.pid ?? this.talk?.pid, ...fields.map((field) => this.pids[field])].filter(Boolean));
  }

  memory_below_mb(limit) {
    const grown = this.memory() / 2 ** 20;
    assert.ok(grown < limit, `the process grew by ${grown} MB`);
  }

  async times(times, { parallel, do: steps }) {
    const one = () => new Run(this.scenario, this.place).steps(steps);
    if (parallel) await Promise.all(Array.from({ length: times }, one));
    else for (let time = 0; time < times; time++) await one();
  }
}

/** The core's names of options in the words of this package. */
function official({ add_dirs, system_prompt, append_system_prompt, cli_path, ...rest }) {
  const camel = (value) =>
    Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
        ["timeouts", "limits"].includes(name) ? camel(inner) : inner,
      ]),
    );
  const options = camel(rest);
  if (add_dirs) options.additionalDirectories = add_dirs;
  if (cli_path) options.pathToClaudeCodeExecutable = cli_path;
  const prompt = system_prompt
    ? { type: "custom", prompt: system_prompt }
    : { type: "preset", preset: "claude_code" };
  if (system_prompt || append_system_prompt)
    options.systemPrompt = { ...prompt, append: append_system_prompt };
  return options;
}

/** What is said about an option, in the words of this package. */
function respelled(error) {
  if (error.code !== "invalid_options") return error;
  const special = { add_dirs: "additionalDirectories", append_system_prompt: "systemPrompt.append" };
  const spell = (text) =>
    text
      .replace(/add_dirs|append_system_prompt/, (name) => special[name])
      .replace(/cli_path/, "pathToClaudeCodeExecutable")
      .replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  const respell = (value) =>
    typeof value === "string"
      ? spell(value)
      : Object.fromEntries(
          Object.entries(value).map(([key, inner]) => [key, key === "code" ? inner : respell(inner)]),
        );
  return respell(error);
}

const wire = (error) => error.toJSON?.() ?? { code: error.code, message: error.message };
const event = (target, name) =>
  new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

async function inTime(work, name) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} took longer than ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
