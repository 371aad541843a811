// One orchestrator of the engine as JavaScript sees it: hands its signals to the calls they belong to, what happens to tasks to those who
// watch, and ends when all calls have.

import { choice } from "../auth/choice.js";
import { engine, hold, type Listener, letGo, open, release } from "../engine.js";
import { AbortError, fromWire, native, type WireError } from "../errors.js";
import type { Drained } from "../native.js";
import { Call, closed } from "./call.js";
import { configWire, type OrchestratorConfig } from "./config.js";
import type { WireOutcome } from "./outcome.js";
import { progressFrom, Watcher } from "./progress.js";
import { inCamel } from "./spelling.js";

/** How many events are taken at a time. */
const BATCH = 4096;

type Signal =
  | {
      event: "ask";
      ask: string;
      kind: string;
      ref?: { run: number; task: number };
      request: Record<string, unknown>;
    }
  | { event: "ask_cancelled"; ask: string }
  | { event: "outcome"; run: number; outcome: WireOutcome }
  | { event: "reply"; id: number; result?: unknown; error?: WireError };

interface Reply {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One orchestrator of the engine. */
export class Hub implements Listener {
  /** Its managers live as long as it does. */
  readonly #config: OrchestratorConfig;
  readonly #calls = new Map<number, Call>();
  readonly #replies = new Map<number, Reply>();
  readonly #watchers = new Set<Watcher>();
  #lastCommand = 0;
  #closing: Promise<void> | undefined;
  /** Nothing of it is left in the engine. */
  #over = false;
  #ended = () => {};

  /** Checks the configuration. Throws `InvalidOptionsError`. */
  static open(config: OrchestratorConfig): Hub {
    const orchestrator = configWire(config);
    try {
      return open(
        JSON.stringify({ orchestrator, progress: true, ...choice(config.options?.auth, "options.auth") }),
        (id) => new Hub(id, config),
      );
    } catch (error) {
      throw inCamel(error);
    }
  }

  private constructor(
    readonly id: number,
    config: OrchestratorConfig,
  ) {
    this.#config = config;
  }

  /**
   * Makes a call.
   *
   * @param signals Give it up.
   * @param describe The call as it crosses; may throw.
   * @param read What its result comes to.
   */
  async call<R, T>(
    signals: (AbortSignal | undefined)[],
    describe: (call: Call) => object,
    read: (result: R, call: Call) => T,
  ): Promise<T> {
    const given = signals.filter((one) => one !== undefined);
    for (const signal of given) if (signal.aborted) throw new AbortError(signal.reason);
    const id = ++this.#lastCommand;
    const call = new Call(this.id, id, this.#config.options ?? {}, () =>
      this.#send({ command: "cancel", run: id }),
    );
    const flow = describe(call);
    const stops = given.map((signal) => {
      const abort = () => call.giveUp(new AbortError(signal.reason));
      signal.addEventListener("abort", abort, { once: true });
      return () => signal.removeEventListener("abort", abort);
    });
    this.#calls.set(id, call);
    try {
      const result = await this.#submit<R>("run", id, { flow });
      if (call.failure === undefined) return read(result, call);
    } catch (error) {
      if (call.failure === undefined) throw error;
    } finally {
      for (const stop of stops) stop();
      this.#calls.delete(id);
      call.end();
    }
    throw call.failure.error;
  }

  /** Asks something that is answered at once. */
  ask<T>(command: string): Promise<T> {
    return this.#submit(command, ++this.#lastCommand, {});
  }

  /** From now on somebody watches. */
  watch(): Watcher {
    // What happened before is not for this one.
    this.#take();
    const watcher = new Watcher({
      take: () => this.#take(),
      leave: (gone) => {
        this.#watchers.delete(gone);
        this.#watched();
      },
    });
    if (this.#closing === undefined) this.#watchers.add(watcher);
    else watcher.end();
    return watcher;
  }

  /** Gives up all calls; resolves when they are over. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  onWake(): void {
    this.#signals();
    if (this.#closing !== undefined) this.#take();
    else this.#watched();
  }

  async #close(): Promise<void> {
    for (const call of this.#calls.values()) call.giveUp(closed("run"));
    engine.close(this.id, true);
    hold(this);
    this.#take();
    if (!this.#over) await new Promise<void>((resolve) => (this.#ended = resolve));
    letGo(this);
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
    release(this);
  }

  #submit<T>(command: string, id: number, fields: object): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closed(command));
    try {
      native(() => engine.submit(this.id, JSON.stringify({ command, id, ...fields })));
    } catch (error) {
      return Promise.reject(inCamel(error));
    }
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve: resolve as Reply["resolve"], reject });
      hold(this);
    });
  }

  /** Sends a command that has no reply. Once the orchestrator is no longer known, there is nothing left to tell. */
  #send(command: object): void {
    try {
      engine.submit(this.id, JSON.stringify(command));
    } catch {
      this.#lost();
    }
  }

  #signals(): void {
    let signals: string | null;
    try {
      signals = engine.signals(this.id);
    } catch {
      this.#lost();
      return;
    }
    if (signals !== null) for (const signal of JSON.parse(signals) as Signal[]) this.#onSignal(signal);
  }

  #onSignal(signal: Signal): void {
    switch (signal.event) {
      case "ask": {
        const { ask, kind, request, ref } = signal;
        const call = this.#calls.get(ref?.run ?? Number(request["run"]));
        void call?.asks.answer(ask, kind, request, ref?.task);
        break;
      }
      case "ask_cancelled":
        for (const call of this.#calls.values()) call.asks.cancel(signal.ask);
        break;
      case "outcome": {
        const call = this.#calls.get(signal.run);
        call?.onOutcome(call.outcome(signal.outcome));
        call?.forget(signal.outcome.index);
        break;
      }
      case "reply":
        this.#onReply(signal.id, (reply) => {
          if (signal.error) reply.reject(inCamel(fromWire(signal.error)));
          else reply.resolve(signal.result);
        });
        break;
    }
  }

  #onReply(id: number, tell: (reply: Reply) => void): void {
    const reply = this.#replies.get(id);
    if (reply === undefined) return;
    this.#replies.delete(id);
    tell(reply);
    if (this.#replies.size === 0 && this.#closing === undefined) letGo(this);
  }

  /** Its last signals came before its end. */
  #onEnd(): void {
    this.#signals();
    this.#end();
  }

  /** The engine was shut down. */
  #lost(): void {
    for (const id of [...this.#replies.keys()]) this.#onReply(id, (reply) => reply.reject(closed("run")));
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#ended();
  }

  /** Events are left in the engine while those who watch are busy, and dropped when nobody watches. */
  #watched(): void {
    const watchers = [...this.#watchers];
    if (watchers.length === 0 || watchers.some(({ reading }) => reading)) this.#take();
  }

  #take(): void {
    for (let more = true; more; ) {
      let batch: Drained;
      try {
        batch = engine.drain(this.id, BATCH);
      } catch {
        this.#lost();
        return;
      }
      more = batch.more;
      if (batch.end !== undefined) this.#onEnd();
      if (this.#watchers.size === 0) continue;
      for (const line of JSON.parse(batch.items)) {
        const event = progressFrom(line);
        for (const watcher of this.#watchers) watcher.put(event);
      }
    }
  }
}
