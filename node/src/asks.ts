// The questions of one session, or of one call of an orchestrator: has them answered, sends the answers, aborts what is withdrawn,
// and keeps what a function threw until its error comes back, so that the caller gets the very same object.

import { engine } from "./engine.js";
import { fromWire, isCode, native, type WireError } from "./errors.js";
import { respell } from "./options.js";
import type { Question } from "./questions.js";
import type { ToolContext } from "./tools.js";

/** The open questions of one session, or of one call. */
export class Asks {
  readonly #session: number;
  readonly #perform: (question: Question) => Promise<unknown>;
  readonly #kept: (kind: string) => boolean;
  readonly #open = new Map<string, AbortController>();
  readonly #thrown = new Map<string, unknown>();
  #storeThrew: string | undefined;

  /**
   * @param perform Gives the answer, or throws.
   * @param kept Kinds whose failures come back as errors; those of others are told in another way.
   */
  constructor(
    session: number,
    perform: (question: Question) => Promise<unknown>,
    kept: (kind: string) => boolean,
  ) {
    this.#session = session;
    this.#perform = perform;
    this.#kept = kept;
  }

  /** Has a question answered. Never rejects. */
  async answer(ask: string, kind: string, request: Question["request"], ref?: number): Promise<void> {
    const controller = new AbortController();
    this.#open.set(ask, controller);
    const progress: ToolContext["progress"] = (progress, more = {}) =>
      this.#submit(ask, "progress", { progress, ...more });
    try {
      const question = { ask, kind, request, ref, signal: controller.signal, progress };
      this.#send(ask, { result: await this.#perform(question) });
    } catch (error) {
      this.#refuse(ask, kind, error);
    }
  }

  /** The program no longer wants to know. */
  cancel(ask: string): void {
    const controller = this.#open.get(ask);
    this.#open.delete(ask);
    controller?.abort();
  }

  /** The session is over. */
  cancelAll(): void {
    for (const ask of [...this.#open.keys()]) this.cancel(ask);
  }

  /** The exception for an error of the stream, or of the whole session. */
  error(wire: WireError): unknown {
    const thrown = this.thrown(wire);
    if (thrown === undefined) return respell(fromWire(wire));
    this.#thrown.delete(String(wire.context?.["ask"]));
    return thrown.error;
  }

  /** What a function threw when that is what the error tells of. */
  thrown(wire: WireError): { error: unknown } | undefined {
    const ask = String(wire.context?.["ask"]);
    return wire.code === "callback" && this.#thrown.has(ask) ? { error: this.#thrown.get(ask) } : undefined;
  }

  #refuse(ask: string, kind: string, error: unknown): void {
    if (!this.#open.has(ask)) return;
    if (this.#kept(kind)) this.#thrown.set(ask, error);
    if (kind === "session_store" || kind === "token_store") this.#forgetStore(ask);
    try {
      this.#send(ask, { error: { message: error instanceof Error ? error.message : String(error) } });
    } catch {
      // The session is over, and its reader is told.
    }
  }

  /** A store that stays down throws again and again, and only the last time can become an error of the session. */
  #forgetStore(ask: string): void {
    if (this.#storeThrew !== undefined) this.#thrown.delete(this.#storeThrew);
    this.#storeThrew = ask;
  }

  /** Sends an answer; nothing when the question was withdrawn or the session is over. */
  #send(ask: string, answer: object): void {
    this.#submit(ask, "answer", answer);
    this.#open.delete(ask);
  }

  #submit(ask: string, command: string, fields: object): void {
    if (!this.#open.has(ask)) return;
    const text = JSON.stringify({ command, ask, ...fields });
    try {
      native(() => engine.submit(this.#session, text));
    } catch (error) {
      if (!isCode(error, "closed")) throw error;
    }
  }
}
