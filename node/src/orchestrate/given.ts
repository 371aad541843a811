// What a call is given, checked before anything starts, so that a complaint has the name of the argument.

import { InvalidArgumentError } from "../errors.js";
import { isObject } from "../invalid.js";

/** The values of a source that is known at once. Throws when it is none. */
export function all<T>(source: Iterable<T>, argument: string): T[] {
  if (isObject(source) || Array.isArray(source)) if (Symbol.iterator in source) return [...source];
  throw unfit(argument, "a list");
}

/** A function that was given. Throws when it is none. */
export function needed<T, F extends Extract<T, (...args: never[]) => unknown>>(name: string, value: T): F {
  if (typeof value === "function") return value as unknown as F;
  throw unfit(name, "a function");
}

/** One of these words, or nothing. */
export function word<T>(name: string, value: T, words: string[]): T {
  if (value === undefined || words.includes(value as string)) return value;
  throw unfit(name, `one of ${words.join(", ")}`);
}

/** A count of at least 1, or nothing. */
export function count<T>(name: string, value: T, least = 1): T {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return value;
  throw unfit(name, `a whole number, ${least} or more`);
}

/** The complaint about an argument. */
export function unfit(argument: string, expected: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `${argument}: expected ${expected}`,
    context: { field: argument },
  });
}
