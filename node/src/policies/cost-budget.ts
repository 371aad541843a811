// How much may be spent. What a run may cost at most is held before it starts, so that many runs at once keep the limit, too.

import { unfit } from "../orchestrate/given.js";
import type { Budget } from "../orchestrate/limits.js";
import { inSnake, settings } from "../orchestrate/spelling.js";
import { camelKeys } from "./camel-keys.js";
import type { Key } from "./key.js";
import { Policy } from "./policy.js";

/** On whose account something is spent: the run, which belongs to a flow, which uses a key. */
export interface Spender {
  /** Default: the empty key. */
  key?: Key;
  /** The flow, by a name of its own. Default: not part of one. */
  flow?: string;
  /** The run, by a name of its own. Default: no limit for the run. */
  run?: string;
}

/** What is to be held. */
export interface ReserveOptions {
  /** On whose account. */
  spender?: Spender;
  /** What is held above the cap for a request that passes it, in US dollars. Default 0. */
  marginUsd?: number;
}

/** An account, in US dollars. */
export interface AccountState {
  /** `null`: there is no limit. */
  limitUsd: number | null;
  /** Spent within the time of the limit. */
  spentUsd: number;
  /** Held for runs that are under way, or whose cost is not known. */
  heldUsd: number;
}

/** Where a budget stands, in US dollars. */
export interface BudgetState {
  /** Spent by everybody. */
  totalSpentUsd: number;
  /** Held for runs whose cost is not known. */
  uncertainUsd: number;
  /** The accounts of a spender, those that exist. */
  accounts: {
    run?: AccountState;
    flow?: AccountState;
    keyHour?: AccountState;
    keyDay?: AccountState;
    global?: AccountState;
  };
}

/** A limit came near. */
export interface BudgetMark extends AccountState {
  /** Which limit: `run`, `flow`, `key_hour`, `key_day` or `global`. */
  scope: string;
  /** Which run, flow or key; empty for `global`. */
  name: string;
  /** 50, 80 or 95: each is told once, and again after the account fell below it. */
  percent: number;
}

/** What is held for a run. What is never settled stays charged, for nobody knows what it cost. */
export class Reservation {
  readonly #policy: Policy;
  readonly #number: number;

  /** @internal */
  constructor(policy: Policy, number: number) {
    this.#policy = policy;
    this.#number = number;
  }

  /** What the run has cost so far. Throws `BudgetExceededError` when it should be stopped. */
  observe(soFarUsd: number): void {
    this.#decide("observe", { so_far_usd: usd("soFarUsd", soFarUsd) });
  }

  /** What it has cost in the end; also of one that was uncertain. */
  settle(costUsd: number): void {
    this.#decide("settle", { cost_usd: usd("costUsd", costUsd) });
  }

  /** It is over and nobody knows what it cost: what it may have cost stays charged, at least what was seen of it. */
  uncertain(observedUsd = 0): void {
    this.#decide("uncertain", { observed_usd: usd("observedUsd", observedUsd) });
  }

  #decide(command: string, fields: Record<string, unknown>): void {
    this.#policy.decide(command, { reservation: this.#number, ...fields });
  }
}

/**
 * Limits of money for runs, flows, keys and everything.
 *
 * @example
 * const budget = new CostBudget({ totalUsd: 5 }, { onMark: ({ scope, percent }) => console.warn(`${scope}: ${percent} %`) });
 * const held = budget.reserve(0.5, { marginUsd: 0.05 });
 * for await (const message of query({ prompt, options: { maxBudgetUsd: 0.5 } }))
 *   if (message.type === "result") held.settle(message.total_cost_usd);
 */
export class CostBudget {
  readonly #policy: Policy;

  /**
   * Throws `InvalidOptionsError`, naming the field.
   *
   * @param options `onMark` is told when 50, 80 or 95 percent of a limit are spent.
   */
  constructor(budget: Budget = {}, options: { onMark?: (mark: BudgetMark) => void } = {}) {
    const { onMark } = options;
    this.#policy = Policy.open("cost_budget", inSnake(budget, settings.budget, "budget"), (mark) =>
      onMark?.(camelKeys(mark)),
    );
  }

  /** Holds what a run may cost at most, in US dollars. Throws `BudgetExceededError` when a limit has no room for it. */
  reserve(capUsd: number, options: ReserveOptions = {}): Reservation {
    const { spender = {}, marginUsd = 0 } = options;
    const fields = { spender, cap_usd: usd("capUsd", capUsd), margin_usd: usd("marginUsd", marginUsd) };
    const { reservation } = this.#policy.decide<{ reservation: number }>("reserve", fields);
    return new Reservation(this.#policy, reservation);
  }

  /** Gives a flow or a run a limit of its own, in US dollars; `null`: none. */
  limit(whose: { flow: string } | { run: string }, limitUsd: number | null): void {
    const limit = { limit_usd: limitUsd === null ? null : usd("limitUsd", limitUsd) };
    this.#policy.decide("flow" in whose ? "limit_flow" : "limit_run", { ...whose, ...limit });
  }

  /** Forgets a flow or a run that is over. */
  forget(whose: { flow: string } | { run: string }): void {
    this.#policy.decide("flow" in whose ? "forget_flow" : "forget_run", { ...whose });
  }

  /** Where it stands, with the accounts of a spender. */
  state(spender: Spender = {}): BudgetState {
    return camelKeys(this.#policy.decide("state", { spender }));
  }

  /** Forgets it, and lets go of its ledger. */
  close(): void {
    this.#policy.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function usd(name: string, amount: number): number {
  if (Number.isFinite(amount) && amount >= 0) return amount;
  throw unfit(name, "US dollars, 0 or more");
}
