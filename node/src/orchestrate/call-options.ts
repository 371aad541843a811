// What calls of an orchestrator can be told.

import type { Outcome } from "./outcome.js";
import type { Task, TaskPrompt } from "./task.js";

/** Tasks at once, or as they come. */
export type TaskSource = Iterable<Task> | AsyncIterable<Task>;

/** What every call can be told. */
export interface CallOptions {
  /** Gives the call up: all it started ends, and it rejects with `AbortError`. */
  signal?: AbortSignal;
}

/** How a parallel call is carried out. */
export interface ParallelOptions extends CallOptions {
  /** How many of these tasks run at a time. Default and most: that of the orchestrator. */
  maxConcurrent?: number;
  /**
   * What happens when a task is not answered: `collect`, the default, goes on; `fail_fast` gives up the others; `{ tolerate: n }` goes on
   * until more than `n` were not answered.
   */
  onError?: "collect" | "fail_fast" | { tolerate: number };
}

/** A step of a pipeline: a task, or a function that makes it from the outcome of the step before (none for the first). */
export type Step = Task | ((before: Outcome | undefined) => Task | Promise<Task>);

/** How a pipeline is carried out. */
export interface PipelineOptions extends CallOptions {
  /** Each task is told the text of the answer before it; one that a function makes is not. Default: true. */
  useContext?: boolean;
  /** A step that is not answered ends it; those behind it are `skipped`. Default: true. */
  stopOnError?: boolean;
}

/** How a race is carried out. */
export interface RaceOptions extends CallOptions {
  /** Whether an answer counts. Default: every one does. */
  accept?: (outcome: Outcome) => boolean | Promise<boolean>;
  /**
   * Takes up each task only when the one before it was taken up so many milliseconds ago, or when one ended without an answer that counts.
   * The same task twice is a second attempt for an answer that is late: for tasks that do no harm when they are done twice. Default: all
   * at once.
   */
  staggerMs?: number;
}

/** How votes are counted. */
export interface VoteOptions extends CallOptions {
  /**
   * `majority`, the default: more than half of all that were asked say the same. `unanimous`: all do. `plurality`: more say it than
   * anything else.
   */
  quorum?: "majority" | "unanimous" | "plurality";
  /**
   * What an answer says, in a form in which equal answers are equal; `null` for one that says nothing. Default: its text in small
   * letters, without what is not a letter or digit at its ends, blanks as one.
   */
  ballot?: (outcome: Outcome) => string | null | Promise<string | null>;
}

/** How answers are put together. */
export interface MapReduceOptions extends CallOptions {
  /** The task that makes one answer of several. */
  reduce: (outcomes: Outcome[]) => Task | Promise<Task>;
  /** How many answers are put together at most at once; 2 or more. Default 8. */
  fanIn?: number;
}

/** What is made of an answer: it is good, or this is what the session is asked next. */
export type Verdict = { done: true } | { prompt: TaskPrompt };

/** When asking again ends. */
export interface UntilOptions extends CallOptions {
  /** Looks at the answer of a round; rounds count from 1. */
  judge: (outcome: Outcome, round: number) => Verdict | Promise<Verdict>;
  /** How many rounds at most; 1 or more. */
  rounds: number;
}
