// What happens to tasks, for whoever watches. Nothing waits for a watcher: what it has not read stays in the engine, which puts pieces
// of text of one task together, or, once another watcher has read it, here.

import { fromWire, type MadrigalError, type WireError } from "../errors.js";
import { camel } from "../options.js";
import { inCamel } from "./spelling.js";

/** What every event says. */
interface At {
  /** Counts from 0, without gaps, for each watcher. */
  sequence: number;
  /** The call it belongs to, from 1; 0 for what belongs to none. */
  flow: number;
  /** What that call is: `run`, `parallel`, `pipeline`, `race`, `vote`, `map_reduce` or `until`. */
  kind: string;
  /** The position of the task in that call. */
  index: number;
  /** The name of the task. */
  name?: string;
}

/** What can happen to a task. */
export type Stage =
  /** It was taken up. */
  | { stage: "queued" }
  /** It has to wait until it is let in: what for (`rate`, `budget`, `slot`, `start`, `memory`, `circuit`...), and how many milliseconds at least. */
  | { stage: "waiting"; reason: string; retryAfterMs?: number }
  /**
   * It was let in: who answers as the limits count it, such as `anthropic`, and whose credential, by its fingerprint or the name that a
   * fallback gives it; none where only the program knows it.
   */
  | { stage: "admitted"; provider: string; credential?: string }
  /** Its program is running; attempts count from 1. */
  | { stage: "started"; attempt: number; start: "cold" | "prewarmed" | "recycled" }
  /** The model is late by so many milliseconds: a second attempt is started beside it, and whichever is answered first goes on. */
  | { stage: "hedge"; attempt: number; afterMs: number }
  /** It said something. */
  | { stage: "delta"; text: string }
  /** It uses a tool; `id` is that of the call. */
  | { stage: "tool"; tool: string; id: string }
  /** The program waits so many milliseconds to ask the model again; `status` is what the API gave. */
  | { stage: "api_retry"; attempt: number; afterMs: number; status?: number }
  /** It failed and will be started again in so many milliseconds, afresh or by resuming its session. */
  | { stage: "retry"; attempt: number; afterMs: number; resume: boolean; error: MadrigalError }
  /** It failed and goes to the next of its fallbacks. */
  | { stage: "fallback"; model?: string; error: MadrigalError }
  /**
   * A limit of money came near, by this task or another one that ended about now: `scope` is `run`, `flow`, `key_hour`, `key_day` or
   * `global`, `account` whose it is, `percent` 50, 80 or 95.
   */
  | {
      stage: "budget";
      scope: string;
      account: string;
      percent: number;
      limitUsd?: number;
      spentUsd: number;
      heldUsd: number;
    }
  /** It has its outcome. */
  | { stage: "done"; status: string; costUsd: number; durationMs: number }
  /** Of no task (`flow` is 0, `kind` is `pool`): a program was taken out of the pool, and why. */
  | { stage: "dropped"; pid?: number; reason: string };

/** Something happened to a task. */
export type Progress = At & Stage;

/** One who watches. */
export class Watcher implements AsyncIterableIterator<Progress, void> {
  readonly #waiting: Progress[] = [];
  readonly #readers: ((read: IteratorResult<Progress, void>) => void)[] = [];
  readonly #source: { take(): void; leave(watcher: Watcher): void };
  #sequence = 0;
  #over = false;

  /** @internal `take` hands what happened to all watchers. */
  constructor(source: { take(): void; leave(watcher: Watcher): void }) {
    this.#source = source;
  }

  /** What happened next. */
  next(): Promise<IteratorResult<Progress, void>> {
    if (this.#waiting.length === 0 && !this.#over) this.#source.take();
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve({ done: false, value: next });
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Stops watching. */
  async return(): Promise<IteratorResult<Progress, void>> {
    this.#waiting.length = 0;
    this.end();
    this.#source.leave(this);
    return { done: true, value: undefined };
  }

  /** @internal Whether somebody waits for what happens next. */
  get reading(): boolean {
    return this.#readers.length > 0;
  }

  /** @internal */
  put(event: Progress): void {
    const value = { ...event, sequence: this.#sequence++ };
    const reader = this.#readers.shift();
    if (reader === undefined) this.#waiting.push(value);
    else reader({ done: false, value });
  }

  /** @internal Nothing will happen any more. */
  end(): void {
    this.#over = true;
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** An event in the names of this package. */
export function progressFrom(wire: Record<string, unknown>): Progress {
  const { type: _, error, ...facts } = wire;
  const known = Object.entries(facts).filter(([, value]) => value !== null);
  const event = Object.fromEntries(known.map(([name, value]) => [camel(name), value]));
  if (error !== undefined) event["error"] = inCamel(fromWire(error as WireError));
  return event as unknown as Progress;
}
