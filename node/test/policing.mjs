// The steps of a scenario for a policy by itself, through the public interface.

import { CircuitBreaker, CostBudget, RateLimiter } from "madrigal";
import { camelKeys, snakeKeys } from "./names.mjs";

/** A policy, and what it gave last. */
export function police(given) {
  const [[kind, settings]] = Object.entries(given);
  const kinds = { rate_limiter: Limiter, circuit_breaker: Breaker, cost_budget: Purse };
  return new kinds[kind](camelKeys(settings));
}

class Limiter {
  constructor(limit) {
    this.policy = new RateLimiter(limit);
  }

  try_acquire({ wish = {} }) {
    const { permit, ...rest } = this.policy.tryAcquire(camelKeys(wish));
    this.last = permit ?? this.last;
    return { permit: permit === undefined ? null : 1, ...snakeKeys(rest) };
  }

  async check_and_wait({ wish = {} }) {
    this.last = await this.policy.checkAndWait(camelKeys(wish));
    return { permit: 1 };
  }

  refund() {
    this.last.refund();
  }

  settle_tokens({ tokens }) {
    this.last.settleTokens(tokens);
  }

  feedback({ key, said }) {
    this.policy.feedback(camelKeys(said), key);
  }

  state({ key }) {
    return snakeKeys(this.policy.state(key));
  }
}

class Breaker {
  constructor(circuit) {
    this.policy = new CircuitBreaker(circuit);
  }

  allow_request() {
    return this.policy.allowRequest();
  }

  record_success() {
    this.policy.recordSuccess();
  }

  record_failure() {
    this.policy.recordFailure();
  }

  try_request() {
    this.last = this.policy.tryRequest();
    return { ticket: 1 };
  }

  finish({ verdict, retry_after_ms: retryAfterMs }) {
    if (verdict === "success") this.last.success();
    else if (verdict === "ignored") this.last.ignore();
    else this.last.failure({ retryAfterMs });
  }

  force({ state }) {
    this.policy.force(state);
  }

  reset() {
    this.policy.reset();
  }

  state() {
    return snakeKeys(this.policy.info());
  }
}

class Purse {
  constructor(budget) {
    this.policy = new CostBudget(budget);
  }

  reserve({ cap_usd: capUsd, margin_usd: marginUsd, spender }) {
    this.last = this.policy.reserve(capUsd, { marginUsd, spender });
    return { reservation: 1 };
  }

  observe({ so_far_usd: soFarUsd }) {
    this.last.observe(soFarUsd);
  }

  settle({ cost_usd: costUsd }) {
    this.last.settle(costUsd);
  }

  uncertain({ observed_usd: observedUsd }) {
    this.last.uncertain(observedUsd);
  }

  limit_flow({ flow, limit_usd: limitUsd = null }) {
    this.policy.limit({ flow }, limitUsd);
  }

  limit_run({ run, limit_usd: limitUsd = null }) {
    this.policy.limit({ run }, limitUsd);
  }

  forget_flow({ flow }) {
    this.policy.forget({ flow });
  }

  forget_run({ run }) {
    this.policy.forget({ run });
  }

  state({ spender }) {
    return snakeKeys(this.policy.state(spender));
  }
}
