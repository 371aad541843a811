// What calls of an orchestrator give beside lists of outcomes.

import type { MadrigalError } from "../errors.js";
import type { Outcome, Succeeded } from "./outcome.js";

/** How a race ended. */
export interface RaceOutcome {
  /** The first answer that counts; left out when there was none. */
  winner?: Succeeded;
  /** In the order of the tasks. Those that were beaten are `cancelled`. */
  outcomes: Outcome[];
}

/** How a vote ended. */
export interface VoteOutcome {
  /** What won; left out when nothing did. */
  ballot?: string;
  /** The first answer that says it. */
  winner?: Succeeded;
  /** The part of all that were asked who say it, from 0 to 1. */
  agreement: number;
  /** How many said what. */
  counts: Record<string, number>;
  /** In the order of the tasks. Those that could not change the result any more are `cancelled`. */
  outcomes: Outcome[];
  /** Why nothing won. */
  error?: MadrigalError;
}

/** What was made of many answers. */
export interface MapReduceOutcome {
  /** The last answer; left out when it did not come to it. */
  outcome?: Outcome;
  /** Those of the tasks, in order. */
  mapped: Outcome[];
  /** Those of the tasks that put some of the answers together, level by level; without the last. */
  reduced: Outcome[];
  /** Why there is no answer. */
  error?: MadrigalError;
}

/** How asking again ended. */
export interface UntilOutcome {
  /** Whether the last answer was found good. */
  done: boolean;
  /** One for each round. */
  outcomes: Outcome[];
  /** Why it ended otherwise: the rounds were used up, one was not answered, `judge` threw. */
  error?: MadrigalError;
}

/** Counts over everything an orchestrator did. */
export interface Stats {
  /** Tasks that have an outcome. */
  total: number;
  /** Those that were answered. */
  succeeded: number;
  /** Those that failed or ran out of time. */
  failed: number;
  /** Those that were not let in. */
  rejected: number;
  /** Those that were given up or never started. */
  cancelled: number;
  /** How often something was started. */
  attempts: number;
  /** Second attempts that were started beside one that was late. */
  hedged: number;
  /** Those of them that went on because they were answered first. */
  hedgesWon: number;
  /** Tasks whose last attempt found a program that was started ahead. */
  prewarmed: number;
  /** Tasks whose last attempt found a program that had served another. */
  recycled: number;
  /** Programs that stand ready now. */
  idle: number;
  /** Programs that were taken out of the pool since the orchestrator was made. */
  dropped: number;
  /** US dollars. */
  costUsd: number;
  /** The sum of the durations of all tasks, in milliseconds. */
  durationMs: number;
  /** US dollars a task. */
  averageCostUsd: number;
  /** Milliseconds a task. */
  averageDurationMs: number;
}
