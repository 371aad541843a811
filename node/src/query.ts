// One prompt, or a stream of prompts, and the messages that answer: the official `query`.

import { Channel } from "./channel.js";
import { Conversation } from "./conversation.js";
import { isCode } from "./errors.js";
import type { SDKMessage, SDKUserMessage } from "./messages.js";
import type { Options } from "./option-types.js";

/** What to say: a text, or messages as they come up. */
export type Prompt = string | AsyncIterable<SDKUserMessage>;

/**
 * Asks and streams the answer. The program ends with the query.
 *
 * A `break` out of the loop, `return()`, `close()` and an aborted signal end the program at once. Throws
 * `InvalidOptionsError`; everything else comes out of the iteration.
 *
 * @example
 * for await (const message of query({ prompt: "What is 2 + 2?", options: { model: "sonnet" } })) {
 *   if (message.type === "result") console.log(message.subtype === "success" ? message.result : message.errors);
 * }
 */
export function query(params: { prompt: Prompt; options?: Options }): Query {
  return new Query(params.prompt, Channel.open(params.options));
}

/** A running query: an async generator of messages with requests to the program beside it. */
export class Query extends Conversation implements AsyncGenerator<SDKMessage, void, unknown> {
  #stopInput = () => {};

  /** @internal Use {@link query}. */
  constructor(prompt: Prompt, channel: Channel) {
    super(channel);
    if (typeof prompt === "string") this.#say(prompt);
    else void this.streamInput(prompt).then(() => this.#finish());
  }

  /** The next message. */
  next(): Promise<IteratorResult<SDKMessage, void>> {
    try {
      const message = this.poll();
      if (message !== undefined) return Promise.resolve({ done: false, value: message });
    } catch (error) {
      return Promise.reject(error);
    }
    return this.inOrder(async () => {
      try {
        const message = await this.take();
        if (message !== undefined) return { done: false, value: message };
        return { done: true, value: undefined };
      } finally {
        if (this.channel.exit !== undefined) this.#stopInput();
      }
    });
  }

  /** Gives up: ends the program now. Resolves when it is gone. */
  async return(value?: void | PromiseLike<void>): Promise<IteratorResult<SDKMessage, void>> {
    await this.close();
    return { done: true, value: await value };
  }

  /** Gives up and rejects with `error`. */
  async throw(error: unknown): Promise<IteratorResult<SDKMessage, void>> {
    await this.close();
    throw error;
  }

  /** Ends the program now. Resolves when it is gone; there is no need to wait for that. */
  async close(): Promise<void> {
    this.#stopInput();
    await this.channel.close("now");
  }

  /** Sends the messages of `stream` as they come. An exception of the stream ends the query and is thrown from it. */
  async streamInput(stream: AsyncIterable<SDKUserMessage>): Promise<void> {
    const messages = stream[Symbol.asyncIterator]();
    let stopped = false;
    this.#stopInput = () => {
      stopped = true;
      // Lets a generator run its `finally`; what it makes of that is no longer our concern.
      void Promise.resolve(messages.return?.()).catch(() => {});
    };
    try {
      for (;;) {
        const { done, value } = await messages.next();
        if (done || stopped) return;
        await this.channel.submit("send", { prompt: value });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #say(prompt: string): void {
    this.channel.submit("send", { prompt }).catch((error) => this.#fail(error));
    this.#finish();
  }

  #finish(): void {
    this.channel.submit("finish").catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    // That the session is over is told by the end of the stream, and better.
    if (!isCode(error, "closed")) this.channel.fail(error);
  }
}
