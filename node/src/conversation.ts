// What queries and sessions have in common: reading in order, and the requests that can be made of a running program.

import { Channel, type Exit } from "./channel.js";
import type { PermissionMode, SDKMessage } from "./messages.js";
import type { Options } from "./options.js";

/** The answer to an interrupt: the prompts that still wait for their turn. */
export interface InterruptReceipt {
  still_queued?: string[];
  [key: string]: unknown;
}

/** A request to the running program: `subtype` and its fields, with the program's own names. */
export type ControlRequest = { subtype: string } & Record<string, unknown>;

export abstract class Conversation {
  /** @internal */
  protected readonly channel: Channel;
  /** Reads that wait for their turn: they are served in the order in which they were asked for. */
  #last: Promise<unknown> | undefined;

  /** @internal */
  protected constructor(options: Options | undefined) {
    this.channel = Channel.open(options);
  }

  /** The process id, once the program is ready. */
  get pid(): number | undefined {
    return this.channel.opened?.pid ?? undefined;
  }

  /** How the program ended: its exit code or signal, `null` when the system did not say. `undefined` while it runs. */
  get exit(): Exit | undefined {
    return this.channel.exit;
  }

  /**
   * The next message; `undefined` when the stream is over. Unlike a `next()` that nobody waits for any more, a read that
   * is given up through its signal takes nothing with it.
   */
  read(options: { signal?: AbortSignal } = {}): Promise<SDKMessage | undefined> {
    return this.inOrder(() => this.take(options.signal));
  }

  /** Ends the current turn; the conversation can go on. Resolves with the program's receipt. */
  interrupt(): Promise<InterruptReceipt> {
    return this.channel.submit("interrupt");
  }

  /** Changes how permissions are decided from now on. */
  async setPermissionMode(mode: PermissionMode): Promise<void> {
    await this.control({ subtype: "set_permission_mode", mode });
  }

  /** Changes the model from now on; without one, back to the default. */
  async setModel(model?: string): Promise<void> {
    await this.control({ subtype: "set_model", model: model ?? null });
  }

  /** Makes any request of the program and resolves with the payload of its answer, `null` when it has none. */
  control<T = Record<string, unknown> | null>(request: ControlRequest): Promise<T> {
    return this.channel.submit("control", { request });
  }

  /** What the program said about itself when it started: commands, models, account. */
  async initializationResult(): Promise<Record<string, unknown>> {
    return (await this.channel.whenOpened()).info;
  }

  /** @internal The next message if it is there and nobody else waits for one. */
  protected poll(): SDKMessage | undefined {
    return this.#last === undefined ? this.channel.poll() : undefined;
  }

  /** @internal */
  protected async take(signal?: AbortSignal): Promise<SDKMessage | undefined> {
    for (;;) {
      const message = this.channel.poll();
      if (message !== undefined) return message;
      if (this.channel.done) return undefined;
      await this.channel.wait(signal);
    }
  }

  /** @internal Runs `read` when those before it are done, however they ended. */
  protected inOrder<T>(read: () => Promise<T>): Promise<T> {
    const mine = this.#last === undefined ? read() : this.#last.then(read);
    const last: Promise<void> = mine.then(
      () => this.#forget(last),
      () => this.#forget(last),
    );
    this.#last = last;
    return mine;
  }

  #forget(last: Promise<unknown>): void {
    if (this.#last === last) this.#last = undefined;
  }
}
