// `query` as its users know it: a generator that can be left at any time, with requests beside it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError, ClosedError, ProcessExitedError, query, startup } from "madrigal";
import { answering, gone, playing, said } from "./simulator.mjs";

const forever = [
  { await: { type: "user" } },
  { init: {} },
  { text: { text: "on and on", deltas: 3 } },
  { pause_ms: 600_000 },
];
const permission = (id) => ({
  emit: {
    type: "control_request",
    request_id: id,
    request: { subtype: "can_use_tool", tool_name: "Bash", input: { command: id }, tool_use_id: `t-${id}` },
  },
});
const answered = (id, response) => ({
  await: { type: "control_response", response: { request_id: id, response } },
});
const partial = { includePartialMessages: true };

test("a query ends with its result, and its program with it", async () => {
  const q = query({ prompt: "2 + 2?", options: playing(answering) });
  const messages = [];
  for await (const message of q) messages.push(message);
  assert.deepEqual(
    said(messages).map(({ type }) => type),
    ["system", "assistant", "result"],
  );
  assert.deepEqual(q.exit, { code: 0 });
  await gone([q.pid]);
  assert.deepEqual(await q.next(), { done: true, value: undefined });
});

test("break ends the program", async () => {
  const q = query({ prompt: "count", options: playing(forever, partial) });
  for await (const message of q) if (message.type === "stream_event") break;
  assert.notEqual(q.exit, undefined);
  await gone([q.pid], 0);
  assert.deepEqual(await q.next(), { done: true, value: undefined });
});

for (const how of ["signal", "abortController"]) {
  test(`an aborted ${how} throws AbortError with its reason and ends the program`, async () => {
    const aborter = new AbortController();
    const options = { ...partial, [how]: how === "signal" ? aborter.signal : aborter };
    const q = query({ prompt: "count", options: playing(forever, options) });
    const reason = new Error("enough");
    const read = async () => {
      for await (const message of q)
        if (message.type === "stream_event") setImmediate(() => aborter.abort(reason));
    };
    await assert.rejects(read, (error) => {
      assert.ok(error instanceof AbortError, error.stack);
      assert.equal(error.name, "AbortError");
      assert.equal(error.code, "cancelled");
      assert.equal(error.cause, reason);
      return true;
    });
    assert.deepEqual(await q.next(), { done: true, value: undefined });
    await gone([q.pid], 0);
  });
}

test("a signal that was aborted before stops the query before it says anything", async () => {
  const q = query({ prompt: "count", options: playing(forever, { signal: AbortSignal.abort() }) });
  await assert.rejects(q.next(), AbortError);
  assert.equal((await q.next()).done, true);
});

test("what a callback throws is thrown from the iteration, as the same object, and the session lives", async () => {
  const cli = [
    { await: { type: "user" } },
    permission("r1"),
    answered("r1", { behavior: "deny", message: { $contains: "no disk" } }),
    { result: { result: "went on" } },
  ];
  const thrown = new TypeError("no disk");
  const canUseTool = () => {
    throw thrown;
  };
  const q = query({ prompt: "go", options: playing(cli, { canUseTool }) });
  const read = async () => {
    let last;
    for await (const message of q) if (message.type === "result") last = message;
    return last;
  };
  await assert.rejects(read, (error) => error === thrown);
  assert.equal((await read()).result, "went on");
});

test("a callback that answers with something else denies the tool and says what was expected", async () => {
  const cli = [
    { await: { type: "user" } },
    permission("r1"),
    answered("r1", { behavior: "deny", message: { $contains: "behavior" } }),
    permission("r2"),
    answered("r2", { behavior: "deny", message: { $contains: "BigInt" } }),
    { result: {} },
  ];
  const answers = ["yes", { behavior: "allow", updatedInput: { n: 1n } }];
  const q = query({ prompt: "go", options: playing(cli, { canUseTool: () => answers.shift() }) });
  const read = async () => {
    for await (const message of q) if (message.type === "result") return message;
  };
  await assert.rejects(read, { code: "invalid_argument" });
  await assert.rejects(read, TypeError);
  assert.equal((await read()).type, "result");
});

test("a withdrawn question aborts its signal", async () => {
  const cli = [
    { await: { type: "user" } },
    permission("r1"),
    { pause_ms: 20 },
    { emit: { type: "control_cancel_request", request_id: "r1" } },
    { result: {} },
  ];
  const seen = deferred();
  const canUseTool = (tool, input, { signal, toolUseID }) => {
    assert.deepEqual([tool, input, toolUseID], ["Bash", { command: "r1" }, "t-r1"]);
    return new Promise(() => signal.addEventListener("abort", seen.resolve));
  };
  const messages = [];
  for await (const message of query({ prompt: "go", options: playing(cli, { canUseTool }) }))
    messages.push(message);
  assert.deepEqual(
    said(messages).map(({ type }) => type),
    ["result"],
  );
  await seen.promise;
});

test("prompts can come as a stream, and closing it ends the query", async () => {
  async function* prompts() {
    yield { type: "user", message: { role: "user", content: "one" } };
    yield { type: "user", message: { role: "user", content: [{ type: "text", text: "two" }] } };
  }
  const results = [];
  for await (const message of query({ prompt: prompts(), options: playing(answering) }))
    if (message.type === "result") results.push(message.result);
  assert.deepEqual(results, ["4", "4"]);
});

test("what the stream of prompts throws comes out of the query", async () => {
  const thrown = new Error("no more ideas");
  // biome-ignore lint/correctness/useYield: it is to fail before it has said anything
  async function* prompts() {
    throw thrown;
  }
  const q = query({ prompt: prompts(), options: playing(answering) });
  await assert.rejects(q.next(), (error) => error === thrown);
  assert.equal((await q.next()).done, true);
});

test("leaving a query lets its stream of prompts clean up", async () => {
  const cleaned = deferred();
  async function* prompts() {
    try {
      yield { type: "user", message: { role: "user", content: "one" } };
      yield { type: "user", message: { role: "user", content: "two" } };
    } finally {
      cleaned.resolve();
    }
  }
  for await (const message of query({ prompt: prompts(), options: playing(forever) })) if (message) break;
  await cleaned.promise;
});

test("requests go beside the messages", async () => {
  const q = query({ prompt: "count", options: playing(forever, partial) });
  assert.deepEqual(Object.keys(await q.initializationResult()).length > 0, true);
  await q.setModel("opus");
  await q.setPermissionMode("plan");
  assert.ok(Array.isArray((await q.interrupt()).still_queued));
  await q.close();
});

test("a wait that is given up loses nothing, and reads are served in order", async () => {
  const cli = [
    { await: { type: "user" } },
    { emit: { type: "start" } },
    { flood: { count: 2_000, frame: { type: "tick", n: "$i" } } },
    { result: {} },
  ];
  const q = await started(playing(cli));
  const ticks = [];
  while (ticks.length < 2_000) {
    const aborter = new AbortController();
    setImmediate(() => aborter.abort());
    try {
      const one = q.read({ signal: aborter.signal });
      const [first, second] = [await one, (await q.next()).value];
      ticks.push(first.n, second.n);
    } catch (error) {
      assert.ok(error instanceof AbortError, error.stack);
    }
  }
  assert.deepEqual(
    ticks,
    Array.from({ length: 2_000 }, (_, n) => n),
  );
  await q.close();

  const again = await started(playing(cli));
  const reads = await Promise.all(Array.from({ length: 2_000 }, () => again.next()));
  assert.deepEqual(
    reads.map(({ value }) => value.n),
    ticks,
  );
  await again.close();
});

test("a busy reader leaves the event loop its turns", async () => {
  const cli = [
    { await: { type: "user" } },
    { flood: { count: 50_000, frame: { type: "tick", n: "$i" } } },
    { result: {} },
  ];
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  for await (const message of query({ prompt: "tick", options: playing(cli) })) assert.ok(message);
  clearInterval(timer);
  assert.ok(turns > 5, `${turns} turns`);
});

test("a program that dies says how, with the last of its stderr", async () => {
  const cli = [
    { await: { type: "user" } },
    { stderr: "out of milk\n" },
    { stderr: "out of cheese\n" },
    { exit: 3 },
  ];
  const lines = [];
  const q = query({ prompt: "hi", options: playing(cli, { stderr: (line) => lines.push(line) }) });
  const read = async () => {
    for await (const message of q) assert.equal(message.type, "command_lifecycle");
  };
  await assert.rejects(read, (error) => {
    assert.ok(error instanceof ProcessExitedError, error.stack);
    assert.match(JSON.stringify(error), /out of cheese/);
    return true;
  });
  assert.deepEqual(q.exit, { code: 3 });
  assert.deepEqual(lines, ["out of milk", "out of cheese"]);
});

/** A query that has come to its `start` message. */
async function started(options) {
  const q = query({ prompt: "tick", options });
  while ((await q.read()).type !== "start");
  return q;
}

function deferred() {
  let resolve;
  const promise = new Promise((now) => {
    resolve = now;
  });
  return { promise, resolve };
}

test("a program can be started before there is a prompt", async () => {
  const warm = await startup({ options: playing(answering), initializeTimeoutMs: 30_000 });
  const q = warm.query("2 + 2?");
  assert.ok(q.pid > 0);
  const messages = [];
  for await (const message of q) messages.push(message);
  assert.equal(said(messages).at(-1).type, "result");
  assert.throws(() => warm.query("again"), ClosedError);
  await warm.close();

  const unused = await startup({ options: playing(answering) });
  await unused.close();
  assert.throws(() => unused.query("late"), ClosedError);
  await assert.rejects(
    startup({ options: playing([], {}, { initialize: "manual" }), initializeTimeoutMs: 50 }),
    {
      code: "timeout",
    },
  );
});
