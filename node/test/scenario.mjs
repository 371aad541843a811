// Carries out the `host` half of a scenario with the public API of the package; tests/conformance/README.md says what
// each step means.

import assert from "node:assert/strict";
import { join } from "node:path";
import { AbortError, query, Session } from "madrigal";
import { matches, missing } from "./match.mjs";
import { gone, root, simulating } from "./simulator.mjs";

const scenarios = join(root, "tests", "conformance", "scenarios");
/** Long enough for a slow machine; reached only when something hangs. */
const LIMIT_MS = 60_000;

/** Runs a scenario; throws what does not hold. */
export async function run(scenario, file) {
  const story = new Story(scenario, join(scenarios, file));
  try {
    await story.steps(scenario.host);
    story.check(scenario.expect ?? {});
  } finally {
    await Promise.all(story.all.map((run) => run.talk?.close("now")));
  }
}

class Story {
  all = [];
  messages = [];
  asks = [];
  exits = [];

  constructor(scenario, path) {
    this.scenario = scenario;
    this.path = path;
    this.memory = process.memoryUsage().rss;
  }

  /** One session of its own. */
  async steps(steps) {
    const run = new Run(this);
    this.all.push(run);
    for (const step of steps) await run.step(step);
    if (run.talk !== undefined) this.exits.push(run.talk.exit);
  }

  check(expect) {
    const { messages } = this;
    const assistants = messages.filter(({ type }) => type === "assistant");
    const deltas = messages.filter(({ type }) => type === "stream_event").map(({ event }) => event.delta);
    const blocks = assistants.flatMap(({ message }) => message.content);
    const lacks = missing(expect.messages ?? [], messages);
    assert.deepEqual(
      lacks,
      [],
      `not among ${messages.map((one) => JSON.stringify(one).slice(0, 200)).join("\n")}`,
    );
    if ("count" in expect) assert.equal(messages.length, expect.count, "count of messages");
    if ("text" in expect) assert.equal(join_(blocks.filter(({ type }) => type === "text")), expect.text);
    if ("deltas" in expect)
      assert.equal(join_(deltas.filter((one) => one?.type === "text_delta")), expect.deltas);
    if ("asks" in expect) {
      assert.equal(this.asks.length, expect.asks.length, "count of asks");
      assert.deepEqual(missing(expect.asks, this.asks), [], `not among ${JSON.stringify(this.asks)}`);
    }
    for (const exit of "exit" in expect ? this.exits : [])
      assert.ok(matches(expect.exit, exit), `the program ended with ${JSON.stringify(exit)}`);
  }
}

class Run {
  saved = {};
  held = [];
  policy = { hold: true };
  seen = [];
  changed = new EventTarget();

  constructor(story) {
    this.story = story;
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
      matches(step.error, wire(error)),
      `${name} failed with ${error.stack}\n${JSON.stringify(error)}`,
    );
  }

  options() {
    const { options = {}, asks = [] } = this.story.scenario;
    const own = official(options);
    if (asks.includes("can_use_tool")) own.canUseTool = (...args) => this.onAsk(...args);
    this.aborter = own.abortController = new AbortController();
    return simulating(this.story.path, own);
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
      this.last = message;
      this.story.messages.push(message);
      if (until !== undefined && matches(until, message)) return;
    }
  }

  on_ask(policy) {
    this.policy = policy;
  }

  async onAsk(tool_name, input, context) {
    const { answer, raise, hold } = this.policy;
    const request = { subtype: "can_use_tool", tool_name, input, tool_use_id: context.toolUseID };
    if (context.suggestions) request.permission_suggestions = context.suggestions;
    this.story.asks.push(request);
    this.seen.push(request);
    this.changed.dispatchEvent(new Event("ask"));
    if (raise !== undefined) {
      this.raised = Object.assign(new Error(raise), { code: "callback" });
      throw this.raised;
    }
    if (!hold) return answer;
    return new Promise((resolve) => this.held.push({ resolve, signal: context.signal }));
  }

  async await_ask(pattern) {
    for (;;) {
      const at = this.seen.findIndex((request) => matches(pattern, request));
      if (at >= 0) return this.seen.splice(at, 1);
      await event(this.changed, "ask");
    }
  }

  answer(result) {
    this.held.shift().resolve(result);
  }

  async await_ask_cancelled() {
    const { signal } = this.held.shift();
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
        this.story.messages.push(message);
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
    await gone([this.pid ?? this.talk.pid, ...fields.map((field) => this.last[field])].filter(Boolean));
  }

  memory_below_mb(limit) {
    globalThis.gc?.();
    const grown = (process.memoryUsage().rss - this.story.memory) / 2 ** 20;
    assert.ok(grown < limit, `the process grew by ${grown} MB`);
  }

  async times(times, { parallel, do: steps }) {
    if (parallel) await Promise.all(Array.from({ length: times }, () => this.story.steps(steps)));
    else for (let time = 0; time < times; time++) await this.story.steps(steps);
  }
}

/** The core's names of options in the words of this package. */
function official({ add_dirs, append_system_prompt, cli_path, ...rest }) {
  const camel = (value) =>
    Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
        ["timeouts", "limits"].includes(name) ? camel(inner) : inner,
      ]),
    );
  const options = camel(rest);
  if (add_dirs) options.additionalDirectories = add_dirs;
  if (append_system_prompt)
    options.systemPrompt = { type: "preset", preset: "claude_code", append: append_system_prompt };
  if (cli_path) options.pathToClaudeCodeExecutable = cli_path;
  return options;
}

const wire = (error) => error.toJSON?.() ?? { code: error.code, message: error.message };
const join_ = (parts) => parts.map(({ text }) => text).join("");
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
