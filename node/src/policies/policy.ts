// One policy of the engine as JavaScript sees it: questions that are answered at once, and waits whose ends come later. What it decides is
// decided in the engine.

import { engine, hold, type Listener, letGo, open, release } from "../engine.js";
import { AbortError, ClosedError, fromWire, native, type WireError } from "../errors.js";
import { inCamel } from "../orchestrate/spelling.js";

type Wire = Record<string, unknown>;

type Signal =
  | { event: "reply"; id: number; result?: unknown; error?: WireError }
  | { event: "budget"; mark: Wire };

interface Wait {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One policy of the engine. */
export class Policy implements Listener {
  readonly #kind: string;
  readonly #onMark: (mark: Wire) => void;
  readonly #waits = new Map<number, Wait>();
  #lastCommand = 0;
  #closed = false;

  /** Checks the settings. Throws `InvalidOptionsError`. */
  static open(kind: string, settings: Wire, onMark: (mark: Wire) => void = () => {}): Policy {
    try {
      const request = JSON.stringify({ policy: { [kind]: settings } });
      return open(request, (id) => new Policy(id, kind, onMark));
    } catch (error) {
      throw inCamel(error);
    }
  }

  private constructor(
    readonly id: number,
    kind: string,
    onMark: (mark: Wire) => void,
  ) {
    this.#kind = kind;
    this.#onMark = onMark;
  }

  /** Puts a question to it. Throws what it says when it refuses. */
  decide<T>(command: string, fields: Wire = {}): T {
    if (this.#closed) throw this.#gone(command);
    try {
      return JSON.parse(native(() => engine.decide(this.id, JSON.stringify({ command, ...fields }))));
    } catch (error) {
      throw inCamel(error);
    } finally {
      // What it led to may be told at once.
      this.#signals();
    }
  }

  /** The same for what may take its time. Giving it up leaves nothing behind. */
  async wait<T>(command: string, fields: Wire, signal: AbortSignal | undefined): Promise<T> {
    if (this.#closed) throw this.#gone(command);
    if (signal?.aborted) throw new AbortError(signal.reason);
    const id = ++this.#lastCommand;
    const reply = new Promise((resolve, reject) => this.#waits.set(id, { resolve, reject }));
    const abort = () => {
      if (!this.#closed) this.#send({ command: "cancel", run: id });
    };
    signal?.addEventListener("abort", abort, { once: true });
    hold(this);
    try {
      this.#send({ command, id, ...fields });
      return (await reply) as T;
    } catch (error) {
      throw signal?.aborted ? new AbortError(signal.reason) : inCamel(error);
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#waits.delete(id);
      if (this.#waits.size === 0) letGo(this);
    }
  }

  /** Forgets it. Those who wait are told. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    release(this);
    for (const wait of this.#waits.values()) wait.reject(this.#gone("acquire"));
  }

  onWake(): void {
    this.#signals();
  }

  #send(command: object): void {
    native(() => engine.submit(this.id, JSON.stringify(command)));
  }

  #signals(): void {
    if (this.#closed) return;
    let signals: string | null;
    try {
      signals = engine.signals(this.id);
    } catch {
      // The engine was shut down.
      this.close();
      return;
    }
    if (signals !== null) for (const signal of JSON.parse(signals) as Signal[]) this.#onSignal(signal);
  }

  #onSignal(signal: Signal): void {
    if (signal.event === "budget") {
      this.#tell(signal.mark);
      return;
    }
    const wait = this.#waits.get(signal.id);
    if (signal.error) wait?.reject(fromWire(signal.error));
    else wait?.resolve(signal.result);
  }

  #tell(mark: Wire): void {
    try {
      this.#onMark(mark);
    } catch (error) {
      // As for any listener that throws: an uncaught exception, but not one that stops anything else.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #gone(operation: string): ClosedError {
    const what = this.#kind.replaceAll("_", " ");
    return new ClosedError({ code: "closed", message: `the ${what} was closed`, operation });
  }
}
