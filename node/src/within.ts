// The requests to a running program with a time-out of their own, so that not each of them needs an argument for it.

import type {
  ControlRequest,
  SDKControlInitializeResponse,
  SDKControlInterruptResponse,
} from "./controls.js";
import { InvalidArgumentError } from "./errors.js";
import { Requests } from "./requests.js";

/** The requests of a query or session, each with the same time-out. */
export class Within extends Requests {
  readonly #of: Requests;
  readonly #timeoutMs: number;

  /** @internal Use `within` of a query or session. */
  constructor(of: Requests, timeoutMs: number) {
    super();
    this.#of = of;
    this.#timeoutMs = milliseconds(timeoutMs);
  }

  override control<T = Record<string, unknown> | null>(
    request: ControlRequest,
    options: { timeoutMs?: number } = {},
  ): Promise<T> {
    return this.#of.control(request, { timeoutMs: this.#timeoutMs, ...options });
  }

  override setAgent(agent: string | null, options: { timeoutMs?: number } = {}): Promise<void> {
    return this.#of.setAgent(agent, { timeoutMs: this.#timeoutMs, ...options });
  }

  override interrupt(options: { cancelQueued?: boolean } = {}): Promise<SDKControlInterruptResponse> {
    return this.control({ subtype: "interrupt", ...(options.cancelQueued && { cancel_queued: true }) });
  }

  override initializationResult(): Promise<SDKControlInitializeResponse> {
    return this.#of.initializationResult();
  }
}

/** Whole milliseconds, or a complaint. */
export function milliseconds(value: number): number {
  if (Number.isFinite(value) && value >= 0) return Math.ceil(value);
  throw new InvalidArgumentError({
    code: "invalid_argument",
    message: `timeoutMs: expected milliseconds, 0 or more, and got ${value}`,
    operation: "control",
    context: { field: "timeoutMs" },
  });
}
