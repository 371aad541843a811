// How an orchestrator is made. The functions among its options stay here and serve every task that brings none of its own.

import { managerNumber } from "../auth/choice.js";
import type { AuthManager } from "../auth/manager.js";
import { invalid, isObject } from "../invalid.js";
import type { Options } from "../option-types.js";
import { parts } from "../options.js";
import type {
  Adaptive,
  Budget,
  Circuit,
  Hedge,
  MemoryLimit,
  Pool,
  RateLimit,
  RetryPolicy,
  Shedding,
} from "./limits.js";
import { inSnake, named, settings } from "./spelling.js";

/**
 * Options for a task. All but those that belong to one program from its start to its end: a task may be started more than once, and
 * what ends it is the call's `signal`.
 */
export type TaskOptions = Omit<Options, (typeof NOT_FOR_TASKS)[number]>;

const NOT_FOR_TASKS = [
  "signal",
  "abortController",
  "stderr",
  "sessionStore",
  "sessionStoreFlush",
  "loadTimeoutMs",
] as const satisfies (keyof Options)[];

/** What is different when a task falls back to something else that may do the same work. */
export interface Candidate {
  /** The model, in place of that of the task. */
  model?: string;
  /** Variables for the program, beside or in place of those of the task: a credential, the address of a provider. */
  env?: Record<string, string>;
  /** Who gives the program its credential, in place of what the task says. Limits count it by its fingerprint. */
  auth?: AuthManager;
  /** A name for the credential in `env`, by which limits count it. */
  credential?: string;
  /** A name for the provider in `env`, by which limits count it. */
  provider?: string;
}

/** How an orchestrator is made. What is left out has its default, `null` turns a limit off. */
export interface OrchestratorConfig {
  /** How many tasks run at a time, over all calls; 1 or more. Default 5. */
  maxConcurrent?: number;
  /**
   * How many may wait to be let in; one more is refused as `overloaded`. A call takes no more tasks than may run at a time, so this is met
   * only by many calls at once. Default 1000.
   */
  maxWaiting?: number;
  /** How many programs may be starting at the same time: let in, and not yet ready. Default: no limit of its own. */
  maxStarting?: number | null;
  /** How much memory must be left for another program to start. Default: nobody looks. */
  memory?: MemoryLimit | null;
  /** Lets the number of places follow what the API says. Default: it stays `maxConcurrent`. */
  adaptive?: Adaptive | null;
  /** Refuses tasks of the class `sheddable` when everybody waits for too long. Default: they wait like all others. */
  shedding?: Shedding | null;
  /**
   * Starts a second attempt beside one whose first token is late, for tasks that may run twice: those that are `idempotent`, and those whose
   * `tools` are given and only read. Default: never.
   */
  hedge?: Hedge | null;
  /** How often tasks may start. Default 60 a minute and 1000 an hour for each provider, credential and model. */
  rateLimit?: RateLimit | null;
  /** When to stop asking somebody who fails. Default: after 5 failures in a row, for a minute. */
  circuitBreaker?: Circuit | null;
  /**
   * How much may be spent. With one, every run is capped: by its own `maxBudgetUsd`, else by `runUsd`, else by a tenth of the smallest
   * limit. Default: no limit.
   */
  budget?: Budget | null;
  /** What is tried again, how often and when. */
  retry?: RetryPolicy;
  /** How long a task may take that has no time of its own, from being taken up to its outcome, in milliseconds. Default 300 000. */
  timeoutMs?: number;
  /** The options of tasks that bring none. Those of a task go over them; of maps (`env`, `hooks`, `mcpServers`) each entry for itself. */
  options?: TaskOptions;
  /** What a task falls back to, one after the other, when it fails and something else may do better; at most 5. Default: nothing. */
  fallbacks?: Candidate[];
  /** Keeps programs ready for tasks, started before there is a prompt. Default: none. */
  pool?: Pool | null;
  /**
   * How long the tasks of one call wait at most for the first of them with the same options: until the model begins to answer that one, so
   * that the others find their common beginning in the cache of the API. In milliseconds. Default: they do not wait.
   */
  prefixWaitMs?: number | null;
}

const names = {
  ...named("maxConcurrent", "maxWaiting", "maxStarting", "timeoutMs", "options", "fallbacks", "prefixWaitMs"),
  ...settings,
};
const candidate = named("model", "env", "auth", "credential", "provider");

/** The configuration as the core has it. Throws `InvalidOptionsError`. */
export function configWire(config: OrchestratorConfig): object {
  if (!isObject(config)) throw invalid("config", "expected an object");
  const { options, fallbacks, ...rest } = config;
  const wire = inSnake(rest, names, "");
  if (options !== undefined) wire["options"] = taskParts(options, {}, "options").wire;
  if (fallbacks === undefined) return wire;
  if (!Array.isArray(fallbacks)) throw invalid("fallbacks", "expected a list");
  wire["fallbacks"] = fallbacks.map((one, index) => {
    const fallback = inSnake(one, candidate, `fallbacks[${index}]`);
    if (fallback["auth"] === undefined) return fallback;
    return { ...fallback, auth: managerNumber(one.auth, `fallbacks[${index}].auth`, "an AuthManager") };
  });
  return wire;
}

/** The options of a task in their parts; the functions are those of the task over those of its orchestrator. */
export function taskParts(
  options: TaskOptions,
  base: TaskOptions,
  path = "task.options",
): ReturnType<typeof parts> {
  if (!isObject(options)) throw invalid(path, "expected an object");
  for (const name of NOT_FOR_TASKS)
    if ((options as Options)[name] !== undefined)
      throw invalid(`${path}.${name}`, "not for tasks of an orchestrator; open a Session or query for it");
  const { canUseTool, onElicitation, onUserDialog, hooks, mcpServers } = base;
  const inherited = { canUseTool, onElicitation, onUserDialog };
  const given = Object.entries(inherited).filter(([, value]) => value !== undefined);
  return parts({
    ...Object.fromEntries(given),
    ...options,
    ...((hooks || options.hooks) && { hooks: { ...hooks, ...options.hooks } }),
    ...servers(options.mcpServers, mcpServers),
  });
}

/** The servers of a task with those of this process its orchestrator has; the core adds the others. */
function servers(own: TaskOptions["mcpServers"], base: TaskOptions["mcpServers"]): TaskOptions {
  if (typeof own === "string") return {};
  const ours = Object.entries(isObject(base) ? base : {}).filter(([, server]) => server.type === "sdk");
  return ours.length === 0 ? {} : { mcpServers: { ...Object.fromEntries(ours), ...own } };
}
