// The complaint about an option, with its path in the words of this package.

import { InvalidOptionsError, type MadrigalError } from "./errors.js";

/** What is wrong with the option at a path. */
export function invalid(field: string, problem: string): MadrigalError {
  return new InvalidOptionsError({
    code: "invalid_options",
    message: `${field}: ${problem}`,
    operation: "open",
    context: { field },
  });
}

/** Whether a value is an object that is no list. */
export function isObject<T>(value: T): value is T & object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
