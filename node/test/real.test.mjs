// The cases on the real program, as tests/real/README.md describes them. It talks to a stand-in for the model's API.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  AuthManager,
  createSdkMcpServer,
  deleteSession,
  forkSession,
  getSessionMessages,
  InMemorySessionStore,
  listSessions,
  Orchestrator,
  query,
  Session,
  tool,
} from "madrigal";
import { z } from "zod";
import { matches } from "./match.mjs";
import { Place } from "./real-place.mjs";
import { play } from "./scenario.mjs";
import { giving, nothing } from "./set-up.mjs";
import { alive, gone, root } from "./simulator.mjs";
import { wiretap } from "./wiretap.mjs";

/** How long the API may take to notice that an answer was taken to its end, and a tool to start. */
const PATIENCE_MS = 60_000;

const cases = ["cases.json", "flows.json"].flatMap((name) =>
  JSON.parse(readFileSync(join(root, "tests", "real", name), "utf8")),
);

for (const written of cases) {
  test(`real: ${written.name}`, () =>
    inPlace(async (place) => {
      const {
        sessions,
        api,
        asked: counts,
        most,
        gone: leaves,
        files = {},
        ...circumstances
      } = place.made(written);
      for (const session of sessions) await play(session, (options) => place.options(options, circumstances));
      if (api !== undefined) await asked(place, api);
      await eventually(async () => {
        const requests = await place.requests();
        for (const { of, times } of counts ?? [])
          assert.equal(requests.filter((request) => matches(of, request)).length, times, JSON.stringify(of));
        if (most !== undefined) assert.ok(Math.max(...requests.map(({ beside }) => beside)) <= most);
        if (leaves) assert.deepEqual(place.programs(), []);
      });
      for (const [file, there] of Object.entries(files))
        assert.equal(existsSync(join(place.work, file)), there, file);
    }));
}

const ends = {
  SIGKILL: (host) => host.kill("SIGKILL"),
  SIGINT: (host) => host.kill("SIGINT"),
  exit: (host) => host.stdin.write("\n"),
  throw: (host) => host.stdin.write("\n"),
  idle: (host) => host.stdin.write("\n"),
};
for (const [how, end] of Object.entries(ends)) {
  test(`real: a host that ends by ${how} takes its program and the running tool along`, () =>
    inPlace(async (place) => {
      const options = place.options({ allowedTools: ["Bash"] });
      const host = spawn(process.execPath, [fileURLToPath(new URL("real-host.mjs", import.meta.url)), how], {
        env: { ...process.env, MADRIGAL_REAL_OPTIONS: JSON.stringify(options) },
        stdio: ["pipe", "pipe", "ignore"],
      });
      const exit = once(host, "exit");
      const [program] = String(await once(host.stdout, "data"))
        .split("\n")
        .map(Number);
      const tool = await toolOf(place);
      assert.ok(alive(program) && alive(tool));
      end(host);
      await exit;
      await Promise.all([gone([program], 1_000), gone([tool], 3_000)]);
      assert.equal(existsSync(join(place.work, "slept.txt")), false);
    }));
}

test("real: an aborted query takes its program and the running tool along", () =>
  inPlace(async (place) => {
    const aborter = new AbortController();
    const options = place.options({ allowedTools: ["Bash"], abortController: aborter });
    const q = query({ prompt: "Please sleep in the shell.", options });
    const read = assert.rejects(
      async () => {
        for await (const message of q) assert.ok(message);
      },
      { name: "AbortError" },
    );
    const tool = await toolOf(place);
    aborter.abort();
    await read;
    await gone([q.pid, tool], 3_000);
  }));

test("real: tools and hooks of this process are called, and a hook refuses a tool", () =>
  inPlace(async (place) => {
    const events = [];
    const watch = async ({ hook_event_name, tool_name }) => {
      events.push(tool_name ? `${hook_event_name} ${tool_name}` : hook_event_name);
      if (tool_name !== "Bash") return {};
      const decision = { permissionDecision: "deny", permissionDecisionReason: "no shell" };
      return { hookSpecificOutput: { hookEventName: "PreToolUse", ...decision } };
    };
    const add = tool("add", "Adds", { a: z.number(), b: z.number() }, ({ a, b }) => ({
      content: [{ type: "text", text: String(a + b) }],
    }));
    const hooks = { PreToolUse: [{ hooks: [watch] }], Stop: [{ hooks: [watch] }] };
    const mcpServers = { calc: createSdkMcpServer({ name: "calc", tools: [add] }) };
    const session = await Session.open(place.options({ hooks, mcpServers, allowedTools: ["mcp__calc"] }));
    assert.equal((await session.send("Please add two and three.").result()).result, "The tool said: 5");
    assert.match((await session.send("Please make the file.").result()).result, /no shell/);
    assert.deepEqual(events, ["PreToolUse mcp__calc__add", "Stop", "PreToolUse Bash", "Stop"]);
    const [calc] = await session.mcpServerStatus();
    assert.deepEqual([calc.name, calc.status], ["calc", "connected"]);
    assert.ok((await session.getContextUsage()).totalTokens > 0);
    await session.close();
    assert.equal(existsSync(join(place.work, "made-by-bash.txt")), false);
  }));

test("real: tasks of an orchestrator run side by side, each with its own functions; one that is aborted is gone", () =>
  inPlace(async (place) => {
    const calc = (factor) => {
      const add = tool("add", "Adds", { a: z.number(), b: z.number() }, ({ a, b }) => ({
        content: [{ type: "text", text: String(factor * (a + b)) }],
      }));
      return { calc: createSdkMcpServer({ name: "calc", tools: [add] }) };
    };
    const orchestrator = new Orchestrator({
      options: place.options({ allowedTools: ["mcp__calc", "Bash"] }),
    });
    const tasks = [1, 10].map((factor) => ({
      prompt: "Please add two and three.",
      options: { mcpServers: calc(factor) },
    }));
    const outcomes = await orchestrator.parallel(tasks);
    assert.deepEqual(
      outcomes.map(({ status, text }) => [status, text]),
      [
        ["succeeded", "The tool said: 5"],
        ["succeeded", "The tool said: 50"],
      ],
    );
    const aborter = new AbortController();
    const work = assert.rejects(orchestrator.run("Please sleep in the shell.", { signal: aborter.signal }), {
      name: "AbortError",
    });
    const sleeping = await toolOf(place);
    aborter.abort();
    await work;
    await gone([sleeping], 3_000);
    const { succeeded, costUsd } = await orchestrator.stats();
    assert.ok(succeeded === 2 && costUsd > 0);
    await orchestrator.close();
  }));

test("real: a session goes on from the store alone", () =>
  inPlace(async (place) => {
    const sessionStore = new InMemorySessionStore();
    const stored = { sessionStore, dir: place.work };
    const first = await Session.open(place.options({ sessionStore }));
    const { session_id: id } = await first.send("My word is heron. Remember: my word is heron.").result();
    await first.close();
    const [{ sessionId }] = await listSessions(stored);
    assert.equal(sessionId, id);
    const { sessionId: copy } = await forkSession(id, stored);
    await deleteSession(id, stored);
    // What the program itself has kept is gone, too.
    rmSync(join(place.folder, "home", ".claude", "projects"), { recursive: true });
    const second = await Session.open(place.options({ sessionStore, resume: copy }));
    const { result } = await second.send("Please repeat everything.").result();
    assert.match(result, /my word is heron/);
    await second.close();
    const messages = await getSessionMessages(copy, stored);
    assert.deepEqual(
      messages.map(({ type }) => type),
      ["user", "assistant", "user", "assistant"],
    );
  }));

test("real: the token that was stored is what the API sees, also after a restart", () =>
  inPlace(async (place) => {
    const token = "sk-ant-oat01-test-test-test-test";
    const tap = await wiretap(place.url);
    const store = { file: join(place.folder, "home", "token.json") };
    const options = (auth) => {
      const { env, ...others } = place.options({ auth }, { logged_in: false });
      return { ...others, env: { ...env, ANTHROPIC_BASE_URL: tap.url } };
    };
    const first = new AuthManager({ ...nothing, store, cliPath: giving(token), onSetupOutput() {} });
    first.setupInput("heron\n");
    await first.setupToken();
    const prompt = "Please say hello.";
    for await (const message of query({ prompt, options: options(first) }))
      if (message.type === "result") assert.match(message.result, /Hello/);
    await first.close();
    // Nothing but the file is left of it; another process is the real restart.
    const script = `const { AuthManager, Session } = require("madrigal");
      const { settings, options, prompt } = JSON.parse(process.env.MADRIGAL_REAL_AUTH);
      (async () => {
        const session = await Session.open({ ...options, auth: new AuthManager(settings) });
        console.log((await session.send(prompt).result()).result);
        await session.close();
      })();`;
    const given = { settings: { ...nothing, store }, options: options(), prompt };
    const host = spawn(process.execPath, ["-e", script], {
      cwd: join(root, "node"),
      env: { ...process.env, MADRIGAL_REAL_AUTH: JSON.stringify(given) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(host, "exit");
    assert.match(String(await once(host.stdout, "data")), /Hello/);
    assert.deepEqual(await exit, [0, null]);
    const second = new AuthManager({ ...nothing, store });
    const orchestrator = new Orchestrator({ options: options(second) });
    assert.match((await orchestrator.run(prompt)).text, /Hello/);
    await orchestrator.close();
    assert.deepEqual(tap.credentials, [`authorization: Bearer ${token}`]);
    tap.close();
  }));

async function inPlace(story) {
  const place = await Place.make();
  try {
    await story(place);
  } finally {
    await place.leave();
  }
}

/** The process of the tool that runs. */
async function toolOf(place) {
  for (const end = performance.now() + PATIENCE_MS; ; await pause(5)) {
    const file = join(place.work, "tool.pid");
    const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    if (pid > 0) return pid;
    assert.ok(performance.now() < end, `the tool did not start: ${JSON.stringify(await place.requests())}`);
  }
}

/** Requests that match came, in this order. */
/** Tries again until it holds. */
async function eventually(check) {
  for (const end = performance.now() + PATIENCE_MS; ; await pause(20)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

async function asked(place, patterns) {
  for (const end = performance.now() + PATIENCE_MS; ; await pause(20)) {
    const requests = await place.requests();
    const missing = [...patterns];
    for (const request of requests) if (missing.length > 0 && matches(missing[0], request)) missing.shift();
    if (patterns.length === 0) assert.deepEqual(requests, []);
    if (missing.length === 0) return;
    assert.ok(performance.now() < end, `${JSON.stringify(missing)} not among ${JSON.stringify(requests)}`);
  }
}
