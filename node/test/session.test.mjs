// Conversations of several turns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedError, Session } from "madrigal";
import { answering, gone, playing, said } from "./simulator.mjs";

const turn = (text) => [{ await: { type: "user" } }, { init: {} }, { text: { text } }, { result: {} }];

test("a turn ends at the result of its prompt", async () => {
  const session = await Session.open(playing([...turn("one"), ...turn("two")]));
  assert.ok(session.pid > 0);
  const messages = [];
  for await (const message of session.send("first")) messages.push(message);
  assert.deepEqual(
    said(messages).map(({ type }) => type),
    ["system", "assistant", "result"],
  );
  assert.equal((await session.send("second").result()).result, "two");
  await session.close();
  assert.deepEqual(session.exit, { code: 0 });
  await gone([session.pid], 0);
});

test("prompts that were answered together have both ended", async () => {
  const cli = [
    { await: { type: "user" } },
    { await: { type: "user" } },
    { init: {} },
    { result: { result: "both" } },
  ];
  const session = await Session.open(playing(cli));
  const [first, second] = [session.send("a"), session.send("b")];
  assert.equal((await first.result()).result, "both");
  assert.equal(await second.result(), undefined);
  await session.close();
});

test("leaving a turn interrupts it, and the next one begins clean", async () => {
  const cli = [
    { await: { type: "user" } },
    { init: {} },
    { text: { text: "one two three", deltas: 3, open: true } },
    { pause_ms: 600_000 },
    { result: { result: "never said" } },
    ...turn("clean"),
  ];
  const session = await Session.open(playing(cli, { includePartialMessages: true }));
  for await (const message of session.send("count")) if (message.type === "stream_event") break;
  const messages = [];
  for await (const message of session.send("and now?")) messages.push(message);
  assert.deepEqual(
    said(messages).map(({ type }) => type),
    ["system", "assistant", "result"],
  );
  assert.equal(messages.at(-1).result, "clean");
  await session.close();
});

test("finish lets the program end, and the stream with it", async () => {
  const session = await Session.open(playing(answering));
  await session.send("2 + 2?").uuid;
  await session.finish();
  const messages = [];
  for (let message = await session.read(); message; message = await session.read()) messages.push(message);
  assert.equal(said(messages).at(-1).type, "result");
  assert.deepEqual(session.exit, { code: 0 });
});

test("closing twice is fine, and everything after it says closed", async () => {
  const session = await Session.open(playing(answering));
  const pending = session.read();
  await Promise.all([session.close(), session.close("now")]);
  assert.equal(await pending, undefined);
  assert.equal(await session.read(), undefined);
  await assert.rejects(session.interrupt(), ClosedError);
  await assert.rejects(session.finish(), ClosedError);
  await session.close();
  await session[Symbol.asyncDispose]();
});

test("a program that refuses to end is killed", async () => {
  const cli = [
    { ignore: ["SIGTERM", "SIGINT"] },
    { await: { type: "user" } },
    { emit: { type: "deaf" } },
    { hang: true },
  ];
  const session = await Session.open(playing(cli, { timeouts: { closeMs: 50, killMs: 50 } }));
  session.send("hello?");
  while ((await session.read()).type !== "deaf");
  await session.close();
  assert.deepEqual(session.exit, { signal: 9 });
  await gone([session.pid], 0);
});
