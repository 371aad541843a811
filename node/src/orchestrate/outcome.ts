// What became of a task. Each way of ending has a status of its own, so that nobody has to guess why there is no text.

import type { Usage } from "../content.js";
import { CallbackError, fromWire, MadrigalError, type WireError } from "../errors.js";
import type { SDKMessage } from "../messages.js";
import { inCamel } from "./spelling.js";

/** What is known of a task however it ended. */
export interface Run {
  /** The position of the task among its siblings, from 0. */
  index: number;
  /** The name of the task. */
  name?: string;
  /** The text of the answer; empty when there is none. */
  text: string;
  /** The value that `outputFormat` asked for. */
  structuredOutput?: unknown;
  /** The session it ran in, the last one if there were several; by this it can be resumed. */
  sessionId?: string;
  /** What all attempts cost, in US dollars. */
  costUsd: number;
  /** Tokens of all attempts, in the words of the API. */
  usage: Usage;
  /** How often it was started. */
  attempts: number;
  /** How its program came to be there, at the last attempt: started for it, ready before, or used by another run before. */
  start?: "cold" | "prewarmed" | "recycled";
  /** From being taken up to the outcome, in milliseconds. */
  durationMs: number;
  /** The model that served it, where it said so. */
  model?: string;
  /**
   * Whose credential its last attempt was let in with: the fingerprint, or the name that a fallback gives it. Absent where only the program
   * knows it, or it was not let in.
   */
  credential?: string;
  /** Which of the fallbacks served it: 0 is the task as it was given. */
  fallback: number;
  /** The messages of the last attempt, without the pieces (`stream_event`) that whole messages repeat. */
  messages: SDKMessage[];
}

/** A task that was answered. */
export interface Succeeded extends Run {
  status: "succeeded";
  error?: never;
}

/** A task that was not answered, and why. */
export interface Unanswered extends Run {
  /**
   * `failed`: as often as it may be tried. `rejected`: not let in; `error.retry` says when it would be. `timed_out`: its time was up.
   * `cancelled`: not needed any more. `skipped`: never started, because of how another one ended.
   */
  status: "failed" | "rejected" | "timed_out" | "cancelled" | "skipped";
  /** When a function of this program threw: a `CallbackError` whose `cause` is what it threw. */
  error: MadrigalError;
}

/**
 * What became of a task.
 *
 * @example
 * for (const outcome of outcomes)
 *   console.log(outcome.status === "succeeded" ? outcome.text : `${outcome.status}: ${outcome.error.message}`);
 */
export type Outcome = Succeeded | Unanswered;

/** An outcome as it crosses. */
export interface WireOutcome extends Record<string, unknown> {
  index: number;
  error: WireError | null;
}

const names: Record<string, string> = {
  structured_output: "structuredOutput",
  session_id: "sessionId",
  cost_usd: "costUsd",
  duration_ms: "durationMs",
};

/** An outcome in the names of this package. `thrown` knows what functions threw. */
export function outcomeFrom(wire: WireOutcome, thrown: Thrown): Outcome {
  const { error, ...facts } = wire;
  const outcome: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts))
    if (value !== null || name === "structured_output") outcome[names[name] ?? name] = value;
  if (error !== null) outcome["error"] = reason(error, thrown);
  return outcome as unknown as Outcome;
}

/** What a function threw when an error tells of that. */
export type Thrown = (wire: WireError) => { error: unknown } | undefined;

/** The exception for an error beside outcomes: always one of ours, with what a function threw as its cause. */
export function reason(wire: WireError, thrown: Thrown): MadrigalError {
  const found = thrown(wire);
  if (found === undefined) return inCamel(fromWire(wire)) as MadrigalError;
  return found.error instanceof MadrigalError ? found.error : new CallbackError(wire, { cause: found.error });
}
