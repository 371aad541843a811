// One auth manager of the engine as JavaScript sees it: calls whose ends come later, questions for the store and the set-up of this
// process, and what is told meanwhile.

import { Asks } from "../asks.js";
import { engine, hold, type Listener, letGo, open, release } from "../engine.js";
import { AbortError, ClosedError, type MadrigalError, native, type WireError } from "../errors.js";
import { inCamel } from "../orchestrate/spelling.js";
import { type Question, unknown } from "../questions.js";
import { type AuthHost, type AuthManagerOptions, authWire } from "./config.js";
import { credentialFrom, type WireCredential } from "./credential.js";
import { askTokenStore, newToken } from "./token-store.js";

type Signal =
  | { event: "reply"; id: number; result?: unknown; error?: WireError }
  | { event: "ask"; ask: string; kind: string; request: Record<string, unknown> }
  | { event: "ask_cancelled"; ask: string }
  | { event: "setup_output"; text: string }
  | { event: "refreshed"; credential: WireCredential }
  | { event: "refresh_failed"; error: WireError; next_ms: number };

interface Call {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One auth manager of the engine. */
export class Keeper implements Listener {
  readonly #host: AuthHost;
  readonly #asks: Asks;
  readonly #calls = new Map<number, Call>();
  #lastCommand = 0;
  #closed = false;

  /** Checks the options. Throws `InvalidOptionsError`. */
  static open(options: AuthManagerOptions): Keeper {
    const { wire, host } = authWire(options);
    try {
      return open(JSON.stringify({ auth_manager: wire }), (id) => new Keeper(id, host));
    } catch (error) {
      throw inCamel(error);
    }
  }

  private constructor(
    readonly id: number,
    host: AuthHost,
  ) {
    this.#host = host;
    this.#asks = new Asks(
      id,
      (question) => this.#answer(question),
      () => true,
    );
  }

  /** Makes a call. Giving it up leaves what was there before. */
  async call<T>(command: string, fields: object, signal: AbortSignal | undefined): Promise<T> {
    if (this.#closed) throw gone(command);
    if (signal?.aborted) throw new AbortError(signal.reason);
    const id = ++this.#lastCommand;
    const reply = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    const abort = () => {
      if (!this.#closed) this.#send({ command: "cancel", run: id });
    };
    signal?.addEventListener("abort", abort, { once: true });
    hold(this);
    try {
      this.#send({ command, id, ...fields });
      return (await reply) as T;
    } catch (error) {
      throw signal?.aborted ? new AbortError(signal.reason) : error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#calls.delete(id);
      if (this.#calls.size === 0) letGo(this);
    }
  }

  /** Hands over what a person typed; whether anybody can read it. Throws `ClosedError`. */
  type(text: string): boolean {
    if (this.#closed) throw gone("setup_input");
    if (this.#host.typed) this.#send({ command: "setup_input", text });
    return this.#host.typed;
  }

  /** Forgets it. Those who wait are told. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    release(this);
    for (const call of this.#calls.values()) call.reject(gone(""));
    this.#asks.cancelAll();
  }

  onWake(): void {
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

  #send(command: object): void {
    native(() => engine.submit(this.id, JSON.stringify(command)));
  }

  #onSignal(signal: Signal): void {
    switch (signal.event) {
      case "reply": {
        const call = this.#calls.get(signal.id);
        if (signal.error) call?.reject(this.#asks.error(signal.error));
        else call?.resolve(signal.result);
        break;
      }
      case "ask":
        void this.#asks.answer(signal.ask, signal.kind, signal.request);
        break;
      case "ask_cancelled":
        this.#asks.cancel(signal.ask);
        break;
      case "setup_output":
        this.#tell(() => this.#host.onSetupOutput?.(signal.text));
        break;
      case "refreshed":
        this.#tell(() => this.#host.onRefresh?.({ credential: credentialFrom(signal.credential) }));
        break;
      case "refresh_failed": {
        const error = this.#asks.error(signal.error) as MadrigalError;
        this.#tell(() => this.#host.onRefresh?.({ error, nextMs: signal.next_ms }));
        break;
      }
    }
  }

  async #answer({ kind, request, signal }: Question): Promise<unknown> {
    const { store, setup } = this.#host;
    if (kind === "token_store" && store !== undefined) return askTokenStore(store, request);
    if (kind === "new_token" && setup !== undefined) return newToken(setup, signal);
    throw unknown(kind);
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      // As for any listener that throws: an uncaught exception, but not one that stops anything else.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function gone(operation: string): ClosedError {
  return new ClosedError({ code: "closed", message: "the auth manager was closed", operation });
}
