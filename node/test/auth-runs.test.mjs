// Who a program is started as: the credential of a manager reaches queries, sessions and tasks, and nobody else's does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AuthError, AuthManager, InvalidOptionsError, Orchestrator, query, Session, startup } from "madrigal";
import { nothing } from "./set-up.mjs";
import { playing } from "./simulator.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

const ONE = "sk-ant-oat01-test-test-test-test-one";
const TWO = "sk-ant-oat01-test-test-test-test-two";
const KEY = "sk-ant-api03-test-test-test-test";

/** Says whose program it is. */
const telling = [
  {
    loop: [{ await: { type: "user" } }, { init: {} }, { result: { result: "$env.CLAUDE_CODE_OAUTH_TOKEN" } }],
  },
];
/** The API does not take the credential. */
const refusing = [
  { await: { type: "user" } },
  { init: {} },
  {
    text: {
      text: "Invalid API key",
      model: "<synthetic>",
      error: "authentication_failed",
      is_api_error_message: true,
    },
  },
  {
    result: {
      is_error: true,
      terminal_reason: "api_error",
      api_error_status: 401,
      result: "Invalid API key",
    },
  },
];

const manager = (options = {}) => new AuthManager({ ...nothing, store: "memory", ...options });

/** The result of a query. */
async function said(options) {
  let result;
  for await (const message of query({ prompt: "Who?", options }))
    if (message.type === "result") result = message.result;
  return result;
}

test("a program has the credential of its manager and no other", async () => {
  const auth = manager({ credential: ONE });
  const env = { ANTHROPIC_API_KEY: KEY, CLAUDE_CODE_OAUTH_TOKEN: TWO };
  assert.equal(await said(playing(telling, { auth, env })), ONE);
  const other = [{ await: { type: "user" } }, { init: {} }, { result: { result: "$env.ANTHROPIC_API_KEY" } }];
  assert.equal(await said(playing(other, { auth, env })), "");
  assert.equal(await said(playing(telling, { auth: false, env })), TWO);
  const session = await Session.open(playing(telling, { auth }));
  assert.equal((await session.send("Who?").result()).result, ONE);
  // From the next program on.
  await auth.setCredential(TWO);
  assert.equal((await session.send("Who?").result()).result, ONE);
  await session.close();
  const warm = await startup({ options: playing(telling, { auth }) });
  for await (const message of warm.query("Who?"))
    if (message.type === "result") assert.equal(message.result, TWO);
});

test("without a credential nothing is started", async () => {
  const auth = manager();
  await assert.rejects(said(playing(telling, { auth })), AuthError);
  await assert.rejects(Session.open(playing(telling, { auth })), AuthError);
  const orchestrator = new Orchestrator({ options: playing(telling, { auth }) });
  const { status, error } = await orchestrator.run("Who?");
  assert.deepEqual([status, error.code], ["rejected", "auth"]);
  await orchestrator.close();
});

test("tasks and fallbacks have managers of their own", async () => {
  const [one, two] = [manager({ credential: ONE }), manager({ credential: TWO })];
  const options = playing(telling, { auth: one, env: { CLAUDE_CODE_OAUTH_TOKEN: KEY } });
  const orchestrator = new Orchestrator({ options });
  const tasks = [
    "Who?",
    { prompt: "Who?", options: { auth: two } },
    { prompt: "Who?", options: { auth: false } },
  ];
  const outcomes = await orchestrator.parallel(tasks);
  assert.deepEqual(
    outcomes.map(({ text }) => text),
    [ONE, TWO, KEY],
  );
  await orchestrator.close();
  const nobody = manager();
  const falling = new Orchestrator({ options: { ...options, auth: nobody }, fallbacks: [{ auth: two }] });
  const { text, fallback } = await falling.run("Who?");
  assert.deepEqual([text, fallback], [TWO, 1]);
  await falling.close();
});

test("a credential the API refused is not used again until it changes", async () => {
  const auth = manager({ credential: ONE });
  await assert.rejects(said(playing(refusing, { auth })), AuthError);
  await assert.rejects(said(playing(telling, { auth })), AuthError);
  const { authenticated, considered } = await auth.status();
  assert.deepEqual([authenticated, considered[0].verdict], [false, "refused"]);
  await auth.setCredential(TWO);
  assert.equal(await said(playing(telling, { auth })), TWO);
  const { fingerprint } = await auth.ensureAuthenticated();
  await auth.refused(fingerprint);
  await assert.rejects(auth.ensureAuthenticated(), AuthError);
});

test("a manager nobody else has lives as long as what it serves", async () => {
  let loads = 0;
  const store = () => ({
    load() {
      loads++;
      collect();
      return { token: ONE };
    },
    save() {},
    clear() {},
  });
  const options = () => playing(telling, { auth: manager({ store: store() }) });
  const session = await Session.open(options());
  const orchestrator = new Orchestrator({ options: options() });
  for (let turn = 0; turn < 3; turn++) {
    // Finalizers run in a turn of the event loop of their own.
    await new Promise(setImmediate);
    collect();
  }
  assert.equal((await session.send("Who?").result()).result, ONE);
  assert.equal((await orchestrator.run("Who?")).text, ONE);
  assert.ok(loads >= 2);
  await session.close();
  await orchestrator.close();
});

test("what is no manager is refused", () => {
  for (const auth of [true, 5, "blue", {}, null]) {
    const options = playing(telling, { auth });
    const wrong = (error) => error instanceof InvalidOptionsError && error.context.field === "auth";
    assert.throws(() => query({ prompt: "Who?", options }), wrong);
    assert.throws(() => new Orchestrator({ options }), wrong);
    assert.throws(
      () => new Orchestrator({ fallbacks: [{ auth }] }),
      (error) => error.context.field === "fallbacks[0].auth",
    );
  }
});

test("a manager that was closed starts nothing more", async () => {
  const auth = manager({ credential: ONE });
  const session = await Session.open(playing(telling, { auth }));
  await auth.close();
  assert.equal((await session.send("Who?").result()).result, ONE);
  await session.close();
  assert.throws(() => query({ prompt: "Who?", options: playing(telling, { auth }) }), { code: "closed" });
});
