// What a policy says about itself, in the names of this package.

import { isObject } from "../invalid.js";
import { camel } from "../options.js";

/** The same with keys in camelCase, at every level. */
export function camelKeys<T>(value: unknown): T {
  if (!isObject(value)) return value as T;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [camel(name), camelKeys(below)]),
  ) as T;
}
