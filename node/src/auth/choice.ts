// Whose credential a program is started with, as it crosses: the number of a manager, which is nobody else's business, or `false`.

import { invalid } from "../invalid.js";
import type { AuthManager } from "./manager.js";

/** A manager, or `false`: the program finds its credential by itself. */
export type Auth = AuthManager | false;

const numbers = new WeakMap<object, number>();

/** From now on a manager is known by the number of its handle. */
export function known(manager: AuthManager, number: number): void {
  numbers.set(manager, number);
}

/** What the engine is told beside options. Throws `InvalidOptionsError`. */
export function choice(auth: Auth | undefined, path: string): { auth?: number | false } {
  if (auth === undefined) return {};
  if (auth === false) return { auth };
  return { auth: managerNumber(auth, path) };
}

/** The number of a manager. Throws `InvalidOptionsError` when it is none. */
export function managerNumber(
  manager: AuthManager | undefined,
  path: string,
  expected = "an AuthManager, or false",
): number {
  const number = typeof manager === "object" && manager !== null ? numbers.get(manager) : undefined;
  if (number === undefined) throw invalid(path, `expected ${expected}`);
  return number;
}
