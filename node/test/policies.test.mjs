// Policies by themselves: what they let through, what they refuse and how, and what happens when they are closed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  AbortError,
  BudgetExceededError,
  CircuitBreaker,
  CircuitOpenError,
  ClosedError,
  CostBudget,
  InvalidArgumentError,
  InvalidOptionsError,
  RateLimitedError,
  RateLimiter,
} from "madrigal";
import { root } from "./simulator.mjs";

const once = { perMinute: 1, perHour: null };

test("a start is there or not, for each key", () => {
  const limiter = new RateLimiter(once);
  assert.ok(limiter.tryAcquire().permit);
  const { permit, retryAfterMs } = limiter.tryAcquire();
  assert.equal(permit, undefined);
  assert.ok(retryAfterMs > 50_000 && retryAfterMs <= 60_000, retryAfterMs);
  assert.ok(limiter.tryAcquire({ key: { model: "opus" } }).permit);
  const { lastMinute, nextStartMs, share, closedMs, waiting } = limiter.state();
  assert.deepEqual([lastMinute, share, closedMs, waiting], [1, 1, null, 0]);
  assert.ok(nextStartMs > 50_000);
  limiter.close();
});

test("who waits gets the start that is given back", async () => {
  const limiter = new RateLimiter(once);
  const { permit } = limiter.tryAcquire();
  const wait = limiter.checkAndWait();
  assert.equal(limiter.state().waiting, 1);
  permit.refund();
  const second = await wait;
  second.settleTokens(10);
  await assert.rejects(limiter.checkAndWait({ timeoutMs: 1_000 }), (error) => {
    assert.ok(error instanceof RateLimitedError);
    assert.equal(error.retry, "after");
    assert.ok(error.retryAfter > 1_000);
    return true;
  });
  limiter.close();
});

test("a wait that is given up leaves its place to the next", async () => {
  const limiter = new RateLimiter(once);
  const { permit } = limiter.tryAcquire();
  const aborter = new AbortController();
  const reason = new Error("late");
  const first = limiter.checkAndWait({ signal: aborter.signal });
  const second = limiter.checkAndWait();
  aborter.abort(reason);
  await assert.rejects(first, (error) => error instanceof AbortError && error.cause === reason);
  permit.refund();
  await second;
  await assert.rejects(limiter.checkAndWait({ signal: aborter.signal }), AbortError);
  limiter.close();
});

test("a server that wants nothing is heeded", () => {
  const limiter = new RateLimiter();
  const key = { provider: "api" };
  limiter.feedback({ type: "closed", waitMs: 900_000 }, key);
  assert.ok(limiter.state(key).closedMs > 800_000);
  assert.equal(limiter.state().closedMs, null);
  limiter.feedback({ type: "throttled", retryAfterMs: 1_000 });
  limiter.feedback({ type: "answered" });
  assert.ok(limiter.state().share <= 1);
  limiter.close();
});

test("closing ends waits, and nothing is asked afterwards", async () => {
  const limiter = new RateLimiter(once);
  limiter.tryAcquire();
  const aborter = new AbortController();
  const wait = limiter.checkAndWait({ signal: aborter.signal });
  limiter.close();
  aborter.abort();
  limiter.close();
  await assert.rejects(wait);
  assert.throws(() => limiter.tryAcquire(), ClosedError);
  await assert.rejects(limiter.checkAndWait(), /the rate limiter was closed/);
});

test("a wait keeps the process alive; a policy does not", () => {
  const script = `
    import { RateLimiter } from "madrigal";
    const limiter = new RateLimiter({ perMinute: null, perHour: null, minGapMs: 200 });
    await limiter.checkAndWait();
    limiter.checkAndWait().then(() => console.log("started"));`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: `${root}/node`,
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.deepEqual([status, stdout], [0, "started\n"]);
});

test("a breaker opens after failures in a row, and says when to come back", () => {
  const breaker = new CircuitBreaker({ failureThreshold: 2 });
  assert.equal(breaker.allowRequest(), true);
  breaker.recordFailure();
  breaker.recordSuccess();
  breaker.recordFailure();
  assert.equal(breaker.state, "closed");
  breaker.tryRequest().failure({ retryAfterMs: 600_000 });
  assert.equal(breaker.state, "open");
  assert.equal(breaker.allowRequest(), false);
  assert.throws(
    () => breaker.tryRequest(),
    (error) => error instanceof CircuitOpenError && error.retry === "after" && error.retryAfter > 500_000,
  );
  const { retryAfterMs, openings, forced } = breaker.info();
  assert.ok(retryAfterMs > 500_000);
  assert.deepEqual([openings, forced], [1, null]);
  breaker.reset();
  assert.equal(breaker.state, "closed");
  breaker.force("open");
  assert.deepEqual([breaker.allowRequest(), breaker.info().forced], [false, "open"]);
  breaker.force();
  assert.equal(breaker.allowRequest(), true);
  breaker.close();
  assert.throws(() => breaker.allowRequest(), ClosedError);
});

test("only the first verdict of a ticket counts, and one that says nothing counts for nothing", () => {
  const breaker = new CircuitBreaker({ failureThreshold: 2, failureRate: null });
  const ticket = breaker.tryRequest();
  ticket.ignore();
  for (let time = 0; time < 5; time++) ticket.failure();
  assert.deepEqual([breaker.state, breaker.info().consecutiveFailures], ["closed", 0]);
  breaker.tryRequest().success();
  breaker.close();
});

test("a breaker calls a function, and keeps what it throws", async () => {
  const breaker = new CircuitBreaker({ failureThreshold: 2 });
  assert.equal(await breaker.call(async () => 4), 4);
  const broken = new Error("down");
  for (let time = 0; time < 2; time++)
    await assert.rejects(
      breaker.call(() => {
        throw broken;
      }),
      (error) => error === broken,
    );
  await assert.rejects(
    breaker.call(() => assert.fail("it was called")),
    CircuitOpenError,
  );
  breaker.close();
});

test("a budget holds what a run may cost, and gives back what it did not", () => {
  const marks = [];
  const budget = new CostBudget({ totalUsd: 1 }, { onMark: (mark) => marks.push(mark) });
  const held = budget.reserve(0.5, { marginUsd: 0.1 });
  assert.throws(
    () => budget.reserve(0.5),
    (error) => error instanceof BudgetExceededError && error.context.scope === "global",
  );
  held.observe(0.2);
  held.settle(0.25);
  const lost = budget.reserve(0.5);
  lost.uncertain(0.6);
  assert.equal(budget.state().uncertainUsd, 0.6);
  lost.settle(0.3);
  const { totalSpentUsd, uncertainUsd, accounts } = budget.state();
  assert.deepEqual([totalSpentUsd, uncertainUsd], [0.55, 0]);
  assert.deepEqual(accounts.global, { limitUsd: 1, spentUsd: 0.55, heldUsd: 0 });
  const { spentUsd, ...mark } = marks[0];
  assert.equal(mark.percent, 50);
  assert.deepEqual([mark.scope, mark.name, mark.limitUsd], ["global", "", 1]);
  assert.ok(spentUsd >= 0.5);
  budget.close();
});

test("flows and runs have limits of their own", () => {
  const budget = new CostBudget({ flowUsd: 1 });
  const spender = { flow: "nightly", run: "nightly-7", key: { model: "opus" } };
  budget.limit({ flow: "nightly" }, 0.1);
  assert.throws(() => budget.reserve(0.2, { spender }), BudgetExceededError);
  budget.limit({ flow: "nightly" }, null);
  budget.limit({ run: "nightly-7" }, 0.3);
  const held = budget.reserve(0.2, { spender });
  assert.throws(() => held.observe(0.5), BudgetExceededError);
  held.settle(0.2);
  assert.equal(budget.state(spender).accounts.run.limitUsd, 0.3);
  budget.forget({ run: "nightly-7" });
  assert.equal(budget.state(spender).accounts.run?.spentUsd ?? 0, 0);
  budget.close();
});

test("a ledger outlives its budget and belongs to one at a time", () => {
  const folder = mkdtempSync(join(tmpdir(), "madrigal-budget-"));
  try {
    const limits = { keyHourUsd: 1, ledger: join(folder, "ledger") };
    const first = new CostBudget(limits);
    first.reserve(0.5).settle(0.4);
    assert.throws(() => new CostBudget(limits), InvalidOptionsError);
    first.close();
    const second = new CostBudget(limits);
    assert.equal(second.state().accounts.keyHour.spentUsd, 0.4);
    second.close();
    assert.ok(readFileSync(limits.ledger, "utf8").length > 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const refused = [
  [() => new RateLimiter({ perMinute: 0 }), InvalidOptionsError, "rateLimit.perMinute"],
  [() => new RateLimiter({ tenant: { per_minute: 1 } }), InvalidOptionsError, "rateLimit.tenant.per_minute"],
  [() => new RateLimiter(5), InvalidOptionsError, "rateLimit"],
  [() => new RateLimiter().tryAcquire({ kee: {} }), InvalidOptionsError, "wish.kee"],
  [() => new RateLimiter().tryAcquire({ tokens: -1 }), InvalidArgumentError, "tokens"],
  [() => new CircuitBreaker({ successThreshold: 0 }), InvalidOptionsError, "circuitBreaker.successThreshold"],
  [() => new CircuitBreaker({ jitter: 2 }), InvalidOptionsError, "circuitBreaker.jitter"],
  [() => new CostBudget({ runUsd: 0 }), InvalidOptionsError, "budget.runUsd"],
  [() => new CostBudget().reserve(-1), InvalidArgumentError, "capUsd"],
  [() => new CostBudget().reserve(1).settle(Number.NaN), InvalidArgumentError, "costUsd"],
];
for (const [attempt, kind, field] of refused)
  test(`refused by name: ${field}`, () => {
    assert.throws(attempt, (error) => {
      assert.ok(error instanceof kind, error.stack);
      assert.equal(error.context.field, field);
      assert.ok(error.message.includes(field), error.message);
      return true;
    });
  });
