// Options for a model or a purpose, and steps that add to options. The presets are those of the engine, the same in every language; nothing
// here can be said only this way.

import { type Agents, calculate, type NamedAgent } from "./agents/agents.js";
import { AgentBuilder } from "./agents/builder.js";
import type { AgentDefinition, Options } from "./option-types.js";
import { coreName, parts, respell, respelled } from "./options.js";

/** The names of presets: eight purposes, one turn (`quick`), and models. */
export type OptionPreset =
  | "development"
  | "staging"
  | "production"
  | "analysis"
  | "chat"
  | "documentation"
  | "testing"
  | "sandboxed"
  | "quick"
  | "opus"
  | "sonnet"
  | "haiku";

/** Options over those of a preset; `null` takes one away. */
export type OptionChanges = { [O in keyof Options]?: Options[O] | null };

/** The names of the presets. */
export function optionPresets(): OptionPreset[] {
  return calculate("option_presets", {});
}

/**
 * The options of a preset, with those of `over` in their place. They count as a whole: lists and objects are replaced, not joined.
 *
 * Throws `InvalidArgumentError` when there is no such preset, `InvalidOptionsError` when the options together cannot work.
 *
 * @example
 * const options = optionPreset("development", { maxTurns: 20, cwd: "/srv/app" });
 * const careful = optionPreset("production", { model: "opus" });
 */
export function optionPreset(name: OptionPreset, over: OptionChanges = {}): Options {
  const entries = Object.entries(over);
  const taken = entries.filter(([, value]) => value === null).map(([option]) => option);
  const given = Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
  const without = Object.fromEntries(taken.map((option) => [coreName(option), null]));
  try {
    // Checked with what comes over it; what stays in this process is put back in.
    calculate("option_preset", { name, over: { ...parts(given).wire, ...without } });
    const options = calculate<object>("option_preset", { name, over: without });
    const ours = Object.entries(options).map(([option, value]) => [respelled(option), value]);
    return { ...Object.fromEntries(ours), ...given };
  } catch (error) {
    throw respell(error);
  }
}

/**
 * Options with the most able model and, where it is overloaded or unknown, Sonnet; at most 10 steps where the options say nothing else.
 *
 * @example
 * query({ prompt: "Why does this deadlock?", options: withOpus({ cwd: "/srv/app" }) });
 */
export function withOpus(options: Options = {}): Options {
  return onModel("opus", options);
}

/** Options with the balanced model; at most 5 steps where they say nothing else. */
export function withSonnet(options: Options = {}): Options {
  return onModel("sonnet", options);
}

/** Options with the quickest model; at most 3 steps where they say nothing else. */
export function withHaiku(options: Options = {}): Options {
  return onModel("haiku", options);
}

/**
 * Options with this model, by an alias or its full name.
 *
 * @param fallback What to use when it is overloaded or unknown: a name, or several in order. Default: what the options say.
 * @example
 * withModel({ maxTurns: 3 }, "opus", ["sonnet", "haiku"]);
 */
export function withModel(options: Options, model: string, fallback?: string | readonly string[]): Options {
  if (fallback === undefined) return { ...options, model };
  return { ...options, model, fallbackModel: typeof fallback === "string" ? fallback : fallback.join(",") };
}

/** Options with one more agent; one with this name is replaced. */
export function withAgent(options: Options, name: string, agent: AgentDefinition): Options {
  return withAgents(options, { [name]: agent });
}

/**
 * Options with more agents, beside those that are there: by name, or a list of builders, presets or what was loaded. Throws
 * `InvalidOptionsError` for a builder whose agent cannot work.
 *
 * @example
 * const greeter = new AgentBuilder("greeter").prompt("Greet.");
 * withAgents({ model: "sonnet" }, [greeter, ...agentPresets("security")]);
 */
export function withAgents(options: Options, agents: Agents | Iterable<AgentBuilder | NamedAgent>): Options {
  return { ...options, agents: { ...options.agents, ...byName(agents) } };
}

function byName(agents: Agents | Iterable<AgentBuilder | NamedAgent>): Agents {
  if (!isIterable(agents)) return agents;
  const named = [...agents].map((one) => (one instanceof AgentBuilder ? one.build() : one));
  return Object.fromEntries(named.map(({ name, agent }) => [name, agent]));
}

function isIterable(
  agents: Agents | Iterable<AgentBuilder | NamedAgent>,
): agents is Iterable<AgentBuilder | NamedAgent> {
  return typeof (agents as Iterable<NamedAgent>)[Symbol.iterator] === "function";
}

/** What falls back to another model with one may be that model with the other, so it does not stay. */
function onModel(name: OptionPreset, options: Options): Options {
  const { fallbackModel: _, ...rest } = options;
  const { maxTurns, ...preset } = optionPreset(name);
  return { ...(maxTurns !== undefined && { maxTurns }), ...rest, ...preset };
}
