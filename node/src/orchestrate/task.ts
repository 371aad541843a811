// A piece of work as data, and how it crosses. It may be started more than once, so its functions stay here under a number that stands
// in every question of the task.

import { InvalidArgumentError } from "../errors.js";
import { isObject } from "../invalid.js";
import type { ContentBlock, SDKUserMessage } from "../messages.js";
import type { Provided } from "../provided.js";
import { type TaskOptions, taskParts } from "./config.js";
import type { Class, RetryPolicy } from "./limits.js";
import { inSnake, settings } from "./spelling.js";

/** What a task asks: a text, content blocks, or a whole message. */
export type TaskPrompt = string | ContentBlock[] | SDKUserMessage;

/** A prompt and all that its query is told. */
export interface TaskDetails {
  /** What it asks. */
  prompt: TaskPrompt;
  /** Options of its own, over those of the orchestrator. */
  options?: TaskOptions;
  /** What it is called in progress and outcomes. */
  name?: string;
  /**
   * How long it may take from being taken up to its outcome, in milliseconds, waiting and trying again included. Default: that of the
   * orchestrator.
   */
  timeoutMs?: number;
  /**
   * Doing it twice does no harm: it may be started afresh although a tool that changes something has run. Otherwise such a task goes on
   * by resuming its session. Default: false.
   */
  idempotent?: boolean;
  /** Who goes first among those who wait to be let in. Default `normal`. */
  class?: Class;
  /** What is tried again for this task, in place of what the orchestrator says. */
  retry?: RetryPolicy;
}

/**
 * A piece of work: a prompt, or a prompt with what is to be said about it.
 *
 * @example
 * const tasks: Task[] = ["What is 2 + 2?", { prompt: "Review a.py", name: "a.py", options: { model: "opus" }, timeoutMs: 60_000 }];
 */
export type Task = TaskPrompt | TaskDetails;

const fields = ["prompt", "options", "name", "timeoutMs", "idempotent", "class", "retry"];

/** A task as the core has it, and the functions its program may ask for. Throws when it cannot be read. */
export function taskWire(task: Task, base: TaskOptions, ref: object): { wire: object; provided: Provided } {
  const details = isObject(task) && "prompt" in task ? task : { prompt: task as TaskPrompt };
  for (const field of Object.keys(details))
    if (!fields.includes(field)) throw unfit(field, `unknown field; known are ${fields.join(", ")}`);
  const { prompt, options = {}, name, timeoutMs, idempotent, class: kind, retry } = details;
  if (prompt === undefined || prompt === null) throw unfit("prompt", "expected a text, blocks or a message");
  const { wire, beside, host } = taskParts(options, base);
  const tried = retry === undefined ? {} : { retry: inSnake(retry, settings.retry, "task.retry") };
  const said = { name, timeout_ms: timeoutMs, idempotent, class: kind, ...tried };
  return { wire: { prompt, options: wire, ...said, ...beside, ref }, provided: host.provided };
}

function unfit(field: string, problem: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `task.${field}: ${problem}`,
    operation: "orchestrate",
    context: { field: `task.${field}` },
  });
}
