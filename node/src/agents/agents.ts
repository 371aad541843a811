// Agents as data: those that are ready, checks, one over the other, and the text of their files. All of it is done in the engine; the
// names in an agent are those of the program.

import { native } from "../errors.js";
import { invokeNow } from "../native.js";
import type { AgentDefinition } from "../option-types.js";

/** Agents by name, as in the option `agents`. */
export type Agents = Record<string, AgentDefinition>;

/** An agent and its name. */
export interface NamedAgent {
  name: string;
  agent: AgentDefinition;
}

/** The families of {@link agentPresets}. */
export type AgentFamily = "security" | "code_quality" | "testing" | "documentation" | "operations";

/** An agent that is ready to use. */
export interface AgentPreset extends NamedAgent {
  family: AgentFamily;
}

/** Something about an agent that works but is probably not meant. */
export interface AgentWarning {
  /** The name of the agent. */
  agent: string;
  /** The field, such as `tools[1]`. */
  field: string;
  /** What is strange, and what may be meant. */
  message: string;
  /** Names that may be meant, the best first. */
  suggestions: string[];
}

/** What is changed of an agent; `null` takes a field away. */
export type AgentChanges = { [F in keyof AgentDefinition]?: AgentDefinition[F] | null };

/** Carries out work that only calculates. */
export function calculate<T>(operation: string, fields: object): T {
  return JSON.parse(native(() => invokeNow(JSON.stringify({ operation, ...fields }))));
}

/**
 * Agents that are ready to use: those of a family, or all. Throws `InvalidArgumentError` when there is no such family.
 *
 * @example
 * for (const { name, family, agent } of agentPresets()) console.log(`${family}/${name}: ${agent.description}`);
 * const options = withAgents({ model: "sonnet" }, agentPresets("security"));
 */
export function agentPresets(family?: AgentFamily): AgentPreset[] {
  return calculate("agent_presets", { family });
}

/**
 * Checks agents as a session does before it starts, and gives warnings besides: of tools and models that do not exist, and of fields
 * the program does not have.
 *
 * Throws `InvalidOptionsError` with the path of the first field that is wrong (`agents.reviewer.prompt`); of several, `context.problems` has all.
 *
 * @param options `tools`: the names that exist. Default: the built-in ones.
 * @example
 * const reviewer = { description: "Reviews", prompt: "Review.", tools: ["Grpe"] };
 * for (const { agent, field, message } of validateAgents({ reviewer })) console.warn(`${agent}.${field}: ${message}`);
 */
export function validateAgents(agents: Agents, options: { tools?: string[] } = {}): AgentWarning[] {
  const { tools } = options;
  return calculate<{ warnings: AgentWarning[] }>("validate_agents", { agents, tools }).warnings;
}

/**
 * Lays agents over others: of an agent that is in both, the fields of `over` win and those it lacks stay; `null` takes a field away.
 *
 * @example
 * const agents = { reviewer: { description: "Reviews", prompt: "Review.", model: "opus" } };
 * const cheaper = mergeAgents(agents, { reviewer: { model: "haiku" } });
 */
export function mergeAgents(agents: Agents, over: Record<string, AgentChanges>): Agents {
  return calculate("merge_agents", { agents, over });
}

/** The text of a file for an agent, as the program has it in `.claude/agents`. Throws `InvalidOptionsError` when the agent cannot work. */
export function agentToMarkdown(name: string, agent: AgentDefinition): string {
  return calculate<{ text: string }>("agent_to_markdown", { name, agent }).text;
}

/**
 * The agent in the text of such a file. Throws when there is none in it, saying why.
 *
 * @example
 * const { name, agent } = agentFromMarkdown("---\nname: greeter\ndescription: Greets\n---\nGreet.");
 */
export function agentFromMarkdown(text: string): NamedAgent {
  return calculate("agent_from_markdown", { text });
}
