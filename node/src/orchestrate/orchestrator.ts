// Many queries under control: side by side, one after the other, against each other. What an orchestrator decides is decided in the engine;
// here are the calls.

import { camel } from "../options.js";
import type {
  CallOptions,
  MapReduceOptions,
  ParallelOptions,
  PipelineOptions,
  RaceOptions,
  Step,
  TaskSource,
  UntilOptions,
  VoteOptions,
} from "./call-options.js";
import type { OrchestratorConfig } from "./config.js";
import { Hub } from "./hub.js";
import { pipeline, until } from "./one-by-one.js";
import type { Outcome, WireOutcome } from "./outcome.js";
import { asCompleted, parallel } from "./parallel.js";
import type { Watcher } from "./progress.js";
import type { MapReduceOutcome, RaceOutcome, Stats, UntilOutcome, VoteOutcome } from "./results.js";
import type { Task } from "./task.js";
import { mapReduce, race, vote } from "./together.js";

/** How many run at a time when nobody says otherwise. */
const CONCURRENT = 5;

/**
 * Runs many queries under shared limits: how many at a time, how often, for how much money, and what happens when one fails.
 *
 * Every task has one {@link Outcome} that says why it ended as it did; a task that fails rejects nothing. A call ends when all it started
 * is gone; its `signal`, `close` and the end of this process give it up. What a function of a call (`accept`, `ballot`) throws is thrown by
 * the call; what makes a task (`reduce`, a step, an iterator) or judges one and throws becomes an error there.
 *
 * @example
 * await using orchestrator = new Orchestrator({ maxConcurrent: 8, options: { model: "sonnet" } });
 * for (const outcome of await orchestrator.parallel(["What is 2 + 2?", "What is 3 + 3?"]))
 *   console.log(outcome.status, outcome.text);
 */
export class Orchestrator {
  readonly #hub: Hub;
  readonly #maxConcurrent: number;

  /** Throws `InvalidOptionsError`, naming the field. */
  constructor(config: OrchestratorConfig = {}) {
    this.#hub = Hub.open(config);
    this.#maxConcurrent = config.maxConcurrent ?? CONCURRENT;
  }

  /**
   * Runs one task, again when it fails and may. Rejects when the task cannot be read.
   *
   * @example
   * const outcome = await orchestrator.run({ prompt: "What is 2 + 2?", timeoutMs: 60_000 });
   */
  run(task: Task, options: CallOptions = {}): Promise<Outcome> {
    return this.#hub.call(
      [options.signal],
      (call) => ({ kind: "run", task: call.task(task) }),
      ({ outcome }: { outcome: WireOutcome }, call) => call.outcome(outcome),
    );
  }

  /**
   * Runs tasks side by side. Gives their outcomes in the order of the tasks. What is no array is iterated as places become free, so it may
   * be long; what it throws becomes the last outcome.
   *
   * @example
   * const outcomes = await orchestrator.parallel(files.map((file) => `Review ${file}`), { onError: "fail_fast" });
   */
  parallel(tasks: TaskSource, options: ParallelOptions = {}): Promise<Outcome[]> {
    return parallel(this.#hub, tasks, options);
  }

  /**
   * The same, each outcome as it comes. Begins with the first read. The source may be without end: no more tasks are taken while as many
   * outcomes are unread as may run at a time. A `break` out of the loop gives up what still runs.
   *
   * @example
   * for await (const outcome of orchestrator.asCompleted(["Review a.py", "Review b.py"])) console.log(outcome.index, outcome.text);
   */
  asCompleted(tasks: TaskSource, options: ParallelOptions = {}): AsyncGenerator<Outcome, void, undefined> {
    return asCompleted(this.#hub, tasks, options, options.maxConcurrent ?? this.#maxConcurrent);
  }

  /**
   * Runs steps one after the other, each told the text of the answer before it. Gives the outcomes in order.
   *
   * @example
   * await orchestrator.pipeline(["Write a haiku about rivers", (before) => `Translate into French: ${before?.text}`]);
   */
  pipeline(steps: Iterable<Step>, options: PipelineOptions = {}): Promise<Outcome[]> {
    return pipeline(this.#hub, steps, options);
  }

  /**
   * Runs tasks side by side until one is answered; the others are given up.
   *
   * @example
   * const { winner } = await orchestrator.race([{ prompt, options: { model: "haiku" } }, { prompt, options: { model: "opus" } }]);
   */
  race(tasks: Iterable<Task>, options: RaceOptions = {}): Promise<RaceOutcome> {
    return race(this.#hub, tasks, options);
  }

  /**
   * Runs tasks side by side until enough say the same; the others are given up.
   *
   * @example
   * const { ballot, agreement } = await orchestrator.vote(Array(5).fill("Is 1009 a prime? Yes or no."), { quorum: "plurality" });
   */
  vote(tasks: Iterable<Task>, options: VoteOptions = {}): Promise<VoteOutcome> {
    return vote(this.#hub, tasks, options);
  }

  /**
   * Runs tasks side by side, then brings their answers together in groups until one is left.
   *
   * @example
   * const { outcome } = await orchestrator.mapReduce(files.map((file) => `Sum up ${file}`), {
   *   reduce: (outcomes) => `Make one summary of these:\n${outcomes.map(({ text }) => text).join("\n")}`,
   * });
   */
  mapReduce(tasks: Iterable<Task>, options: MapReduceOptions): Promise<MapReduceOutcome> {
    return mapReduce(this.#hub, tasks, options);
  }

  /**
   * Asks one session again and again until its answer is good.
   *
   * @example
   * const { done } = await orchestrator.until("Write a haiku", {
   *   rounds: 3,
   *   judge: ({ text }) => (text.split("\n").length === 3 ? { done: true } : { prompt: "It needs three lines." }),
   * });
   */
  until(task: Task, options: UntilOptions): Promise<UntilOutcome> {
    return until(this.#hub, task, options);
  }

  /**
   * What happens to tasks from now on, until the orchestrator is closed. Watching holds nothing up and keeps nothing alive; who no longer
   * reads leaves the loop, or calls `return()`.
   *
   * @example
   * for await (const event of orchestrator.progress())
   *   if (event.stage === "retry") console.log(`task ${event.index} again in ${event.afterMs} ms: ${event.error.message}`);
   */
  progress(): Watcher {
    return this.#hub.watch();
  }

  /** Counts since the orchestrator was made, or since `resetStats`. */
  async stats(): Promise<Stats> {
    const wire = await this.#hub.ask<Record<string, number>>("stats");
    return Object.fromEntries(
      Object.entries(wire).map(([name, value]) => [camel(name), value]),
    ) as unknown as Stats;
  }

  /** Counts from 0 again. */
  async resetStats(): Promise<void> {
    await this.#hub.ask("reset_stats");
  }

  /** Gives up all calls, which reject with `ClosedError`. Resolves when they are over; may be called twice. */
  close(): Promise<void> {
    return this.#hub.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
