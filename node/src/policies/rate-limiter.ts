// How often something may start. Who must wait does so in order.

import { count } from "../orchestrate/given.js";
import type { Class, RateLimit } from "../orchestrate/limits.js";
import { inSnake, settings } from "../orchestrate/spelling.js";
import { camelKeys } from "./camel-keys.js";
import type { Key } from "./key.js";
import { Policy } from "./policy.js";

/** What is to be started. */
export interface Wish {
  /** Whom it counts for. Default: the empty key. */
  key?: Key;
  /** How many tokens it will take, for `tokensPerMinute`. Default 0. */
  tokens?: number;
  /** Who goes first among those who wait. Default `normal`. */
  class?: Class;
}

/** How long to wait for a start. */
export interface WaitOptions extends Wish {
  /** How long at most, in milliseconds. What could not start before that is refused at once. Default: as long as it takes. */
  timeoutMs?: number;
  /** Gives the wait up; it rejects with `AbortError` and its place goes to the next. */
  signal?: AbortSignal;
}

/** What a server says about its own limits. */
export type RateFeedback =
  /** It answered: what it had taken away comes back bit by bit. */
  | { type: "answered" }
  /** It wants fewer requests, and none for so many milliseconds where it says so. */
  | { type: "throttled"; retryAfterMs?: number }
  /** It wants none for so many milliseconds. */
  | { type: "closed"; waitMs: number };

/** Where a limit stands. */
export interface RateState {
  /** Starts within the last minute, as far as a limit needs to know them. */
  lastMinute: number;
  /** Starts within the last hour, as far as a limit needs to know them. */
  lastHour: number;
  /** How long until one could start if nobody else did, in milliseconds; 0: now. */
  nextStartMs: number;
  /** The share of the limit that holds now: below 1 after a server wanted fewer. */
  share: number;
  /** How long a server wants none at all, in milliseconds; `null`: it does not. */
  closedMs: number | null;
  /** How many wait, with all keys. */
  waiting: number;
}

/** What `tryAcquire` says: a permit, or how many milliseconds one would have to wait at least (left out when that is not known). */
export type Acquired = { permit: RatePermit } | { permit?: never; retryAfterMs?: number };

/** One start. There is nothing to give back: it counts until its windows are over. */
export class RatePermit {
  readonly #policy: Policy;
  readonly #number: number;

  /** @internal */
  constructor(policy: Policy, number: number) {
    this.#policy = policy;
    this.#number = number;
  }

  /** Nothing was sent: the start does not count. */
  refund(): void {
    this.#policy.decide("refund", { permit: this.#number });
  }

  /** How many tokens it took, in place of those of the wish. */
  settleTokens(tokens: number): void {
    this.#policy.decide("settle_tokens", { permit: this.#number, tokens: count("tokens", tokens, 0) });
  }
}

/**
 * Lets things start no more often than a limit says, for each key.
 *
 * @example
 * const limiter = new RateLimiter({ perMinute: 60, perHour: 1000 });
 * await limiter.checkAndWait({ key: { model: "sonnet" } });
 */
export class RateLimiter {
  readonly #policy: Policy;

  /** Throws `InvalidOptionsError`, naming the field. */
  constructor(limit: RateLimit = {}) {
    this.#policy = Policy.open("rate_limiter", inSnake(limit, settings.rateLimit, "rateLimit"));
  }

  /**
   * Waits until it may start. Rejects with `RateLimitedError` when that would take longer than `timeoutMs`, with `OverloadedError` when too
   * many wait.
   *
   * @example
   * const permit = await limiter.checkAndWait({ timeoutMs: 5_000, signal: AbortSignal.timeout(10_000) });
   */
  async checkAndWait(options: WaitOptions = {}): Promise<RatePermit> {
    const { signal, ...wish } = options;
    const { permit } = await this.#policy.wait<{ permit: number }>("acquire", wishWire(wish), signal);
    return new RatePermit(this.#policy, permit);
  }

  /**
   * A start if there is one now. Never waits, and never goes before those who wait.
   *
   * @example
   * const { permit, retryAfterMs } = limiter.tryAcquire();
   */
  tryAcquire(wish: Wish = {}): Acquired {
    const answer = this.#policy.decide<{ permit: number | null; retry_after_ms?: number | null }>(
      "try_acquire",
      wishWire(wish),
    );
    if (answer.permit !== null) return { permit: new RatePermit(this.#policy, answer.permit) };
    return typeof answer.retry_after_ms === "number" ? { retryAfterMs: answer.retry_after_ms } : {};
  }

  /** Heeds what a server says. */
  feedback(said: RateFeedback, key: Key = {}): void {
    const wire = inSnake(said, { type: true, retryAfterMs: true, waitMs: true }, "said");
    this.#policy.decide("feedback", { key, said: wire });
  }

  /** Where the limit of a key stands. */
  state(key: Key = {}): RateState {
    return camelKeys(this.#policy.decide("state", { key }));
  }

  /** Forgets all. Those who wait are rejected with `ClosedError`. */
  close(): void {
    this.#policy.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function wishWire(wish: WaitOptions): Record<string, unknown> {
  const { tokens, timeoutMs } = wish;
  count("tokens", tokens, 0);
  count("timeoutMs", timeoutMs, 0);
  return { wish: inSnake(wish, { key: true, tokens: true, class: true, timeoutMs: true }, "wish") };
}
