// One call of an orchestrator as this process sees it: its tasks with their functions, what it decides on the way, and how it is
// given up. It is gone with its reply, and what it kept with it.

import { Asks } from "../asks.js";
import { ClosedError, type MadrigalError, type WireError } from "../errors.js";
import type { Provided } from "../provided.js";
import { answered, type Question, unknown } from "../questions.js";
import type { TaskOptions } from "./config.js";
import { type Outcome, outcomeFrom, reason, type WireOutcome } from "./outcome.js";
import { type Task, taskWire } from "./task.js";

/** A question about the call itself, as it crosses. */
export interface Asked {
  index: number;
  round: number;
  outcome: WireOutcome;
  outcomes: WireOutcome[];
  before: WireOutcome | null;
}

/** What the call decides here. */
export interface Deciding {
  next_task?: () => unknown;
  step?: (asked: Asked) => unknown;
  accept?: (asked: Asked) => unknown;
  ballot?: (asked: Asked) => unknown;
  reduce?: (asked: Asked) => unknown;
  judge?: (asked: Asked) => unknown;
}

/** Whoever answers no question about a call, answers one of a program. */
const deciding = ["next_task", "step", "accept", "ballot", "reduce", "judge"] satisfies (keyof Deciding)[];

/** A task the engine refuses, too: so one that cannot be read has its place, and is counted. */
const REFUSED = { prompt: null };

/** One call of an orchestrator. */
export class Call {
  /** Its number. */
  readonly run: number;
  readonly asks: Asks;
  /** What is decided here. */
  deciding: Deciding = {};
  /** Gets outcomes as they come, where the call wants them so. */
  onOutcome: (outcome: Outcome) => void = () => {};
  /** Runs when the call is over. */
  onEnd = () => {};
  /** Why it was given up. */
  failure: { error: unknown } | undefined;

  readonly #base: TaskOptions;
  readonly #cancel: () => void;
  readonly #provided = new Map<number, Provided>();
  readonly #unreadable = new Map<number, unknown>();
  #tasks = 0;

  /**
   * @param base Where the functions of tasks come from that bring none.
   * @param cancel Tells the engine to give the call up.
   */
  constructor(orchestrator: number, run: number, base: TaskOptions, cancel: () => void) {
    this.run = run;
    this.#base = base;
    this.#cancel = cancel;
    this.asks = new Asks(
      orchestrator,
      (question) => this.#answer(question),
      // What the functions of a task throw is told to the model, and no outcome tells of it.
      (kind) => (deciding as string[]).includes(kind),
    );
  }

  /** A task as it crosses. Throws when it cannot be read. */
  task(task: Task): object {
    const number = this.#tasks++;
    const { wire, provided } = taskWire(task, this.#base, { run: this.run, task: number });
    this.#provided.set(number, provided);
    return wire;
  }

  /** The same; one that cannot be read has an outcome that says so. Only for tasks whose positions are counted from 0. */
  place(task: Task): object {
    const index = this.#tasks;
    try {
      return this.task(task);
    } catch (error) {
      this.#unreadable.set(index, error);
      return REFUSED;
    }
  }

  /** Leaves a position to a task that is made later. */
  skip(): void {
    this.#tasks++;
  }

  /** Forgets the functions of a task that is over. */
  forget(index: number): void {
    this.#provided.delete(index);
    this.#unreadable.delete(index);
  }

  /** An outcome in the names of this package. */
  outcome(wire: WireOutcome): Outcome {
    const outcome = outcomeFrom(wire, (error) => this.asks.thrown(error));
    if (outcome.status !== "succeeded" && this.#unreadable.has(wire.index))
      outcome.error = this.#unreadable.get(wire.index) as MadrigalError;
    return outcome;
  }

  /** Several of them. */
  outcomes(wire: WireOutcome[]): Outcome[] {
    return wire.map((one) => this.outcome(one));
  }

  /** The error beside outcomes, in a field of its own if there is one. */
  error(wire: WireError | null): { error?: MadrigalError } {
    return wire === null ? {} : { error: reason(wire, (error) => this.asks.thrown(error)) };
  }

  /** A decision without which the result would be wrong: when it throws, the call is given up with that. */
  async decided<T>(decision: () => T | Promise<T>): Promise<T> {
    try {
      return await decision();
    } catch (error) {
      this.giveUp(error);
      throw error;
    }
  }

  /** Gives the call up; it rejects with this. */
  giveUp(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.#cancel();
  }

  /** It is over. */
  end(): void {
    this.asks.cancelAll();
    this.onEnd();
  }

  async #answer(question: Question): Promise<unknown> {
    const decide = Object.hasOwn(this.deciding, question.kind)
      ? this.deciding[question.kind as keyof Deciding]
      : undefined;
    if (decide !== undefined) return decide(question.request as unknown as Asked);
    const provided = this.#provided.get(question.ref ?? -1);
    if (provided === undefined) throw unknown(question.kind);
    return answered(provided, question);
  }
}

/** What a call says that was not over when its orchestrator was closed. */
export function closed(operation: string): ClosedError {
  return new ClosedError({ code: "closed", message: "the orchestrator was closed", operation });
}
