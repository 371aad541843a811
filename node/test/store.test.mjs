// Session stores: what is refused, how failures come back, and the checks users run on a store of their own. What sessions do
// with a store is shown by the scenarios.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as madrigal from "madrigal";
import { answering, playing } from "./simulator.mjs";

const { InMemorySessionStore, InvalidArgumentError, InvalidOptionsError, sessionStoreConformance } = madrigal;

const sessionId = "00000000-0000-4000-8000-000000000001";
const key = { projectKey: "-", sessionId };
const prompt = (text, uuid) => ({
  type: "user",
  uuid,
  parentUuid: null,
  sessionId,
  timestamp: "2026-01-02T03:04:05.006Z",
  cwd: "/",
  isSidechain: false,
  message: { role: "user", content: text },
});
const entry = prompt("What is a madrigal?", "00000000-0000-4000-8000-00000000000a");
const dir = "/";

/** A store with one session. */
async function filled() {
  const sessionStore = new InMemorySessionStore();
  await sessionStore.append(key, [entry]);
  return sessionStore;
}

test("the store in memory does what sessions rely on", async () => {
  const checks = await sessionStoreConformance(() => new InMemorySessionStore());
  assert.ok(checks.length >= 15, JSON.stringify(checks));
  assert.deepEqual(
    checks.filter(({ passed }) => !passed),
    [],
  );
});

/** The checks a store does not pass, by name. */
const failing = async (makeStore) =>
  (await sessionStoreConformance(makeStore)).filter(({ passed }) => !passed).map(({ check }) => check);

test("the checks find what a store does wrong", async () => {
  class Backwards extends InMemorySessionStore {
    load = async (key) => (await super.load(key))?.reverse() ?? null;
  }
  assert.ok((await failing(() => new Backwards())).includes("load_gives_what_was_appended_in_order"));
  class Twice extends InMemorySessionStore {
    append = async (key, entries) =>
      super.append(
        key,
        entries.map(({ uuid, ...rest }) => rest),
      );
  }
  assert.ok((await failing(() => new Twice())).includes("a_repeated_uuid_is_absorbed"));
  class Down extends InMemorySessionStore {
    append = () => Promise.reject(new Error("no room"));
  }
  const [{ error }] = await sessionStoreConformance(() => new Down());
  assert.match(error, /no room/);
  class Listless extends InMemorySessionStore {
    listSessions = async () => "none";
  }
  const listed = await sessionStoreConformance(() => new Listless());
  assert.match(listed.find(({ check }) => check === "sessions_are_listed").error, /a list from listSessions/);
});

test("methods a store does not have are not checked, and fresh stores may take their time", async () => {
  let made = 0;
  const checks = await sessionStoreConformance(async () => {
    const memory = new InMemorySessionStore();
    made++;
    return {
      append: (key, entries) => memory.append(key, entries),
      load: (key) => memory.load(key),
    };
  });
  assert.ok(checks.length > 5 && checks.every(({ passed }) => passed), JSON.stringify(checks));
  assert.equal(made, checks.length);
  assert.ok(!checks.some(({ check }) => check.includes("delete")));
});

test("what the store throws is thrown, the very same object", async () => {
  const down = new Error("no room");
  const sessionStore = await filled();
  sessionStore.load =
    sessionStore.listSessionSummaries =
    sessionStore.listSessions =
      () => Promise.reject(down);
  const is = (error) => error === down;
  await assert.rejects(madrigal.listSessions({ dir, sessionStore }), is);
  await assert.rejects(madrigal.getSessionMessages(sessionId, { dir, sessionStore }), is);
  await assert.rejects(madrigal.forkSession(sessionId, { dir, sessionStore }), is);
  const options = playing(answering, { cwd: dir, resume: sessionId, sessionStore });
  await assert.rejects(madrigal.Session.open(options), is);
  await assert.rejects(madrigal.query({ prompt: "hi", options }).next(), is);
});

test("a store that fails does not end a conversation", async () => {
  const sessionStore = new InMemorySessionStore();
  sessionStore.append = () => {
    throw new Error("no room");
  };
  const mirrored = {
    emit: {
      type: "transcript_mirror",
      filePath: `$env.HOME/.claude/projects/-/${sessionId}.jsonl`,
      entries: [entry],
    },
  };
  const cli = [{ await: { type: "user" } }, { init: {} }, mirrored, { result: {} }];
  const messages = [];
  const options = playing(cli, { sessionStore, sessionStoreFlush: "eager" });
  for await (const message of madrigal.query({ prompt: "hi", options })) messages.push(message);
  assert.ok(messages.some(({ type }) => type === "result"));
  const [lost] = messages.filter(({ subtype }) => subtype === "mirror_error");
  assert.deepEqual([lost?.source, lost?.entries], ["madrigal", 1], JSON.stringify(messages));
  assert.ok(!messages.some(({ type }) => type === "transcript_mirror"));
});

const refused = [
  [{ sessionStore: {} }, "sessionStore", /append and load/],
  [{ sessionStore: 5 }, "sessionStore", /append and load/],
  [{ sessionStore: { append() {} } }, "sessionStore", /append and load/],
  [{ sessionStoreFlush: "sometimes" }, "sessionStoreFlush", /sessionStoreFlush/],
  [{ timeouts: { storeMs: 0 } }, "timeouts.storeMs", /timeouts\.storeMs: /],
  [{ loadTimeoutMs: 0 }, "timeouts.storeMs", /timeouts\.storeMs: /],
  [{ sessionStore: new InMemorySessionStore(), persistSession: false }, "persistSession", /persistSession/],
];
for (const [options, field, message] of refused) {
  test(`refused: ${field} ${message}`, () => {
    assert.throws(
      () => madrigal.query({ prompt: "hi", options: playing(answering, options) }),
      (error) => {
        assert.ok(error instanceof InvalidOptionsError, error.stack);
        assert.equal(error.context.field, field, error.stack);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("what a store cannot do is refused with the name of the method", async () => {
  const memory = new InMemorySessionStore();
  const sessionStore = { append: (...args) => memory.append(...args), load: (key) => memory.load(key) };
  await assert.rejects(madrigal.listSessions({ dir, sessionStore }), (error) => {
    assert.ok(error instanceof InvalidArgumentError, error.stack);
    assert.match(error.message, /sessionStore: .*`listSessions`/);
    return true;
  });
  await assert.rejects(madrigal.archiveSession(sessionId, { sessionStore: memory }), InvalidArgumentError);
  await assert.rejects(madrigal.listSessions({ sessionStore: {} }), InvalidOptionsError);
});

test("options that are about the disk do not disturb a store", async () => {
  const options = { dir, sessionStore: await filled(), includeWorktrees: false, includeProgrammatic: false };
  const [found, ...others] = await madrigal.listSessions({ ...options, configDir: "/nowhere", limit: 5 });
  assert.deepEqual([found.sessionId, found.firstPrompt, others], [sessionId, "What is a madrigal?", []]);
});

test("a store may count fractions of a millisecond", async () => {
  const sessionStore = await filled();
  delete sessionStore.listSessionSummaries;
  const { append, load, listSessions } = InMemorySessionStore.prototype;
  const [list] = [
    async (project) =>
      (await listSessions.call(sessionStore, project)).map(({ sessionId }) => ({ sessionId, mtime: 5.7 })),
  ];
  const plain = { append: append.bind(sessionStore), load: load.bind(sessionStore), listSessions: list };
  const [found] = await madrigal.listSessions({ dir, sessionStore: plain });
  assert.equal(found.lastModified, 5);
});

const folder = mkdtempSync(join(tmpdir(), "madrigal-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a session is imported from disk", async () => {
  const place = join(folder, "projects", "-");
  mkdirSync(join(place, sessionId, "subagents"), { recursive: true });
  writeFileSync(join(place, `${sessionId}.jsonl`), `${JSON.stringify(entry)}\n`);
  writeFileSync(join(place, sessionId, "subagents", "agent-1.jsonl"), `${JSON.stringify(entry)}\n`);
  const [all, main] = [new InMemorySessionStore(), new InMemorySessionStore()];
  await madrigal.importSessionToStore(sessionId, all, { configDir: folder });
  await madrigal.importSessionToStore(sessionId, main, { configDir: folder, dir, includeSubagents: false });
  assert.deepEqual(all.getEntries(key), [entry]);
  assert.deepEqual(all.getEntries({ ...key, subpath: "subagents/agent-1" }), [entry]);
  assert.deepEqual([all.size, main.size, await main.listSubkeys(key)], [1, 1, []]);
  const { CLAUDE_CONFIG_DIR: before } = process.env;
  process.env.CLAUDE_CONFIG_DIR = folder;
  try {
    await madrigal.importSessionToStore(sessionId, all);
  } finally {
    if (before === undefined) delete process.env.CLAUDE_CONFIG_DIR;
    else process.env.CLAUDE_CONFIG_DIR = before;
  }
  assert.deepEqual(all.getEntries(key), [entry]);
  all.clear();
  assert.equal(all.size, 0);
});

test("a summary is folded at once, and the same entry by entry", () => {
  const entries = [entry, { type: "custom-title", customTitle: "Songs", sessionId }];
  const whole = madrigal.foldSessionSummary(undefined, key, entries, { mtime: 7 });
  assert.deepEqual([whole.sessionId, whole.mtime], [sessionId, 7]);
  assert.match(JSON.stringify(whole.data), /Songs/);
  const steps = entries.reduce((summary, one) => madrigal.foldSessionSummary(summary, key, [one]), undefined);
  assert.deepEqual(steps, { ...whole, mtime: 0 });
  assert.throws(() => madrigal.foldSessionSummary(undefined, key, "entries"), InvalidArgumentError);
});

test("the key of a directory", async () => {
  assert.equal(await madrigal.projectKey("/"), "-");
  assert.equal(await madrigal.projectKey(), await madrigal.projectKey(process.cwd()));
});
