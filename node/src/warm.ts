// A program that is started before there is anything to ask it: the first answer then comes sooner.

import { Channel } from "./channel.js";
import { ClosedError } from "./errors.js";
import type { Options } from "./option-types.js";
import { type Prompt, Query } from "./query.js";

/** A program that waits for its prompt; {@link startup} makes it. */
export class WarmQuery implements AsyncDisposable {
  #channel: Channel | undefined;

  /** @internal */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Asks it. Works once; throws `ClosedError` after that, and after `close()`. */
  query(prompt: Prompt): Query {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) return new Query(prompt, channel);
    const message = "this program was asked already, or closed; start another one";
    throw new ClosedError({ code: "closed", message, operation: "query" });
  }

  /** Ends the program when it was not asked. Resolves when it is gone; there is no need to wait for that. */
  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    await channel?.close("now");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts the program; resolves when it is ready for its prompt. `initializeTimeoutMs` goes before `timeouts.startMs`.
 *
 * @example
 * const warm = await startup({ options: { model: "sonnet" } });
 * for await (const message of warm.query("What is 2 + 2?")) console.log(message);
 */
export async function startup(
  params: { options?: Options; initializeTimeoutMs?: number } = {},
): Promise<WarmQuery> {
  const { options = {}, initializeTimeoutMs: startMs } = params;
  const channel = Channel.open(
    startMs === undefined ? options : { ...options, timeouts: { ...options.timeouts, startMs } },
  );
  try {
    await channel.whenOpened();
  } catch (error) {
    await channel.close("now");
    throw error;
  }
  return new WarmQuery(channel);
}
