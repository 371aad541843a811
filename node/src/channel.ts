// One session, as JavaScript sees it: its messages, taken in batches, and the replies to its commands.
//
// Waiting is separate from taking, and carries no data: `wait` says that `poll` may have something, `poll` takes it. So a
// wait that is given up loses nothing.

import { Asks } from "./asks.js";
import { engine, hold, type Listener, letGo, open, release } from "./engine.js";
import { AbortError, ClosedError, native, ProtocolError, type WireError } from "./errors.js";
import type { SDKMessage } from "./messages.js";
import type { Drained } from "./native.js";
import type { Options } from "./option-types.js";
import { type HostOptions, request, respell } from "./options.js";
import { byName, onlyStores, type Provided } from "./provided.js";
import { answered } from "./questions.js";
import type { Stores } from "./session-store.js";
import { type AnyTool, listed } from "./tools.js";

/** How many messages are taken at a time; a batch also ends after half a megabyte. */
const BATCH = 4096;

/** Messages kept while the program has not answered `initialize`. */
const EARLY = 100_000;

/** The reply that ends work without a program. */
const WORK = 0;

/** How the program ended; `null` when nobody knows. */
export type Exit = { code: number } | { signal: number } | null;

type Signal =
  | { event: "opened"; pid: number | null; info: Record<string, unknown> | null }
  | { event: "ask"; ask: string; kind: string; request: Record<string, unknown> }
  | { event: "ask_cancelled"; ask: string }
  | { event: "reply"; id: number; result?: unknown; error?: WireError }
  | { event: "stderr"; line: string };

interface Opened {
  pid: number | null;
  info: Record<string, unknown>;
}

interface Reply {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One session as JavaScript sees it. */
export class Channel implements Listener {
  /** Set when the program is ready. */
  opened: Opened | undefined;
  /** Set when the program is gone. */
  exit: Exit | undefined;

  #items: (SDKMessage | null | undefined)[] = [];
  #at = 0;
  #errors: WireError[] = [];
  /** How the stream ends when it does not end well: thrown once. */
  #failure: { error: unknown } | undefined;
  /** There may be something to take. */
  #ready = true;
  /** The last batch was not all there was. */
  #cut = false;
  /** Closed from this side: what still comes is dropped. */
  #closed = false;
  #waiting: (() => void)[] = [];
  #lastCommand = 0;
  #stderr: HostOptions["stderr"];
  #detach = () => {};
  readonly #replies = new Map<number, Reply>();
  readonly #provided: Provided;
  readonly #asks: Asks;

  /** Checks the options and starts the program. */
  static open(options: Options | undefined): Channel {
    const { text, host } = request(options);
    try {
      const channel = open(text, (id) => new Channel(id, host));
      channel.#obey(host.signals);
      return channel;
    } catch (error) {
      throw respell(error);
    }
  }

  /** Work that needs no program but asks what is provided: `request` is one of `open`, with an `operation`. */
  static async work<T>(request: object, stores: Stores): Promise<T> {
    const host: HostOptions = { provided: onlyStores(stores), stderr: undefined, signals: [] };
    const channel = open(JSON.stringify(request), (id) => new Channel(id, host));
    try {
      return await channel.#reply<T>(WORK);
    } finally {
      release(channel);
    }
  }

  private constructor(
    readonly id: number,
    host: HostOptions,
  ) {
    this.#stderr = host.stderr;
    this.#provided = host.provided;
    this.#asks = new Asks(
      id,
      (question) => answered(host.provided, question),
      // The model reads why a tool failed, and the stream does not tell it.
      (kind) => kind !== "tool_call",
    );
  }

  /** Whether everything was taken and nothing will come. */
  get done(): boolean {
    return this.exit !== undefined && this.#at >= this.#items.length && this.#failure === undefined;
  }

  /** The next message, or `undefined` when there is none now. Throws the errors of the stream. */
  poll(): SDKMessage | undefined {
    if (this.#at >= this.#items.length && !this.#take()) {
      if (this.#failure !== undefined) {
        const { error } = this.#failure;
        this.#failure = undefined;
        throw error;
      }
      if (this.exit !== undefined) this.#detach();
      return undefined;
    }
    const item = this.#items[this.#at];
    this.#items[this.#at++] = undefined;
    if (item === null) throw this.#asks.error(this.#errors.shift() as WireError);
    return item;
  }

  /** Resolves when `poll` may have something, or the stream is over. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new AbortError(signal.reason));
      // A batch that was cut goes on in the next turn of the event loop: a reader that never runs out of messages must
      // not keep timers, signals and the questions of other sessions waiting.
      if (this.#cut) setImmediate(() => this.#announce());
      else if (this.#ready || this.#failure || this.exit !== undefined) return resolve();
      const wake = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== wake);
        this.#rest();
        reject(new AbortError(signal?.reason));
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(wake);
      hold(this);
    });
  }

  /** Resolves when the program is ready, rejects with what the stream ends with when it ends before that. */
  async whenOpened(): Promise<Opened> {
    for (;;) {
      if (this.opened !== undefined) return this.opened;
      // The end of the stream is seen by taking only. What is taken is kept for the reader.
      this.#takeBehind();
      if (this.exit !== undefined || this.#failure) throw this.#failure?.error ?? ended();
      if (this.#items.length > EARLY) throw tooEarly();
      await new Promise<void>((resolve) => {
        if (this.#cut) setImmediate(() => this.#announce());
        this.#waiting.push(resolve);
        hold(this);
      });
    }
  }

  /** Hands over a command; resolves with its reply. */
  submit<T>(command: string, fields: object = {}): Promise<T> {
    const id = ++this.#lastCommand;
    try {
      native(() => engine.submit(this.id, JSON.stringify({ command, id, ...fields })));
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#reply(id);
  }

  /** Replaces the tools of a server of this process. Calls that are under way go on with the old ones. */
  async setTools(server: string, tools: readonly AnyTool[]): Promise<void> {
    const named = byName(tools, "tools");
    const wire = listed(tools);
    const { tools: servers } = this.#provided;
    const old = servers.get(server);
    servers.set(server, named);
    try {
      await this.submit("set_tools", { server, tools: wire });
    } catch (error) {
      if (old === undefined) servers.delete(server);
      else servers.set(server, old);
      throw error;
    }
  }

  /** Ends the stream with an error of this side, and the program with it. */
  fail(error: unknown): void {
    if (this.done || this.#closed) return;
    this.#failure = { error };
    this.#close("now");
  }

  /** Closes; resolves when the program is gone. What was not read is dropped. */
  async close(how: "graceful" | "now"): Promise<void> {
    this.#failure = undefined;
    this.#close(how);
    while (this.exit === undefined) await this.wait();
  }

  /** The reply to a command. */
  #reply<T>(id: number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve: resolve as Reply["resolve"], reject });
      hold(this);
    });
  }

  onWake(): void {
    this.#ready = true;
    this.#signals();
    if (this.#closed) this.#drop();
    this.#announce();
  }

  /** Takes the next batch; whether there was one. */
  #take(): boolean {
    if (!this.#ready || this.#cut || this.exit !== undefined) return false;
    const batch = this.#drain();
    this.#cut = batch.more;
    this.#items = JSON.parse(batch.items);
    this.#at = 0;
    if (batch.errors) this.#errors.push(...(JSON.parse(batch.errors) as WireError[]));
    if (batch.end) this.#onEnd(JSON.parse(batch.end));
    return this.#items.length > 0;
  }

  /** Takes the next batch behind what nobody has read yet. */
  #takeBehind(): void {
    const unread = this.#items.slice(this.#at);
    const taken = this.#take();
    if (unread.length === 0) return;
    this.#items = taken ? [...unread, ...this.#items] : unread;
    this.#at = 0;
  }

  #drain(): Drained {
    try {
      const batch = native(() => engine.drain(this.id, BATCH));
      this.#ready = batch.more;
      return batch;
    } catch (error) {
      // The engine no longer knows this session: it was shut down.
      return { items: "[]", end: JSON.stringify({ exit: null, error }), more: false };
    }
  }

  #drop(): void {
    while (this.#ready && this.exit === undefined) {
      const { end } = this.#drain();
      if (end) this.#onEnd({ ...JSON.parse(end), error: null });
    }
  }

  #onEnd(end: { exit: Exit; error: WireError | null }): void {
    this.#signals();
    this.exit = end.exit;
    if (end.error) this.#failure ??= { error: this.#asks.error(end.error) };
    for (const reply of this.#replies.values()) {
      reply.reject(ended());
    }
    this.#replies.clear();
    this.#asks.cancelAll();
    release(this);
    this.#announce();
  }

  #close(how: "graceful" | "now"): void {
    this.#closed = true;
    this.#items = [];
    this.#errors = [];
    this.#at = 0;
    this.#cut = false;
    this.#detach();
    engine.close(this.id, how === "now");
    this.#drop();
    this.#announce();
  }

  #announce(): void {
    this.#cut = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    this.#rest();
  }

  /** Lets the process end when nobody waits for this session. */
  #rest(): void {
    if (this.#waiting.length === 0 && this.#replies.size === 0) letGo(this);
  }

  #signals(): void {
    let signals: string | null;
    try {
      signals = native(() => engine.signals(this.id));
    } catch {
      // No longer known: `drain` says so, too, and ends the stream.
      return;
    }
    if (signals !== null) for (const signal of JSON.parse(signals) as Signal[]) this.#onSignal(signal);
  }

  #onSignal(signal: Signal): void {
    switch (signal.event) {
      case "opened":
        this.opened = { pid: signal.pid, info: signal.info ?? {} };
        break;
      case "reply": {
        const reply = this.#replies.get(signal.id);
        this.#replies.delete(signal.id);
        if (signal.error) reply?.reject(this.#asks.error(signal.error));
        else reply?.resolve(signal.result);
        break;
      }
      case "ask":
        void this.#asks.answer(signal.ask, signal.kind, signal.request);
        break;
      case "ask_cancelled":
        this.#asks.cancel(signal.ask);
        break;
      case "stderr":
        this.#onStderr(signal.line);
        break;
    }
  }

  #onStderr(line: string): void {
    try {
      this.#stderr?.(line);
    } catch (error) {
      // As for any listener that throws: an uncaught exception, but not one that stops the other sessions.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #obey(signals: AbortSignal[]): void {
    // A signal may live longer than the session, and must not keep it.
    const self = new WeakRef(this);
    const stops = signals.map((signal) => {
      const abort = () => self.deref()?.fail(new AbortError(signal.reason));
      signal.addEventListener("abort", abort, { once: true });
      return () => signal.removeEventListener("abort", abort);
    });
    this.#detach = () => {
      for (const stop of stops) stop();
    };
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) this.fail(new AbortError(aborted.reason));
  }
}

function tooEarly(): ProtocolError {
  const message = `${EARLY} messages came before the answer to \`initialize\``;
  return new ProtocolError({ code: "protocol", message, operation: "open" });
}

function ended(): ClosedError {
  return new ClosedError({ code: "closed", message: "the session ended before the answer came" });
}
