// An agent, made step by step.

import type { AgentDefinition, AgentMcpServerSpec } from "../option-types.js";
import { calculate, type NamedAgent } from "./agents.js";

/** An example of what an agent is asked and what it answers. */
export type AgentExample = string | { input: string; output: string };

/**
 * Makes an agent step by step. Each step gives a builder of its own, so one can be the beginning of several.
 *
 * What is not said stays out and is then the program's choice. Only a description and a prompt must be there: by default they are
 * "Custom agent: NAME" and "You are a helpful assistant.".
 *
 * @example
 * const reviewer = new AgentBuilder("sql_reviewer")
 *   .description("Reviews SQL; use it for every migration")
 *   .prompt("You review SQL for locks and missing indexes.")
 *   .tools(["Read", "Grep"])
 *   .model("haiku");
 * query({ prompt: "Review the last migration", options: withAgents({}, [reviewer]) });
 */
export class AgentBuilder {
  readonly #name: string;
  readonly #agent: Partial<AgentDefinition>;
  readonly #examples: readonly AgentExample[];

  /** Begins with a name, and what is known of the agent already, such as that of a preset. */
  constructor(name: string, agent: Partial<AgentDefinition> = {}, examples: readonly AgentExample[] = []) {
    this.#name = name;
    this.#agent = agent;
    this.#examples = examples;
  }

  /** When to use it: what the model that chooses among agents reads. */
  description(description: string): AgentBuilder {
    return this.field("description", description);
  }

  /** Its system prompt. */
  prompt(prompt: string): AgentBuilder {
    return this.field("prompt", prompt);
  }

  /** The tools it has. Default: all of the conversation. */
  tools(tools: string[]): AgentBuilder {
    return this.field("tools", tools);
  }

  /** Tools it does not have. */
  disallowedTools(tools: string[]): AgentBuilder {
    return this.field("disallowedTools", tools);
  }

  /** Its model: an alias, a full name, or `inherit`. Default: that of the conversation. */
  model(model: string): AgentBuilder {
    return this.field("model", model);
  }

  /** How much effort goes into its answers. */
  effort(effort: NonNullable<AgentDefinition["effort"]>): AgentBuilder {
    return this.field("effort", effort);
  }

  /** The most steps of the model; at least 1. */
  maxTurns(turns: number): AgentBuilder {
    return this.field("maxTurns", turns);
  }

  /** Skills it knows from the start. */
  skills(skills: string[]): AgentBuilder {
    return this.field("skills", skills);
  }

  /** Its MCP servers: names of the conversation's, or servers of its own. */
  mcpServers(servers: AgentMcpServerSpec[]): AgentBuilder {
    return this.field("mcpServers", servers);
  }

  /** Any other field, by the name the program has for it. */
  field<F extends keyof AgentDefinition>(field: F, value: AgentDefinition[F]): AgentBuilder {
    return new AgentBuilder(this.#name, { ...this.#agent, [field]: value }, this.#examples);
  }

  /** More examples. They stand behind the prompt, below a heading. */
  examples(examples: readonly AgentExample[]): AgentBuilder {
    return new AgentBuilder(this.#name, this.#agent, [...this.#examples, ...examples]);
  }

  /** The agent with its name. Throws `InvalidOptionsError` for what cannot work, with the path of the field. */
  build(): NamedAgent {
    return calculate("build_agent", { name: this.#name, agent: this.#agent, examples: this.#examples });
  }
}
