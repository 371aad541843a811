// Auth managers: where a credential comes from, how a token is got, kept and given up, and what is told when something fails.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  AbortError,
  AuthError,
  AuthManager,
  ClosedError,
  InvalidArgumentError,
  InvalidOptionsError,
  onLog,
  TimeoutError,
} from "madrigal";
import { folder, giving, hanging, nothing, program } from "./set-up.mjs";
import { gone, root } from "./simulator.mjs";

const ONE = "sk-ant-oat01-test-test-test-test-one";
const TWO = "sk-ant-oat01-test-test-test-test-two";
const KEY = "sk-ant-api03-test-test-test-test";

/** A store that keeps its token here. */
function shelf(token = null) {
  return {
    token,
    load() {
      return this.token;
    },
    async save(given) {
      this.token = given;
    },
    clear() {
      this.token = null;
    },
  };
}

const manager = (options = {}) => new AuthManager({ ...nothing, store: "memory", ...options });

/** A promise, and what settles it. */
function pending() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

test("what is given comes first, and the status says why the others are not used", async () => {
  const env = { ...nothing.env, CLAUDE_AGENT_OAUTH_TOKEN: TWO };
  const auth = manager({ name: "blue", credential: KEY, env, store: shelf({ token: ONE }) });
  const credential = await auth.ensureAuthenticated();
  assert.deepEqual(
    [credential.method, credential.source, credential.provider],
    ["api_key", "option", "anthropic"],
  );
  assert.equal(await auth.getToken(), KEY);
  const status = await auth.status();
  assert.deepEqual([status.name, status.authenticated, status.tokenPresent], ["blue", true, true]);
  assert.equal(status.fingerprint, credential.fingerprint);
  const verdicts = status.considered.map(({ source, verdict }) => [source, verdict]);
  assert.deepEqual(verdicts, [
    ["option", "used"],
    ["ANTHROPIC_API_KEY", "absent"],
    ["ANTHROPIC_AUTH_TOKEN", "absent"],
    ["CLAUDE_AGENT_OAUTH_TOKEN", "shadowed"],
    ["the token store of the host", "shadowed"],
    ["login of claude", "absent"],
  ]);
  await auth.setCredential(null);
  assert.equal(await auth.getToken(), TWO);
});

test("a token of a set-up is kept in a store of one's own, and another manager finds it", async () => {
  const store = shelf();
  const expiresAt = new Date("2126-01-01T00:00:00Z");
  const first = manager({ store, setup: async () => ({ token: ONE, expiresAt }) });
  const { method, hint, expiresAt: end } = await first.ensureAuthenticated();
  assert.deepEqual([method, end], ["oauth_token", expiresAt]);
  assert.ok(ONE.startsWith(hint.replace("...", "")) && !hint.includes("one"));
  const { token, expiry, provider, createdAt } = store.token;
  assert.deepEqual([token, expiry, provider], [ONE, "2126-01-01T00:00:00Z", "anthropic"]);
  assert.ok(Date.parse(createdAt) > 0);
  await first.close();
  // A store may well keep JSON.
  store.token = JSON.parse(JSON.stringify(store.token));
  const second = manager({ store });
  assert.equal(await second.getToken(), ONE);
  const { expiresAt: known, timeUntilExpiryHours } = await second.status();
  assert.deepEqual(known, expiresAt);
  assert.ok(timeUntilExpiryHours > 500_000);
  await second.clear();
  assert.equal(store.token, null);
  await assert.rejects(second.getToken(), AuthError);
});

test("several that ask at once get one new token", async () => {
  let tokens = 0;
  const auth = manager({ setup: () => [ONE, TWO, KEY][tokens++] });
  const asked = await Promise.all(Array.from({ length: 5 }, () => auth.ensureAuthenticated()));
  assert.equal(new Set(asked.map(({ fingerprint }) => fingerprint)).size, 1);
  assert.equal(tokens, 1);
  await Promise.all(Array.from({ length: 5 }, () => auth.refreshToken()));
  assert.equal(tokens, 2);
  assert.equal(await auth.getToken(), TWO);
});

test("what the store or the set-up throws is what the call throws, and the old token stays", async () => {
  const boom = new Error("boom");
  const down = new Error("the store is down");
  let fails = { setup: boom };
  const store = shelf({ token: ONE });
  const save = store.save.bind(store);
  store.save = (token) => {
    if (fails.save) throw fails.save;
    return save(token);
  };
  const setup = () => {
    if (fails.setup) throw fails.setup;
    return TWO;
  };
  const auth = manager({ store, setup });
  await assert.rejects(auth.setupToken(), (error) => error === boom);
  fails = { save: down };
  await assert.rejects(auth.refreshToken(), (error) => error === down);
  assert.equal(await auth.getToken(), ONE);
  fails = {};
  await auth.refreshToken();
  assert.equal(await auth.getToken(), TWO);
  store.load = () => Promise.reject(down);
  assert.deepEqual((await auth.status()).warnings, ["the store is down"]);
});

test("what is no token is refused without being shown", async () => {
  const canary = "sk-ant-oat01-canary canary";
  const cases = [
    [{ setup: () => ({ token: { canary } }) }, /from setup/],
    [{ setup: () => ({ token: ONE, expiresAt: new Date(Number.NaN) }) }, /a time/],
    [{ setup: () => null }, /from setup/],
    [{ setup: () => canary }, /token/],
    [{ store: shelf(canary) }, /load of the token store/],
    [{ store: shelf({ token: canary }) }, /token/],
  ];
  for (const [options, message] of cases) {
    const auth = manager({ setup: () => ONE, ...options });
    await assert.rejects(auth.setupToken(), (error) => {
      assert.match(error.message, message);
      assert.ok(!inspect(error, { depth: 9 }).includes("canary canary"), inspect(error));
      return true;
    });
  }
});

test("a call that is given up aborts the set-up, and leaves the manager as it was", async () => {
  const aborted = pending();
  let hangs = true;
  const auth = manager({
    setup({ signal }) {
      if (!hangs) return ONE;
      signal.addEventListener("abort", aborted.resolve);
      return new Promise(() => {});
    },
  });
  const reason = new Error("late");
  const aborter = new AbortController();
  const call = auth.setupToken({ signal: aborter.signal });
  setImmediate(() => aborter.abort(reason));
  await assert.rejects(call, (error) => error instanceof AbortError && error.cause === reason);
  await assert.rejects(auth.getToken({ signal: aborter.signal }), AbortError);
  hangs = false;
  assert.equal((await auth.setupToken()).method, "oauth_token");
  hangs = true;
  const again = auth.setupToken();
  await auth.close();
  await assert.rejects(again, ClosedError);
  await aborted.promise;
  await assert.rejects(auth.getToken(), ClosedError);
  assert.throws(() => auth.setupInput("late\n"), ClosedError);
  await auth[Symbol.asyncDispose]();
});

test("the program of a set-up is shown and typed to; its token is not shown, and is there after a restart", async () => {
  const file = join(folder, "kept", "token.json");
  let shown = "";
  const prompted = pending();
  const first = manager({
    store: { file },
    interactive: true,
    cliPath: giving(ONE),
    onSetupOutput(text) {
      shown += text;
      if (shown.includes("Paste code here")) prompted.resolve();
    },
  });
  const setup = first.ensureAuthenticated();
  await prompted.promise;
  first.setupInput("heron\n");
  assert.equal((await setup).method, "oauth_token");
  assert.ok(shown.includes("Open the page.") && !shown.includes(ONE), shown);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).token, ONE);
  await first.close();
  const second = manager({ store: { file } });
  assert.equal(await second.getToken(), ONE);
});

test("a set-up that fails says what the program said, and one that hangs ends in time", async () => {
  const drawn = pending();
  const options = { interactive: true, onSetupOutput: (text) => drawn.resolve(text) };
  const refused = manager({ ...options, cliPath: giving(ONE) });
  refused.setupInput("finch\n");
  await assert.rejects(refused.setupToken(), (error) => {
    assert.ok(error instanceof AuthError, error.stack);
    assert.match(error.message, /Login failed/);
    return true;
  });
  const late = manager({ ...options, cliPath: hanging(), setupTimeoutMs: 300 });
  await assert.rejects(late.setupToken(), TimeoutError);
  const pid = pending();
  const onSetupOutput = (text) => {
    const [, number] = /pid (\d+)\./.exec(text) ?? [];
    if (number) pid.resolve(Number(number));
  };
  const left = manager({ cliPath: hanging(), onSetupOutput });
  const aborter = new AbortController();
  const call = left.setupToken({ signal: aborter.signal });
  const running = await pid.promise;
  aborter.abort();
  await assert.rejects(call, AbortError);
  await gone([running]);
  const nowhere = manager({ cliPath: program("echo 'Good bye'; exit 3"), onSetupOutput });
  await assert.rejects(nowhere.setupToken(), /exited with 3.*Good bye/);
});

test("who cannot be asked is told what to do", async () => {
  const auth = manager();
  await assert.rejects(auth.ensureAuthenticated(), (error) => {
    assert.ok(error instanceof AuthError);
    assert.match(error.message, /ANTHROPIC_API_KEY/);
    assert.equal(error.context.considered.length, 6);
    return true;
  });
  assert.throws(() => auth.setupInput("x\n"), InvalidArgumentError);
  await assert.rejects(auth.setCredential(5), InvalidArgumentError);
  const both = { ...nothing.env, CLAUDE_CODE_USE_BEDROCK: "1", CLAUDE_CODE_USE_VERTEX: "1" };
  const clouds = manager({ env: both });
  await assert.rejects(clouds.status(), AuthError);
});

test("what is told about renewals reaches onRefresh", async () => {
  const { engine } = createRequire(import.meta.url)("../dist/engine.js");
  const told = [];
  const auth = manager({ credential: KEY, onRefresh: (refresh) => told.push(refresh) });
  const { fingerprint } = await auth.ensureAuthenticated();
  const wire = { provider: "anthropic", method: "api_key", source: "option", fingerprint, hint: "sk-..." };
  const renewals = [
    { event: "refreshed", credential: { ...wire, expires_at: "2126-01-01T00:00:00Z" } },
    { event: "refresh_failed", error: { code: "auth", message: "no" }, next_ms: 3_600_000 },
  ];
  // The engine renews a minute after the start at the earliest, so its words are put in here.
  engine.signals = (id) => {
    delete engine.signals;
    return JSON.stringify([...renewals, ...JSON.parse(engine.signals(id) ?? "[]")]);
  };
  await auth.status();
  const [{ credential }, { error, nextMs }] = told;
  assert.deepEqual(credential.expiresAt, new Date("2126-01-01T00:00:00Z"));
  assert.ok(error instanceof AuthError);
  assert.equal(nextMs, 3_600_000);
});

test("a manager shows no credential, and neither does the log", async () => {
  const lines = [];
  onLog("trace", (line) => lines.push(JSON.stringify(line)));
  const auth = manager({ credential: KEY, env: { ...nothing.env, CLAUDE_CODE_OAUTH_TOKEN: ONE } });
  const said = [await auth.ensureAuthenticated(), await auth.status(), auth];
  await auth.setCredential(TWO);
  await auth.getToken();
  onLog("off");
  for (const secret of [KEY, ONE, TWO])
    for (const text of [inspect(said, { depth: 9, showHidden: true }), JSON.stringify(said), ...lines])
      assert.ok(!text.includes(secret), text);
});

test("an idle manager does not keep the process alive", () => {
  const script = `const { AuthManager } = require("madrigal");
    const auth = new AuthManager({ credential: "${KEY}" });
    auth.ensureAuthenticated().then(({ method }) => console.log(method));`;
  const { stdout, status } = spawnSync(process.execPath, ["-e", script], {
    cwd: `${root}/node`,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual([stdout, status], ["api_key\n", 0]);
});

const refused = [
  [{ colour: 1 }, "colour", /unknown setting.*onRefresh/],
  [{ credential: { key: KEY } }, "credential", /a text/],
  [{ store: "cupboard" }, "store", /memory/],
  [{ store: { load() {}, save() {} } }, "store", /clear/],
  [{ store: { file: 5 } }, "store", /path/],
  [{ setup: "person" }, "setup", /a function/],
  [{ setupTimeoutMs: -1 }, "setupTimeoutMs", /milliseconds/],
  [{ refreshBeforeExpiryMs: "soon" }, "refreshBeforeExpiryMs", /milliseconds/],
  [{ autoRefresh: 1 }, "autoRefresh", /true or false/],
  [{ env: { A: KEY, B: 5 } }, "env", /texts/],
  [{ onRefresh: 5 }, "onRefresh", /a function/],
  [{ terminal: "host" }, "terminal", /onSetupOutput/],
  [{ terminal: "process", onSetupOutput() {} }, "terminal", /exclude/],
  [{ terminal: "screen" }, "terminal", /process/],
];
for (const [options, field, message] of refused) {
  test(`a manager is refused with its path: ${field} ${message}`, () => {
    assert.throws(
      () => new AuthManager(options),
      (error) => {
        assert.ok(error instanceof InvalidOptionsError, error.stack);
        assert.equal(error.context.field, field);
        assert.match(error.message, message);
        assert.ok(!inspect(error).includes(KEY));
        return true;
      },
    );
  });
}
