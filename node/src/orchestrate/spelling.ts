// The settings of the policies on the wire, and back in complaints: the same names in snake_case. A name that is not known is
// refused here, so that it is named as it was written.

import { fromWire, MadrigalError } from "../errors.js";
import { invalid, isObject } from "../invalid.js";
import { camel, respelled } from "../options.js";

/** Which names there are; for those that hold settings of their own, which there. */
export type Names = { [name: string]: true | Names };

const quota = named("perMinute", "perHour", "tokensPerMinute", "burst", "minGapMs");

/** The settings that have names of their own, by the name they have in the configuration. */
export const settings = {
  rateLimit: { ...quota, tenant: quota, global: quota },
  circuitBreaker: named(
    "failureThreshold",
    "successThreshold",
    "timeoutMs",
    "maxTimeoutMs",
    "jitter",
    "failureRate",
    "minSamples",
    "windowMs",
    "probeMs",
    "healthyMs",
    "slowStart",
  ),
  memory: named("minAvailableMb", "runMb"),
  adaptive: named("min", "decrease", "cooldownMs"),
  shedding: named("targetMs", "intervalMs"),
  hedge: named("percentile", "minDelayMs", "minSamples", "maxShare"),
  budget: named("runUsd", "flowUsd", "keyHourUsd", "keyDayUsd", "totalUsd", "uncertainTtlMs", "ledger"),
  retry: named(
    "maxAttempts",
    "throttleBaseMs",
    "networkBaseMs",
    "spawnBaseMs",
    "maxDelayMs",
    "budgetShare",
    "budgetFree",
    "budgetCap",
    "programRetries",
  ),
  pool: named("minIdle", "maxIdle", "maxAgeMs", "maxMemoryMb", "recycle", "maxReuses"),
} satisfies Names;

/** Names that hold no settings of their own. */
export function named<N extends string>(...names: N[]): Record<N, true> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<N, true>;
}

/** Settings in the names of the core. Throws `InvalidOptionsError` for an unknown name. */
export function inSnake(values: unknown, names: Names, path: string): Record<string, unknown> {
  if (!isObject(values)) throw invalid(path, "expected an object");
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const below = Object.hasOwn(names, name) ? names[name] : undefined;
    const here = path === "" ? name : `${path}.${name}`;
    if (below === undefined)
      throw invalid(here, `unknown setting; known are ${Object.keys(names).sort().join(", ")}`);
    if (value === undefined) continue;
    wire[snake(name)] = below === true || value === null ? value : inSnake(value, below, here);
  }
  return wire;
}

/** A complaint of the core about settings, tasks or their options, in the words of this package. */
export function inCamel(error: unknown): unknown {
  if (!(error instanceof MadrigalError)) return error;
  const { message = "", ...wire } = error.toJSON();
  const field = wire.context?.["field"];
  const text = wire.code === "invalid_options" ? settingsIn(message) : message;
  if (typeof field !== "string") return text === message ? error : fromWire({ ...wire, message: text });
  const ours = (field.startsWith("options.") ? "options." : "") + camel(respelled(field));
  return fromWire({
    ...wire,
    message: text.replace(field, () => ours),
    context: { ...wire.context, field: ours },
  });
}

/** What stands so in other complaints may be a value. */
function settingsIn(text: string): string {
  return text.replace(/`([a-z]+(?:_[a-z]+)+)`/g, (_, name: string) => `\`${camel(name)}\``);
}

/** A name in the form the core has. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
