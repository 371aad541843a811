// When to stop asking somebody who fails, and when to try again.

import { count } from "../orchestrate/given.js";
import type { Circuit } from "../orchestrate/limits.js";
import { inSnake, settings } from "../orchestrate/spelling.js";
import { camelKeys } from "./camel-keys.js";
import { Policy } from "./policy.js";

/** Where a breaker stands: all passes, nothing passes, or one probe after the other. */
export type CircuitPhase = "closed" | "open" | "half_open";

/** What is known of a breaker. */
export interface CircuitState {
  state: CircuitPhase;
  /** The state somebody forced; `null`: nobody did. */
  forced: Forced | null;
  /** How long until something may pass, in milliseconds; 0: now; `null`: not known. */
  retryAfterMs: number | null;
  /** Failures in a row. */
  consecutiveFailures: number;
  /** Successes within the window. */
  successes: number;
  /** Failures within the window. */
  failures: number;
  /** Openings since it was last healthy. */
  openings: number;
  /** The kind of failure that opened it; `null` when it never was. */
  cause: string | null;
  /** Counts changes of state. */
  generation: number;
}

/** A state that somebody wants, whatever happens: nothing passes; all passes and nothing is counted; all passes and is counted. */
export type Forced = "open" | "disabled" | "metrics_only";

/** A request that was let through and whose end is not known yet. Only its first verdict counts. */
export class Ticket {
  readonly #finish: (verdict: string, retryAfterMs?: number) => void;

  /** @internal */
  constructor(finish: (verdict: string, retryAfterMs?: number) => void) {
    this.#finish = finish;
  }

  /** It went well. */
  success(): void {
    this.#finish("success");
  }

  /** It failed. `retryAfterMs` is what the server asked for, in milliseconds. */
  failure(options: { retryAfterMs?: number } = {}): void {
    this.#finish("failure", options.retryAfterMs);
  }

  /** How it ended says nothing about the server. */
  ignore(): void {
    this.#finish("ignored");
  }
}

/**
 * Opens when something has failed too often, and tries it again after a while.
 *
 * @example
 * const breaker = new CircuitBreaker({ failureThreshold: 3, timeoutMs: 10_000 });
 * const page = await breaker.call(() => fetch(url));
 */
export class CircuitBreaker {
  readonly #policy: Policy;

  /** Throws `InvalidOptionsError`, naming the field. */
  constructor(circuit: Circuit = {}) {
    this.#policy = Policy.open(
      "circuit_breaker",
      inSnake(circuit, settings.circuitBreaker, "circuitBreaker"),
    );
  }

  /**
   * Calls a function if it may pass; whether it throws or rejects is the verdict. Rejects with `CircuitOpenError` without calling it, and
   * with what it throws, the very same object.
   */
  async call<T>(attempt: () => T | Promise<T>): Promise<T> {
    const ticket = this.tryRequest();
    try {
      const result = await attempt();
      ticket.success();
      return result;
    } catch (error) {
      ticket.failure();
      throw error;
    }
  }

  /** Whether a request may pass. Half open, the first to ask has the probe; say what came of it with `recordSuccess` or `recordFailure`. */
  allowRequest(): boolean {
    return this.#policy.decide("allow_request");
  }

  /** A request went well. */
  recordSuccess(): void {
    this.#policy.decide("record_success");
  }

  /** A request failed. */
  recordFailure(): void {
    this.#policy.decide("record_failure");
  }

  /** Lets a request through whose verdict is told by its ticket. Throws `CircuitOpenError`, whose `retryAfter` says when to come back. */
  tryRequest(): Ticket {
    const { ticket } = this.#policy.decide<{ ticket: number }>("try_request");
    return new Ticket((verdict, retryAfterMs) => {
      const wait = count("retryAfterMs", retryAfterMs, 0);
      this.#policy.decide("finish", { ticket, verdict, ...(wait !== undefined && { retry_after_ms: wait }) });
    });
  }

  /** Where it stands. */
  get state(): CircuitPhase {
    return this.info().state;
  }

  /** All that is known of it. */
  info(): CircuitState {
    return camelKeys(this.#policy.decide("state"));
  }

  /** Puts it into a state, whatever happens; without one it decides again by itself. */
  force(state?: Forced): void {
    this.#policy.decide("force", { state: state ?? null });
  }

  /** Forgets all that happened. */
  reset(): void {
    this.#policy.decide("reset");
  }

  /** Forgets it. What is asked of it afterwards throws `ClosedError`. */
  close(): void {
    this.#policy.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
