// Carries out the `host` half of a scenario with the public API of the package; tests/conformance/README.md says what
// each step means.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as madrigal from "madrigal";
import { Authority } from "./authority.mjs";
import { Conductor } from "./conduct.mjs";
import { ScenarioStore } from "./failing-store.mjs";
import { matches } from "./match.mjs";
import { argumentsInSnake, called, official, replies, respelled, snakeKeys } from "./names.mjs";
import { police } from "./policing.mjs";
import { provide, tools } from "./provide.mjs";
import { gone } from "./simulator.mjs";
import { specialists, spokenOfAgents, through } from "./specialists.mjs";

setFlagsFromString("--expose-gc");
/** Collects garbage now. */
const collect = runInNewContext("gc");

/** Long enough for a slow machine; reached only when something hangs. */
const LIMIT_MS = 60_000;

/** Carries out a scenario, whose options `place` leads to a program. Throws what does not hold. */
export async function play(scenario, place) {
  const run = new Run(scenario, place);
  const memory = process.memoryUsage().rss;
  run.memory = () => process.memoryUsage().rss - memory;
  await run.steps(scenario.host);
}

/** What is known of sessions, with what is not known. */
function whole(value) {
  if (Array.isArray(value)) return value.map(whole);
  if (typeof value !== "object" || !("summary" in value)) return value;
  return { archived: null, custom_title: null, tag: null, ...value };
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
  policies = [];
  unseen = [];
  pids = {};
  words = {};
  changed = new EventTarget();

  constructor(scenario, place, store = scenario.session_store && new ScenarioStore(scenario.session_store)) {
    this.scenario = scenario;
    this.place = place;
    this.store = store;
    this.talk = undefined;
    this.found = new Seen(scenario.expect);
  }

  async steps(steps) {
    try {
      for (const step of steps) await this.step(step);
      if (this.talk !== undefined) this.found.check(this.talk.exit);
    } finally {
      await this.talk?.close("now");
      await this.conductor?.orchestrator.close();
      this.policed?.policy.close();
      await this.authority?.close();
    }
  }

  async step(step) {
    const [name] = Object.keys(step);
    const method = name === "auth" ? "openAuth" : name;
    if (this[method] === undefined) throw new Error(`no such step: ${name}`);
    let error;
    try {
      await inTime(this[method](step[name], step), name);
    } catch (thrown) {
      error = thrown;
    }
    if (step.error === undefined) {
      if (error !== undefined) throw error;
      return;
    }
    assert.ok(error !== undefined, `${name} should have failed with ${JSON.stringify(step.error)}`);
    const raised = error.ofHost ? error : (this.raised ?? this.store?.raised);
    if (step.error.code === "callback") {
      assert.equal(error, raised, "not the exception that was raised");
      return;
    }
    assert.ok(fails(step, wire(error)), `${name} failed with ${error.stack}\n${JSON.stringify(error)}`);
  }

  async options() {
    const own = through(official(this.scenario.options ?? {}), this.scenario.through);
    Object.assign(
      own,
      provide(this.scenario, own, (ask) => this.onAsk(ask)),
    );
    if (this.store !== undefined) own.sessionStore = await this.store.filled();
    if (this.auth !== undefined) own.auth = this.auth;
    this.aborter = own.abortController = new AbortController();
    return this.place(this.inFolder(own));
  }

  /** Options with the folder of the program, when the scenario has files. */
  inFolder(options) {
    if (this.scenario.files === undefined) return options;
    return { ...options, env: { ...options.env, CLAUDE_CONFIG_DIR: this.config().configDir } };
  }

  async open({ auth }) {
    const options = await this.options();
    if (auth !== undefined) options.auth = this.authority.named[auth];
    this.talk = await madrigal.Session.open(options);
    this.pid = this.talk.pid;
  }

  async query(prompt) {
    this.talk = madrigal.query({ prompt, options: await this.options() });
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
      else if (message.type === "system" && typeof value === "string") this.words[field] = value;
  }

  on_ask({ kind, name, ...policy }) {
    const others = this.policies.filter((one) => one.kind !== kind || one.name !== name);
    this.policies = [...others, { kind, name, policy }];
  }

  /** The entry for this callback or tool, else for its kind, else for all. */
  entry({ kind, name }) {
    const fits = (one) => (one.kind ?? kind) === kind && (one.name ?? name) === name;
    const weight = (one) => (one.name === undefined ? 0 : 2) + (one.kind === undefined ? 0 : 1);
    const [best] = this.policies.filter(fits).sort((a, b) => weight(b) - weight(a));
    return best?.policy ?? { hold: true };
  }

  /** An ask: `kind`, `name` of the callback or tool, `request`, `signal`, and `progress` of a tool call. */
  onAsk(ask) {
    const { answer, raise, hold } = this.entry(ask);
    this.found.asks.push(ask.request);
    this.unseen.push(ask.request);
    setImmediate(() => this.changed.dispatchEvent(new Event("ask")));
    if (raise !== undefined) {
      const error = Object.assign(new Error(raise), { code: "callback" });
      if (ask.kind !== "tool_call") this.raised = error;
      throw error;
    }
    if (!hold) return answer;
    return new Promise((resolve) => this.held.push({ ...ask, resolve }));
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

  async call(name, { with: given = {}, reply }) {
    const seen = ([key, value]) => [key, this.seen(value)];
    const { method, args } = called(name, Object.fromEntries(Object.entries(given).map(seen)));
    assert.equal(typeof this.talk[method], "function", `there is no method ${method}`);
    const value = await this.talk[method](...args);
    if (reply !== undefined) assert.ok(replies(reply, value), `${method} gave ${JSON.stringify(value)}`);
  }

  /** What the last message that had this field said. */
  seen(value) {
    const field = typeof value === "string" ? /^\$seen\.(.+)/.exec(value)?.[1] : undefined;
    if (field === undefined) return value;
    assert.ok(field in this.words, `no message had ${field}`);
    return this.words[field];
  }

  async invoke(name, { with: given = {}, reply }) {
    if (name in specialists) {
      const value = await specialists[name](given, this.config());
      if (reply !== undefined) assert.ok(matches(reply, value), `${name} gave ${JSON.stringify(value)}`);
      return;
    }
    const { method, args } = called(name, given);
    const last = typeof args.at(-1) === "object" && args.at(-1) !== null ? args.pop() : {};
    const { directory, ...rest } = last;
    const place = { ...rest, ...(directory ? { dir: directory } : {}) };
    if (/_(from|via)_store$/.test(name)) place.sessionStore = await this.store.filled();
    else Object.assign(place, this.config());
    if (name.endsWith("_to_store")) args.push(await this.store.filled());
    if (name === "session_store_conformance") args.push(() => new madrigal.InMemorySessionStore());
    const value = await Object.getOwnPropertyDescriptor(madrigal, method).value(...args, place);
    // Where this package leaves something out, the core says `null`.
    const wire = value === undefined ? null : whole(snakeKeys(value));
    if (reply !== undefined) assert.ok(matches(reply, wire), `${method} gave ${JSON.stringify(wire)}`);
  }

  async stored(where, { reply }) {
    await this.store.stored(where, reply);
  }

  /** The folder of the program, made from the files of the scenario. */
  config() {
    if (this.scenario.files === undefined) return {};
    if (this.folder === undefined) {
      this.folder = mkdtempSync(join(tmpdir(), "madrigal-scenario-"));
      process.once("exit", () => rmSync(this.folder, { recursive: true, force: true }));
      for (const [name, text] of Object.entries(this.scenario.files)) {
        mkdirSync(dirname(join(this.folder, name)), { recursive: true });
        make(join(this.folder, name), text);
      }
    }
    return { configDir: this.folder };
  }

  async progress({ progress, ...more }) {
    while (this.held.length === 0) await event(this.changed, "ask");
    this.held.find(({ kind }) => kind === "tool_call").progress(progress, more);
  }

  async set_tools({ server, tools: listed }) {
    await this.talk.setTools(
      server,
      tools(server, listed, (ask) => this.onAsk(ask)),
    );
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
        if (!(error instanceof madrigal.AbortError)) throw error;
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
    if (this.conductor !== undefined) await this.conductor.orchestrator.close();
    else await this.talk.close("graceful");
  }

  async orchestrator(config) {
    const auth = this.auth === undefined ? {} : { auth: this.auth };
    const place = (options) => this.place(this.inFolder({ ...options, ...auth }));
    this.conductor = new Conductor(config, place, this.authority?.named ?? {});
  }

  async flow(flow, { reply, cancel_when: cancelWhen }) {
    await this.conductor.flow(flow, reply, cancelWhen);
  }

  async stats(pattern) {
    await this.conductor.stats(pattern);
  }

  async reset_stats() {
    await this.conductor.orchestrator.resetStats();
  }

  async stages(patterns) {
    await this.conductor.stages(patterns);
  }

  async policy(given) {
    this.policed?.policy.close();
    this.policed = police(given);
  }

  async decide({ command, ...question }, { reply }) {
    const said = (await this.policed[command](question)) ?? null;
    if (reply !== undefined) assert.ok(matches(reply, said), `${command} gave ${JSON.stringify(said)}`);
  }

  /** What is called `auth` in a scenario; the manager itself has that name here. */
  async openAuth(given, { as: name }) {
    this.scenario.files ??= {};
    this.authority ??= new Authority(this.scenario, (error) => (this.raised = error));
    const { pathToClaudeCodeExecutable: cliPath, env } = this.place({});
    this.auth = await this.authority.open(given, name, { cliPath, env, folder: this.config().configDir });
  }

  async auth_call(name, { of, with: given = {}, types, shown, reply }) {
    this.raised = undefined;
    const value = await this.authority.call(name, of, given, types);
    if (shown !== undefined)
      assert.ok(matches(shown, this.authority.shown), `it drew ${JSON.stringify(this.authority.shown)}`);
    if (reply !== undefined) assert.ok(matches(reply, value), `${name} gave ${JSON.stringify(value)}`);
  }

  async gone({ fields = [] }) {
    await gone([this.pid ?? this.talk?.pid, ...fields.map((field) => this.pids[field])].filter(Boolean));
  }

  async memory_below_mb(limit) {
    // What is held counts, not what V8 has not looked at or not given back yet: how long it waits with that depends on the scenarios
    // before.
    let grown = Number.POSITIVE_INFINITY;
    for (let look = 0; look < 100 && grown >= limit; look++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
      grown = this.memory() / 2 ** 20;
    }
    assert.ok(grown < limit, `the process grew by ${grown} MB`);
  }

  async times(times, { parallel, do: steps }) {
    const one = () =>
      Object.assign(new Run(this.scenario, this.place, this.store), { auth: this.auth }).steps(steps);
    if (parallel) await Promise.all(Array.from({ length: times }, one));
    else for (let time = 0; time < times; time++) await one();
  }
}

/** One of `files`: a text, one with permissions, or a symbolic link. */
function make(path, what) {
  const { text, mode, link } = typeof what === "string" ? { text: what } : what;
  if (link !== undefined) return symlinkSync(link, path);
  writeFileSync(path, text);
  if (mode !== undefined) chmodSync(path, Number.parseInt(mode, 8));
}

/** Whether an error is the expected one, whoever's words it is in. */
function fails({ invoke, error: expected }, error) {
  if (spokenOfAgents(invoke)) return matches(expected, error);
  const named = invoke === undefined || invoke in specialists ? error : argumentsInSnake(error);
  return matches(respelled(expected), named);
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
