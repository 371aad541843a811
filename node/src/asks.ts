// The questions of one session: runs the callback, sends the answer, aborts what the program withdraws, and keeps what a
// callback threw until the stream comes to it, so that the reader gets the very same object.

import { engine } from "./engine.js";
import { fromWire, InvalidArgumentError, isCode, native, type WireError } from "./errors.js";
import { type CanUseTool, type CanUseToolRequest, permissionContext } from "./permission.js";

export class Asks {
  readonly #session: number;
  readonly #canUseTool: CanUseTool | undefined;
  readonly #open = new Map<string, AbortController>();
  readonly #thrown = new Map<string, unknown>();

  constructor(session: number, canUseTool: CanUseTool | undefined) {
    this.#session = session;
    this.#canUseTool = canUseTool;
  }

  /** Runs the callback and answers. Never rejects. */
  async answer(ask: string, request: CanUseToolRequest): Promise<void> {
    const controller = new AbortController();
    this.#open.set(ask, controller);
    try {
      const context = permissionContext(ask, request, controller.signal);
      const result = await this.#canUseTool?.(request.tool_name, request.input, context);
      if (result?.behavior !== "allow" && result?.behavior !== "deny") throw noDecision(result);
      this.#send(ask, { result });
    } catch (error) {
      this.#refuse(ask, error);
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

  /** The exception for an error of the stream. */
  error(wire: WireError): unknown {
    const ask = String(wire.context?.["ask"]);
    if (wire.code !== "callback" || !this.#thrown.has(ask)) return fromWire(wire);
    const thrown = this.#thrown.get(ask);
    this.#thrown.delete(ask);
    return thrown;
  }

  #refuse(ask: string, error: unknown): void {
    if (!this.#open.has(ask)) return;
    this.#thrown.set(ask, error);
    try {
      this.#send(ask, { error: { message: error instanceof Error ? error.message : String(error) } });
    } catch {
      // The session is over, and its reader is told.
    }
  }

  /** Sends an answer; nothing when the question was withdrawn or the session is over. */
  #send(ask: string, answer: object): void {
    if (!this.#open.has(ask)) return;
    const text = JSON.stringify({ command: "answer", ask, ...answer });
    try {
      native(() => engine.submit(this.#session, text));
    } catch (error) {
      if (!isCode(error, "closed")) throw error;
    }
    this.#open.delete(ask);
  }
}

function noDecision(result: unknown): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `expected { behavior: "allow" } or { behavior: "deny", message } from canUseTool, not ${JSON.stringify(result)}`,
    operation: "canUseTool",
  });
}
