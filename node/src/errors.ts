// One class for each code of the core, all below `MadrigalError`, with the same facts in every language. Errors cross
// from native code as JSON text; `fromWire` is the one place where that becomes a class.

/** What went wrong, as a stable word; the same in every language. */
export type ErrorCode = keyof typeof classes;

/** Whether the same call can succeed when made again. */
export type Retry = "never" | "now" | "after";

/** The form in which errors cross from the engine. */
export interface WireError {
  code: string;
  message?: string;
  operation?: string;
  retry?: { verdict: Retry; after_ms?: number };
  context?: Record<string, unknown>;
  causes?: string[];
}

/**
 * The base of everything this package throws.
 *
 * @example
 * try {
 *   for await (const message of query({ prompt: "hi" })) console.log(message);
 * } catch (error) {
 *   if (error instanceof MadrigalError && error.retry !== "never") console.log(`try again in ${error.retryAfter ?? 0} ms`);
 * }
 */
export class MadrigalError extends Error {
  override name = "MadrigalError";
  /** What went wrong, as a stable word. */
  readonly code: string;
  /** Whether trying again can help. */
  readonly retry: Retry;
  /** With `retry === "after"`: when, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** What was being done: `open`, `send`, `interrupt`, or `""`. */
  readonly operation: string;
  /** The facts. Keys are stable. */
  readonly context: Record<string, unknown>;
  /** What caused this, outermost first. */
  readonly causes: string[];
  readonly #text: string;

  constructor(wire: WireError, options?: ErrorOptions) {
    const text = wire.message ?? wire.code;
    super(wire.operation ? `${wire.operation}: ${text}` : text, options);
    this.#text = text;
    this.code = wire.code;
    this.retry = wire.retry?.verdict ?? "never";
    this.retryAfter = wire.retry?.after_ms;
    this.operation = wire.operation ?? "";
    this.context = wire.context ?? {};
    this.causes = wire.causes ?? [];
  }

  /** The wire form, for logs. */
  toJSON(): WireError {
    const { code, operation, context, causes } = this;
    const retry =
      this.retryAfter === undefined
        ? { verdict: this.retry }
        : { verdict: this.retry, after_ms: this.retryAfter };
    return { code, message: this.#text, operation, retry, context, causes };
  }
}

/** An option is unknown or has a value that cannot work. `context.field` is its path. */
export class InvalidOptionsError extends MadrigalError {
  override name = "InvalidOptionsError";
}
/** A prompt or another argument of a call is malformed. */
export class InvalidArgumentError extends MadrigalError {
  override name = "InvalidArgumentError";
}
/** No `claude` program was found. `context` lists every place tried. */
export class CLINotFoundError extends MadrigalError {
  override name = "CLINotFoundError";
}
/** The `claude` program found is too old. */
export class CLIVersionError extends MadrigalError {
  override name = "CLIVersionError";
}
/** The operating system refused to start the program. */
export class SpawnFailedError extends MadrigalError {
  override name = "SpawnFailedError";
}
/** The program ended before its work was done. `context` has how, and the last of its stderr. */
export class ProcessExitedError extends MadrigalError {
  override name = "ProcessExitedError";
}
/** The program said something that is not its protocol. `context` has the start of the line. */
export class ProtocolError extends MadrigalError {
  override name = "ProtocolError";
}
/** Nobody is logged in, or the credentials were refused. */
export class AuthError extends MadrigalError {
  override name = "AuthError";
}
/** The program answered a control request with an error. */
export class ControlError extends MadrigalError {
  override name = "ControlError";
}
/** Something took longer than its limit. */
export class TimeoutError extends MadrigalError {
  override name = "TimeoutError";
}
/** The caller gave up on the operation. */
export class CancelledError extends MadrigalError {
  override name = "CancelledError";
}
/** The session, or the engine behind it, is closed. */
export class ClosedError extends MadrigalError {
  override name = "ClosedError";
}
/** A function of this program, such as `canUseTool`, failed in a way that left no exception to throw. */
export class CallbackError extends MadrigalError {
  override name = "CallbackError";
}
/** A result has no value that meets the JSON Schema, or not one of the wanted type. */
export class StructuredOutputError extends MadrigalError {
  override name = "StructuredOutputError";
}
/** The turn of a task ended with an error of the model's API, a limit or a refusal. The context says which. */
export class TurnFailedError extends MadrigalError {
  override name = "TurnFailedError";
}
/** A limit of requests is used up, ours or the server's. `retry` says when it is not. */
export class RateLimitedError extends MadrigalError {
  override name = "RateLimitedError";
}
/** The circuit breaker is open: what was asked for has failed too often. `retry` says when it is tried again. */
export class CircuitOpenError extends MadrigalError {
  override name = "CircuitOpenError";
}
/** A budget of money is used up. The context has the limit and what is spent. */
export class BudgetExceededError extends MadrigalError {
  override name = "BudgetExceededError";
}
/** Too much waits already, or the wait would be longer than the deadline allows. `retry` says when to come back. */
export class OverloadedError extends MadrigalError {
  override name = "OverloadedError";
}
/** More unread messages piled up than `limits.hardBufferBytes`. */
export class OverflowError extends MadrigalError {
  override name = "OverflowError";
}
/** A defect in Madrigal itself. Please report it. */
export class InternalError extends MadrigalError {
  override name = "InternalError";
}

/** An `AbortController` or `AbortSignal` ended the operation; `cause` is its reason. */
export class AbortError extends CancelledError {
  override name = "AbortError";

  constructor(reason?: unknown) {
    super({ code: "cancelled", message: "the operation was aborted" }, { cause: reason });
  }
}

const classes = {
  invalid_options: InvalidOptionsError,
  invalid_argument: InvalidArgumentError,
  cli_not_found: CLINotFoundError,
  cli_version: CLIVersionError,
  spawn_failed: SpawnFailedError,
  process_exited: ProcessExitedError,
  protocol: ProtocolError,
  auth: AuthError,
  control: ControlError,
  timeout: TimeoutError,
  cancelled: CancelledError,
  closed: ClosedError,
  callback: CallbackError,
  structured_output: StructuredOutputError,
  turn_failed: TurnFailedError,
  rate_limited: RateLimitedError,
  circuit_open: CircuitOpenError,
  budget_exceeded: BudgetExceededError,
  overloaded: OverloadedError,
  overflow: OverflowError,
  internal: InternalError,
};

/** The exception for an error of the engine. A code of a newer engine becomes the base class. */
export function fromWire(wire: WireError): MadrigalError {
  const Class = Object.hasOwn(classes, wire.code) ? classes[wire.code as ErrorCode] : MadrigalError;
  return new Class(wire);
}

/** Whether an error is one of ours with this code. */
export function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof MadrigalError && error.code === code;
}

/** Calls into native code. What it throws has the wire form as its message, unless it is a defect. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

/** The same for native work that goes on elsewhere. */
export async function promised<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fromNative(error);
  }
}

function fromNative(error: unknown): MadrigalError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("{")) {
    try {
      return fromWire(JSON.parse(message));
    } catch {
      // Not the wire form after all.
    }
  }
  return new InternalError({ code: "internal", message }, { cause: error });
}
