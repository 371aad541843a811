// What a run used and what it cost. The program repeats itself: each block of a message states the usage of the whole
// message, and `total_cost_usd` counts since the process started and goes on across resume. So usage is counted once for
// each message, and cost as the difference of totals.

import type { Usage } from "./content.js";
import type { SDKMessage } from "./messages.js";
import type { SDKResultMessage } from "./result.js";

const COUNTS = [
  "input_tokens",
  "output_tokens",
  "cache_creation_input_tokens",
  "cache_read_input_tokens",
] as const;

/** Tokens. */
export type Tokens = Record<(typeof COUNTS)[number], number>;

/**
 * Turns cumulative totals into the cost of each turn and of a run, in US dollars.
 *
 * A total that is smaller than the one before means that the program counts anew (a new process without resume): all of
 * it is charged. `/clear` changes the session id and not the count, so ids play no part.
 */
export class CostMeter {
  #last: number;
  #spent = 0;

  /** @param resumedAtUsd For a session that is resumed: its last `total_cost_usd`, which is not charged again. */
  constructor(resumedAtUsd = 0) {
    this.#last = resumedAtUsd;
  }

  /** US dollars charged so far. */
  get costUsd(): number {
    return this.#spent;
  }

  /** What this turn cost, in US dollars; 0 for a result that states no total. */
  charge(result: Pick<SDKResultMessage, "total_cost_usd">): number {
    const total = result.total_cost_usd;
    // A program that could not start states zeros; it has not counted anything, so the count is not anew.
    if (!Number.isFinite(total) || total <= 0) return 0;
    const cost = total >= this.#last ? total - this.#last : total;
    this.#last = total;
    this.#spent += cost;
    return cost;
  }
}

/**
 * Adds up tokens and money of a run, each once. Give it every message, in order, over as many processes as the run has.
 *
 * @example
 * const meter = new UsageMeter();
 * for await (const message of query({ prompt: "What is 2 + 2?" })) meter.add(message);
 * console.log(meter.usage.output_tokens, meter.costUsd);
 */
export class UsageMeter {
  readonly #messages = new Map<string, Tokens>();
  readonly #cost: CostMeter;

  /** @param resumedAtUsd For a session that is resumed: its last `total_cost_usd`, which is not counted again. */
  constructor(resumedAtUsd = 0) {
    this.#cost = new CostMeter(resumedAtUsd);
  }

  /** Takes note of a message. */
  add(message: SDKMessage): void {
    if (message.type === "result") this.#cost.charge(message);
    else if (message.type === "assistant") {
      const { id, model, usage } = message.message;
      // The program itself speaks as this model; that costs nothing.
      if (model !== "<synthetic>") this.#count(id, usage);
    } else if (message.type === "stream_event") {
      const { event } = message;
      if (event.type === "message_start") this.#count(event.message.id, event.message.usage);
      else if (event.type === "message_delta") this.#count(message.api_message_id, event.usage);
    }
  }

  /**
   * Tokens of all messages of the model, subagents included. Without `includePartialMessages` the counts of output are
   * those known when each block was complete, which can be less than was billed.
   */
  get usage(): Tokens {
    const sum = nothing();
    for (const tokens of this.#messages.values()) for (const name of COUNTS) sum[name] += tokens[name];
    return sum;
  }

  /** How many messages of the model were counted. */
  get messageCount(): number {
    return this.#messages.size;
  }

  /** US dollars. */
  get costUsd(): number {
    return this.#cost.costUsd;
  }

  /** The counts of a message only grow, and not every event states all of them: the largest of each is the final one. */
  #count(id: string | undefined, usage: Partial<Usage> | undefined): void {
    if (!id) return;
    const known = this.#messages.get(id) ?? nothing();
    for (const name of COUNTS) known[name] = Math.max(known[name], usage?.[name] ?? 0);
    this.#messages.set(id, known);
  }
}

function nothing(): Tokens {
  return {
    input_tokens: 0,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
}
