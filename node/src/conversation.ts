// What queries and sessions have in common: reading in order, and the requests that can be made of a running program.

import type { Channel, Exit } from "./channel.js";
import type {
  ControlRequest,
  SDKControlInitializeResponse,
  SDKControlInterruptResponse,
} from "./controls.js";
import type { SDKMessage } from "./messages.js";
import { Requests } from "./requests.js";
import type { AnyTool } from "./tools.js";
import { milliseconds, Within } from "./within.js";

/** What queries and sessions have in common. */
export abstract class Conversation extends Requests {
  /** @internal */
  protected readonly channel: Channel;
  /** Reads that wait for their turn: they are served in the order in which they were asked for. */
  #last: Promise<unknown> | undefined;

  /** @internal */
  protected constructor(channel: Channel) {
    super();
    this.channel = channel;
  }

  /** The process id, once the program is ready. Of another one that resumed the session, `SDKResumedMessage` tells it. */
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

  /**
   * The same requests with a time-out of their own, in milliseconds, in place of `timeouts.controlMs`.
   *
   * @example
   * await session.within(2_000).setModel("opus");
   */
  within(timeoutMs: number): Requests {
    return new Within(this, timeoutMs);
  }

  override interrupt(options: { cancelQueued?: boolean } = {}): Promise<SDKControlInterruptResponse> {
    if (options.cancelQueued) return this.control({ subtype: "interrupt", cancel_queued: true });
    return this.channel.submit("interrupt");
  }

  override async setAgent(agent: string | null, options: { timeoutMs?: number } = {}): Promise<void> {
    const { timeoutMs } = options;
    const limit = timeoutMs === undefined ? {} : { timeout_ms: milliseconds(timeoutMs) };
    await this.channel.submit("set_agent", { agent, ...limit });
  }

  override async control<T = Record<string, unknown> | null>(
    request: ControlRequest,
    options: { timeoutMs?: number } = {},
  ): Promise<T> {
    const { timeoutMs } = options;
    const limit = timeoutMs === undefined ? {} : { timeout_ms: milliseconds(timeoutMs) };
    return this.channel.submit("control", { request, ...limit });
  }

  override async initializationResult(): Promise<SDKControlInitializeResponse> {
    return (await this.channel.whenOpened()).info as SDKControlInitializeResponse;
  }

  /** Replaces the tools of a server of this process, by its key in `mcpServers`; the program is told. */
  setTools(server: string, tools: AnyTool[]): Promise<void> {
    return this.channel.setTools(server, tools);
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
