// Tasks that are made when there is a place for one: from a list, a generator, or whatever gives them one after the other.

import { isObject } from "../invalid.js";
import type { TaskSource } from "./call-options.js";
import { unfit } from "./given.js";
import type { Task } from "./task.js";

/** Takes one task after the other. */
export class Pull {
  readonly #values: Iterator<Task> | AsyncIterator<Task>;
  #over = false;

  /** Throws when this gives no values one after the other; `argument` is what it is called. */
  constructor(source: TaskSource, argument: string) {
    if (isObject(source) && Symbol.asyncIterator in source) this.#values = source[Symbol.asyncIterator]();
    else if (isObject(source) && Symbol.iterator in source) this.#values = source[Symbol.iterator]();
    else throw unfit(argument, "a list, or something that can be iterated");
  }

  /** The next; `undefined` at the end. */
  async next(): Promise<{ value: Task } | undefined> {
    if (this.#over) return undefined;
    try {
      const { done, value } = await this.#values.next();
      if (!done) return { value };
      this.#over = true;
      return undefined;
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }

  /** No more is wanted. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    // Lets a generator run its `finally`; what it makes of that is no longer our concern.
    void (async () => this.#values.return?.())().catch(() => {});
  }
}
