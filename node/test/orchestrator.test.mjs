// The orchestrator: what each call gives, what functions on the way get and throw, and how calls are given up.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as madrigal from "madrigal";
import { answering, gone, playing } from "./simulator.mjs";

const { AbortError, CallbackError, ClosedError, InvalidArgumentError, InvalidOptionsError, Orchestrator } =
  madrigal;

/** A program that answers each prompt with a text. */
const saying = (text, more = {}) => [
  { await: { type: "user" } },
  { init: {} },
  { text: { text } },
  { result: { result: text, total_cost_usd: 0.25, ...more } },
];
const failing = saying("no", { is_error: true, api_error_status: 400, terminal_reason: "api_error" });
/** A program that shows its process id and never answers. */
const silent = [{ await: { type: "user" } }, { init: {} }, { text: { text: "$pid" } }, { pause_ms: 600_000 }];

const task = (text, more = {}) => ({ prompt: text, options: playing(saying(text)), ...more });
const bad = { prompt: "bad", options: playing(failing) };
const hanging = () => ({ prompt: "wait", options: playing(silent) });
const texts = (outcomes) => outcomes.map(({ text }) => text);
const statuses = (outcomes) => outcomes.map(({ status }) => status);

/** Tells a story with an orchestrator that is closed afterwards. */
async function orchestrated(story, config = {}) {
  const orchestrator = new Orchestrator(config);
  try {
    await story(orchestrator);
  } finally {
    await orchestrator.close();
  }
}

/** Resolves with the process id of a task that hangs, when it runs. */
async function running(watcher) {
  for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => watcher.next() }) })
    if (event.stage === "delta") return Number(event.text);
}

test("one task has an outcome with all that is known of it", () =>
  orchestrated(async (orchestrator) => {
    const outcome = await orchestrator.run(task("four", { name: "sum" }));
    assert.equal(outcome.status, "succeeded");
    assert.deepEqual([outcome.text, outcome.name, outcome.index, outcome.attempts], ["four", "sum", 0, 1]);
    assert.deepEqual([outcome.costUsd, outcome.fallback], [0.25, 0]);
    assert.ok(outcome.durationMs >= 0 && outcome.usage.output_tokens >= 0);
    assert.match(outcome.sessionId, /^[0-9a-f-]{36}$/);
    assert.equal(typeof outcome.model, "string");
    assert.ok(outcome.messages.some(({ type }) => type === "result"));
    assert.equal(outcome.error, undefined);
  }));

test("options of the orchestrator serve tasks that bring none", () =>
  orchestrated(
    async (orchestrator) => {
      assert.deepEqual(texts(await orchestrator.parallel(["2 + 2?", { prompt: "2 + 2?" }])), ["4", "4"]);
    },
    { options: playing(answering) },
  ));

test("outcomes come in the order of the tasks, and a failure is one of them", () =>
  orchestrated(async (orchestrator) => {
    const outcomes = await orchestrator.parallel([task("a"), bad, task("c")]);
    assert.deepEqual(statuses(outcomes), ["succeeded", "failed", "succeeded"]);
    assert.deepEqual([outcomes[0].text, outcomes[2].text], ["a", "c"]);
    assert.equal(outcomes[1].error.code, "turn_failed");
    assert.ok(outcomes[1].error instanceof madrigal.TurnFailedError);
    const fast = await orchestrator.parallel([bad, task("b"), task("c")], {
      maxConcurrent: 1,
      onError: "fail_fast",
    });
    assert.deepEqual(statuses(fast), ["failed", "skipped", "skipped"]);
  }));

test("a task that cannot be read has an outcome that says so, wherever it comes from", () =>
  orchestrated(async (orchestrator) => {
    const tasks = [
      task("a"),
      { prompt: "x", options: { modle: "m" } },
      { prompt: "x", tiemout: 1 },
      task("d"),
    ];
    for (const source of [tasks, new Set(tasks)]) {
      const outcomes = await orchestrator.parallel(source);
      assert.deepEqual(statuses(outcomes), ["succeeded", "failed", "failed", "succeeded"]);
      assert.ok(outcomes[1].error instanceof InvalidOptionsError);
      assert.match(outcomes[1].error.message, /modle: unknown option/);
      assert.equal(outcomes[2].error.context.field, "task.tiemout");
    }
    const steps = await orchestrator.pipeline([{ prompt: "x", options: { maxTurns: "many" } }, task("b")]);
    assert.deepEqual(statuses(steps), ["failed", "skipped"]);
    assert.match(steps[0].error.message, /maxTurns/);
    await assert.rejects(orchestrator.run({ prompt: "x", timeoutMs: 0 }), /timeoutMs: expected 1 or more/);
    for (const call of ["race", "vote"])
      await assert.rejects(orchestrator[call]([{ prompt: "x", options: { modle: 1 } }]), InvalidOptionsError);
  }));

test("tasks are taken when there is a place for one", () =>
  orchestrated(async (orchestrator) => {
    let [taken, most, done] = [0, 0, 0];
    let stopped = false;
    function* numbers() {
      try {
        for (;;) {
          most = Math.max(most, ++taken - done);
          yield task(`${taken}`);
        }
      } finally {
        stopped = true;
      }
    }
    for await (const { status } of orchestrator.asCompleted(numbers(), { maxConcurrent: 2 })) {
      assert.equal(status, "succeeded");
      if (++done === 6) break;
    }
    // Two that run, two that wait to be read, and one that is next.
    assert.ok(most <= 5, `${most} were taken ahead`);
    assert.ok(stopped);
  }));

test("outcomes come as tasks end; a source may take its time", () =>
  orchestrated(async (orchestrator) => {
    const watcher = orchestrator.progress();
    const aborter = new AbortController();
    async function* slowly() {
      yield hanging();
      yield task("b");
      await new Promise(() => {});
    }
    const outcomes = orchestrator.asCompleted(slowly(), { signal: aborter.signal });
    const first = await outcomes.next();
    assert.deepEqual([first.value.text, first.value.index], ["b", 1]);
    aborter.abort(new Error("enough"));
    await assert.rejects(
      outcomes.next(),
      (error) => error instanceof AbortError && error.cause.message === "enough",
    );
    await gone([await running(watcher)]);
    assert.deepEqual(await outcomes.next(), { done: true, value: undefined });
  }));

test("what a source throws is the last outcome, with the very object as its cause", () =>
  orchestrated(async (orchestrator) => {
    const broken = new Error("no more");
    async function* source() {
      yield task("a");
      throw broken;
    }
    const outcomes = await orchestrator.parallel(source());
    assert.deepEqual(statuses(outcomes), ["succeeded", "failed"]);
    assert.ok(outcomes[1].error instanceof CallbackError);
    assert.equal(outcomes[1].error.cause, broken);
  }));

test("a step knows what the one before it said", () =>
  orchestrated(async (orchestrator) => {
    const heard = [
      { await: { type: "user", message: { content: "Context from previous step:\nrivers\n\nNow: sing" } } },
      ...saying("la").slice(1),
    ];
    const outcomes = await orchestrator.pipeline([
      (before) => task(before === undefined ? "rivers" : "?"),
      { prompt: "sing", options: playing(heard) },
      async ({ text, index }) => task(`${text} ${index}`),
    ]);
    assert.deepEqual(texts(outcomes), ["rivers", "la", "la 1"]);
  }));

test("a step that throws is that step's outcome, with the very object as its cause", () =>
  orchestrated(async (orchestrator) => {
    const broken = { no: "error" };
    const steps = [
      task("a"),
      () => {
        throw broken;
      },
      task("c"),
    ];
    const outcomes = await orchestrator.pipeline(steps);
    assert.deepEqual(statuses(outcomes), ["succeeded", "failed", "skipped"]);
    assert.equal(outcomes[1].error.cause, broken);
    assert.deepEqual(statuses(await orchestrator.pipeline(steps, { stopOnError: false })), [
      "succeeded",
      "failed",
      "succeeded",
    ]);
  }));

test("a race has a winner, and the others are given up", () =>
  orchestrated(async (orchestrator) => {
    const watcher = orchestrator.progress();
    const pid = running(watcher);
    const { winner, outcomes } = await orchestrator.race([hanging(), task("b")]);
    assert.equal(winner, outcomes[1]);
    assert.deepEqual(statuses(outcomes), ["cancelled", "succeeded"]);
    if (outcomes[0].attempts > 0) await gone([await pid]);
  }));

test("only answers that are accepted win", () =>
  orchestrated(async (orchestrator) => {
    const tasks = [task("short"), task("long enough")];
    const { winner } = await orchestrator.race(tasks, { accept: async ({ text }) => text.length > 5 });
    assert.equal(winner.text, "long enough");
    const nobody = await orchestrator.race(tasks, { accept: () => false });
    assert.ok(!("winner" in nobody));
    assert.deepEqual(statuses(nobody.outcomes), ["succeeded", "succeeded"]);
  }));

test("a staggered race takes up a second attempt only when the first is late", () =>
  orchestrated(async (orchestrator) => {
    const early = await orchestrator.race([task("a"), task("a")], { staggerMs: 600_000 });
    assert.deepEqual([early.winner.index, early.outcomes[1].status], [0, "skipped"]);
    const late = await orchestrator.race([hanging(), task("b")], { staggerMs: 1 });
    assert.deepEqual([late.winner.text, late.outcomes[0].status], ["b", "cancelled"]);
    await assert.rejects(orchestrator.race([task("a")], { staggerMs: -1 }), /staggerMs/);
  }));

test("what accept or ballot throws is thrown, the very same object", () =>
  orchestrated(async (orchestrator) => {
    const broken = new RangeError("not me");
    const fail = () => {
      throw broken;
    };
    const is = (error) => error === broken;
    await assert.rejects(orchestrator.race([task("a"), hanging()], { accept: fail }), is);
    await assert.rejects(orchestrator.vote([task("a"), hanging()], { ballot: async () => fail() }), is);
    await assert.rejects(orchestrator.vote([task("a")], { ballot: () => 4 }), /a text or null from ballot/);
  }));

test("votes are counted", () =>
  orchestrated(async (orchestrator) => {
    const tasks = [task("Yes."), task("no"), task("yes")];
    const { ballot, winner, agreement, counts, outcomes, error } = await orchestrator.vote(tasks);
    assert.deepEqual([ballot, winner.text, counts.yes, error], ["yes", "Yes.", 2, undefined]);
    assert.ok(agreement > 0.6 && outcomes.length === 3);
    const none = await orchestrator.vote(tasks, { quorum: "unanimous" });
    assert.ok(!("ballot" in none) && none.error.code === "turn_failed");
    const first = await orchestrator.vote(tasks, { ballot: ({ text }) => (text === "no" ? null : text[0]) });
    assert.deepEqual(first.counts, { Y: 1, y: 1 });
  }));

test("answers are brought together", () =>
  orchestrated(async (orchestrator) => {
    const groups = [];
    const reduce = async (outcomes) => {
      groups.push(texts(outcomes));
      return task(texts(outcomes).join("+"));
    };
    const tasks = ["a", "b", "c"].map((text) => task(text));
    const { outcome, mapped, reduced } = await orchestrator.mapReduce(tasks, { reduce, fanIn: 2 });
    assert.equal(outcome.text, "a+b+c");
    assert.deepEqual(groups, [["a", "b"], ["c"], ["a+b", "c"]]);
    assert.deepEqual(
      [texts(mapped), texts(reduced)],
      [
        ["a", "b", "c"],
        ["a+b", "c"],
      ],
    );
    const broken = new Error("too many");
    const failed = await orchestrator.mapReduce(tasks, { reduce: () => Promise.reject(broken) });
    assert.equal(failed.error.cause, broken);
    assert.deepEqual([texts(failed.mapped), failed.outcome], [["a", "b", "c"], undefined]);
  }));

test("a session is asked until its answer is good", () =>
  orchestrated(async (orchestrator) => {
    const heard = [];
    const judge = ({ text, sessionId }, round) => {
      heard.push([text, round, typeof sessionId]);
      return round === 2 ? { done: true } : { prompt: "again" };
    };
    const done = await orchestrator.until(task("a"), { rounds: 3, judge });
    assert.deepEqual([done.done, done.outcomes.length, done.error], [true, 2, undefined]);
    assert.deepEqual(heard, [
      ["a", 1, "string"],
      ["a", 2, "string"],
    ]);
    const broken = new Error("no taste");
    const failed = await orchestrator.until(task("a"), { rounds: 3, judge: () => Promise.reject(broken) });
    assert.equal(failed.error.cause, broken);
    const odd = await orchestrator.until(task("a"), { rounds: 3, judge: () => "good" });
    assert.match(odd.error.message, /\{ done: true \} or \{ prompt \} from judge/);
    const never = await orchestrator.until(task("a"), { rounds: 2, judge: () => ({ prompt: "again" }) });
    assert.deepEqual([never.done, never.error.code], [false, "turn_failed"]);
  }));

const question = (tool_name) => [
  { await: { type: "user" } },
  { init: {} },
  {
    emit: {
      type: "control_request",
      request_id: "r1",
      request: { subtype: "can_use_tool", tool_name, input: {}, tool_use_id: "t1" },
    },
  },
  { await: { type: "control_response" }, save: "said" },
  { text: { text: "$said.response.response.behavior" } },
  { result: { result: "$said.response.response.behavior" } },
];

test("each task asks its own functions, or those of the orchestrator", () =>
  orchestrated(
    async (orchestrator) => {
      const own = { canUseTool: () => ({ behavior: "allow" }) };
      const broken = {
        canUseTool: () => {
          throw new Error("boom");
        },
      };
      const outcomes = await orchestrator.parallel([
        { prompt: "a", options: playing(question("Bash"), own) },
        { prompt: "b", options: playing(question("Read")) },
        { prompt: "c", options: playing(question("Bash"), broken) },
      ]);
      assert.deepEqual(texts(outcomes), ["allow", "deny", "deny"]);
    },
    { options: { canUseTool: (name) => ({ behavior: "deny", message: `not ${name}` }) } },
  ));

test("hooks and tools of tasks are called", () =>
  orchestrated(async (orchestrator) => {
    const hook = (id, callback_id) => ({
      emit: {
        type: "control_request",
        request_id: id,
        request: { subtype: "hook_callback", callback_id, input: { hook_event_name: "Stop" } },
      },
    });
    const cli = [
      { await: { type: "user" } },
      { init: {} },
      hook("r1", "h1"),
      { await: { type: "control_response" }, save: "said" },
      { result: { result: "$said.response.response.systemMessage" } },
    ];
    const hooks = (text) => ({ Stop: [{ hooks: [async () => ({ systemMessage: text })] }] });
    const outcomes = await orchestrator.parallel(
      ["one", "two", "three"].map((text) => ({
        prompt: text,
        options: playing(cli, { hooks: hooks(text) }),
      })),
    );
    assert.deepEqual(texts(outcomes), ["one", "two", "three"]);
  }));

test("what happens is told, to each watcher from the beginning of its watch", () =>
  orchestrated(async (orchestrator) => {
    await orchestrator.run(task("before"));
    const watchers = [orchestrator.progress(), orchestrator.progress()];
    await orchestrator.parallel([task("a", { name: "first" })]);
    for (const watcher of watchers) {
      const events = [];
      for await (const event of watcher) {
        events.push(event);
        if (event.stage === "done") break;
      }
      assert.deepEqual(
        events.map(({ stage }) => stage),
        ["queued", "admitted", "started", "delta", "done"],
      );
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        [0, 1, 2, 3, 4],
      );
      assert.deepEqual([events[0].kind, events[0].name, events[3].text], ["parallel", "first", "a"]);
      assert.deepEqual([events[4].status, events[4].costUsd], ["succeeded", 0.25]);
      assert.deepEqual(await watcher.next(), { done: true, value: undefined });
    }
  }));

test("what is done is counted", () =>
  orchestrated(async (orchestrator) => {
    await orchestrator.parallel([task("a"), task("b"), bad]);
    const { averageDurationMs, durationMs, averageCostUsd, costUsd, ...all } = await orchestrator.stats();
    const { prewarmed, recycled, idle, dropped, hedged, hedgesWon, ...counts } = all;
    assert.deepEqual([prewarmed, recycled, idle, dropped, hedged, hedgesWon], [0, 0, 0, 0, 0, 0]);
    assert.deepEqual(counts, { total: 3, succeeded: 2, failed: 1, rejected: 0, cancelled: 0, attempts: 3 });
    assert.equal(costUsd, 0.75);
    assert.equal(averageCostUsd, 0.25);
    assert.ok(durationMs > 0 && averageDurationMs > 0);
    await orchestrator.resetStats();
    assert.equal((await orchestrator.stats()).total, 0);
  }));

test("a budget rejects what it does not cover, and says so", () =>
  orchestrated(
    async (orchestrator) => {
      const outcomes = await orchestrator.parallel([task("a"), task("b"), task("c")], { maxConcurrent: 1 });
      assert.deepEqual(statuses(outcomes), ["succeeded", "succeeded", "rejected"]);
      assert.ok(outcomes[2].error instanceof madrigal.BudgetExceededError);
      assert.equal(outcomes[2].attempts, 0);
    },
    { budget: { totalUsd: 0.5, runUsd: 0.25 } },
  ));

test("marks of a budget are told, and its ledger is for one orchestrator at a time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "madrigal-ledger-"));
  const config = { budget: { totalUsd: 0.5, runUsd: 0.25, ledger: join(folder, "ledger") } };
  try {
    await orchestrated(async (orchestrator) => {
      const watcher = orchestrator.progress();
      await orchestrator.run(task("a"));
      const marks = [];
      for await (const event of watcher) {
        if (event.stage === "budget" && event.scope === "global") marks.push(event);
        if (event.stage === "done") break;
      }
      assert.deepEqual(
        marks.map(({ percent, limitUsd, spentUsd }) => [percent, limitUsd, spentUsd]),
        [[50, 0.5, 0.25]],
      );
      assert.throws(() => new Orchestrator(config), /lock|another|in use/);
    }, config);
    await orchestrated(async (orchestrator) => {
      const outcomes = await orchestrator.parallel([task("b"), task("c")], { maxConcurrent: 1 });
      assert.deepEqual(statuses(outcomes), ["succeeded", "rejected"]);
    }, config);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an aborted call rejects with the reason, and its programs are gone", () =>
  orchestrated(async (orchestrator) => {
    const calls = {
      run: (signal) => orchestrator.run(hanging(), { signal }),
      parallel: (signal) => orchestrator.parallel([hanging()], { signal }),
      pipeline: (signal) => orchestrator.pipeline([hanging()], { signal }),
      race: (signal) => orchestrator.race([hanging()], { signal }),
      vote: (signal) => orchestrator.vote([hanging()], { signal }),
      mapReduce: (signal) => orchestrator.mapReduce([hanging()], { reduce: () => task("x"), signal }),
      until: (signal) => orchestrator.until(hanging(), { rounds: 1, judge: () => ({ done: true }), signal }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const watcher = orchestrator.progress();
      const aborter = new AbortController();
      const reason = new Error(name);
      const work = call(aborter.signal);
      const pid = await running(watcher);
      aborter.abort(reason);
      await assert.rejects(work, (error) => error instanceof AbortError && error.cause === reason);
      await gone([pid]);
      await watcher.return();
      await assert.rejects(call(aborter.signal), AbortError);
    }
  }));

test("a function of the program is told when its call is given up", () =>
  orchestrated(async (orchestrator) => {
    const aborter = new AbortController();
    const asked = deferred();
    const canUseTool = (_name, _input, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ behavior: "deny", message: "late" }));
        asked.resolve(signal);
      });
    const work = orchestrator.run(
      { prompt: "a", options: playing(question("Bash"), { canUseTool }) },
      { signal: aborter.signal },
    );
    const signal = await asked.promise;
    aborter.abort();
    await assert.rejects(work, AbortError);
    assert.ok(signal.aborted);
  }));

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}

test("closing gives up what runs, ends who watches, and may be done twice", async () => {
  const orchestrator = new Orchestrator();
  const watcher = orchestrator.progress();
  const work = assert.rejects(orchestrator.parallel([hanging()]), ClosedError);
  const pid = await running(watcher);
  await Promise.all([orchestrator.close(), orchestrator.close()]);
  await work;
  await gone([pid]);
  const rest = [];
  for await (const { stage } of watcher) rest.push(stage);
  assert.ok(rest.length <= 1, `${rest}`);
  await assert.rejects(orchestrator.run(task("a")), ClosedError);
  await assert.rejects(orchestrator.stats(), ClosedError);
  assert.deepEqual(await orchestrator.progress().next(), { done: true, value: undefined });
});

const refused = [
  [{ maxConcurent: 1 }, "maxConcurent", /unknown setting; known are adaptive, budget/],
  [{ maxConcurrent: 0 }, "maxConcurrent", /expected 1 or more/],
  [{ rateLimit: { perMinute: 0 } }, "rateLimit.perMinute", /expected at least 1/],
  [{ rateLimit: { global: { perMinut: 1 } } }, "rateLimit.global.perMinut", /unknown setting/],
  [{ circuitBreaker: { maxTimeoutMs: 1 } }, "circuitBreaker.maxTimeoutMs", /at least `timeoutMs`/],
  [{ budget: { runUsd: -1 } }, "budget.runUsd", /expected an amount above 0/],
  [{ retry: 3 }, "retry", /expected an object/],
  [{ fallbacks: [{ modle: "m" }] }, "fallbacks[0].modle", /unknown setting/],
  [{ options: { modle: "m" } }, "modle", /unknown option/],
  [{ options: { signal: new AbortController().signal } }, "options.signal", /not for tasks/],
  [{ options: { maxTurns: "many" } }, "options.maxTurns", /expected/],
];
for (const [config, field, problem] of refused)
  test(`refused: ${JSON.stringify(config)}`, () => {
    assert.throws(
      () => new Orchestrator(config),
      (error) => {
        assert.ok(error instanceof InvalidOptionsError, error.stack);
        assert.equal(error.context.field, field);
        assert.match(error.message, problem);
        assert.ok(error.message.includes(field), error.message);
        return true;
      },
    );
  });

test("arguments that cannot work are refused by name", () =>
  orchestrated(async (orchestrator) => {
    const named = (field) => (error) =>
      error instanceof InvalidArgumentError && error.context.field === field;
    await assert.rejects(orchestrator.parallel("What is 2 + 2?"), named("tasks"));
    await assert.rejects(orchestrator.race(4), named("tasks"));
    await assert.rejects(orchestrator.pipeline(undefined), named("steps"));
    await assert.rejects(orchestrator.race([], { accept: 1 }), named("accept"));
    await assert.rejects(orchestrator.mapReduce([], {}), named("reduce"));
    await assert.rejects(orchestrator.until("a"), named("judge"));
    await assert.rejects(orchestrator.run(undefined), named("task.prompt"));
    await assert.rejects(orchestrator.parallel([], { onError: "sometimes" }), named("onError"));
    await assert.rejects(orchestrator.parallel([], { onError: { tolerate: -1 } }), named("onError.tolerate"));
    await assert.rejects(orchestrator.asCompleted([], { maxConcurrent: 0 }).next(), named("maxConcurrent"));
    await assert.rejects(orchestrator.vote([], { quorum: "most" }), named("quorum"));
    await assert.rejects(orchestrator.mapReduce([], { reduce: () => "", fanIn: 1 }), named("fanIn"));
    await assert.rejects(orchestrator.until("a", { judge: () => ({ done: true }) }), named("rounds"));
  }));

test("the settings of the core are those of this package", () => {
  const { engine } = createRequire(import.meta.url)("../dist/engine.js");
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const wrong = (path) => path.reduceRight((below, name) => ({ [name]: below }), { nonsense: 1 });
  const said = (attempt) => {
    try {
      attempt();
    } catch ({ message }) {
      return message;
    }
    return assert.fail("it was not refused");
  };
  const parts = ["rate_limit", "circuit_breaker", "budget", "retry", "memory", "adaptive", "shedding"];
  for (const path of [
    [],
    ...parts.map((part) => [part]),
    ["rate_limit", "global"],
    ["rate_limit", "tenant"],
  ]) {
    const refusal = said(() => engine.open(JSON.stringify({ orchestrator: wrong(path), progress: false })));
    const theirs = [...refusal.split("expected")[1].matchAll(/`(\w+)`/g)].map(([, name]) => camel(name));
    const ours = said(() => new Orchestrator(wrong(path.map(camel))))
      .split("known are ")[1]
      .split(", ");
    assert.ok(ours.length > 1);
    assert.deepEqual(ours.sort(), theirs.sort(), path.join("."));
  }
});

test("the places of an orchestrator, and whose turn it is", () =>
  orchestrated(
    async (orchestrator) => {
      const tasks = ["sheddable", "critical_plus"].map((kind) => task(kind, { class: kind }));
      assert.deepEqual(statuses(await orchestrator.parallel(tasks)), ["succeeded", "succeeded"]);
      const [odd] = await orchestrator.parallel([task("a", { class: "urgent" })]);
      assert.match(odd.error.message, /urgent/);
    },
    { maxStarting: 1, memory: { minAvailableMb: 1 }, adaptive: { min: 1 }, shedding: { targetMs: 1_000 } },
  ));
