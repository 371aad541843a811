// A conversation of several turns with one program. Beyond the official package, which has only `query` with a stream of
// prompts for this.

import { Channel } from "./channel.js";
import type { SDKControlInitializeResponse } from "./controls.js";
import { Conversation } from "./conversation.js";
import type { ContentBlock, SDKMessage, SDKResultMessage, SDKUserMessage } from "./messages.js";
import type { Options } from "./option-types.js";
import type { ZodLike } from "./schema.js";
import { structured } from "./structured.js";

/**
 * A live conversation.
 *
 * @example
 * await using session = await Session.open({ model: "sonnet" });
 * for await (const message of session.send("My name is Ada.")) console.log(message);
 * const result = await session.send("What is my name?").result();
 */
export class Session extends Conversation {
  /** Prompts without a result yet, oldest first. */
  readonly #open: string[] = [];
  /** Those of turns nobody reads any more; what belongs to them is skipped. */
  readonly #abandoned = new Set<string>();

  /** Prompts whose acceptance was not told yet, and those of them whose result came before it. */
  #sending = 0;
  readonly #early = new Set<string>();

  private constructor(channel: Channel) {
    super(channel);
  }

  /** Starts the program; resolves when it is ready. An idle session does not keep the process alive. */
  static async open(options?: Options): Promise<Session> {
    const session = new Session(Channel.open(options));
    try {
      await session.channel.whenOpened();
    } catch (error) {
      await session.channel.close("now");
      throw error;
    }
    return session;
  }

  /** What the program said about itself when it started. */
  get info(): SDKControlInitializeResponse {
    return (this.channel.opened?.info ?? {}) as SDKControlInitializeResponse;
  }

  /**
   * Sends a prompt: a text, content blocks, or a whole message. The turn reads the session's one stream of messages up to
   * the result of this prompt, so turns are read in the order in which they were sent.
   */
  send(prompt: string | ContentBlock[] | SDKUserMessage): Turn {
    this.#sending++;
    const accepted = this.channel
      .submit<{ uuid: string }>("send", { prompt })
      .then(({ uuid }) => {
        if (!this.#early.delete(uuid)) this.#open.push(uuid);
        return uuid;
      })
      .finally(() => {
        if (--this.#sending === 0) this.#early.clear();
      });
    return new Turn(accepted, {
      next: (uuid) => this.#next(uuid),
      abandon: (uuid) => this.#abandon(uuid),
    });
  }

  /** The next message of the session, whatever turn it belongs to; `undefined` when the stream is over. */
  override read(options: { signal?: AbortSignal } = {}): Promise<SDKMessage | undefined> {
    return this.inOrder(() => this.#take(options.signal));
  }

  /** No more prompts will come: when all have their results, the program ends. */
  async finish(): Promise<void> {
    await this.channel.submit("finish");
  }

  /** Lets the program end in order, or ends it now. Resolves when it is gone. */
  async close(how: "graceful" | "now" = "graceful"): Promise<void> {
    await this.channel.close(how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The next message of a turn. */
  #next(uuid: string): Promise<SDKMessage | undefined> {
    return this.inOrder(async () => (this.#open.includes(uuid) ? this.#take() : undefined));
  }

  async #take(signal?: AbortSignal): Promise<SDKMessage | undefined> {
    for (;;) {
      const skipped = this.#abandoned.size > 0;
      const message = await this.take(signal);
      if (message?.type === "result") this.#answered(message);
      if (!skipped || message === undefined) return message;
    }
  }

  /** Takes the prompts a result answers off the list. */
  #answered(result: SDKResultMessage): void {
    const { user_message_uuids: uuids, user_message_uuid: uuid, origin } = result;
    // A turn that the end of a background task started answers no prompt; everything else without ids, the oldest.
    const oldest = origin?.kind === "task-notification" ? [] : this.#open.slice(0, 1);
    for (const answered of uuids ?? (uuid === undefined ? oldest : [uuid])) {
      const at = this.#open.indexOf(answered);
      if (at >= 0) this.#open.splice(at, 1);
      else if (this.#sending > 0) this.#early.add(answered);
      this.#abandoned.delete(answered);
    }
  }

  #abandon(uuid: string): void {
    if (!this.#open.includes(uuid)) return;
    this.#abandoned.add(uuid);
    // Only a courtesy: the turn ends sooner. A session that is over needs none.
    this.interrupt().catch(() => {});
  }
}

interface Source {
  next(uuid: string): Promise<SDKMessage | undefined>;
  abandon(uuid: string): void;
}

/** The messages from a prompt to its result. A `break` out of the loop interrupts the turn and skips the rest of it. */
export class Turn implements AsyncIterableIterator<SDKMessage, void> {
  /** Resolves with the id of the prompt when the session has accepted it. */
  readonly uuid: Promise<string>;
  readonly #source: Source;

  /** @internal Use {@link Session.send}. */
  constructor(uuid: Promise<string>, source: Source) {
    this.uuid = uuid;
    this.#source = source;
    // Whoever reads the turn is told; nobody has to look at the promise as well.
    uuid.catch(() => {});
  }

  /** The next message of this turn. */
  async next(): Promise<IteratorResult<SDKMessage, void>> {
    const value = await this.#source.next(await this.uuid);
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /** Interrupts the turn; the session goes on. */
  async return(): Promise<IteratorResult<SDKMessage, void>> {
    this.#source.abandon(await this.uuid);
    return { done: true, value: undefined };
  }

  /** Reads to the end of the turn. `undefined` when the session was closed before. */
  async result(): Promise<SDKResultMessage | undefined> {
    let result: SDKResultMessage | undefined;
    for await (const message of this) if (message.type === "result") result = message;
    return result;
  }

  /**
   * Reads to the end of the turn and gives the value that `outputFormat` asked for, as {@link structured} does.
   *
   * @param schema A zod schema the value is read by.
   */
  structured<T = unknown>(): Promise<T>;
  structured<S extends ZodLike>(schema: S): Promise<S["_output"]>;
  async structured(schema?: ZodLike): Promise<unknown> {
    const result = await this.result();
    return schema === undefined ? structured(result) : structured(result, schema);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
