// Agents in the files of the program, `.claude/agents/*.md`: those of a repository, and those of the user.

import { native, promised } from "../errors.js";
import { invoke } from "../native.js";
import type { AgentDefinition } from "../option-types.js";
import type { NamedAgent } from "./agents.js";

/** Where agents are. `scope` and `directory` exclude each other. */
export interface AgentPlace {
  /**
   * Those of the `project` (`.claude/agents` in the working directory and, in a git repository, in the directories above it up to its
   * root), or those of the `user`. Default `project`.
   */
  scope?: "project" | "user";
  /** This directory instead. */
  directory?: string;
  /** The working directory of the project. Default: that of this process. */
  cwd?: string;
  /** The folder of the user's configuration, in place of `CLAUDE_CONFIG_DIR` and `~/.claude`. */
  configDir?: string;
}

/** An agent in a file. */
export interface AgentFile extends NamedAgent {
  path: string;
}

/** What was found. */
export interface LoadedAgents {
  /** The agents by name. Of two with one name, the nearer to the working directory. */
  agents: AgentFile[];
  /** Files that hold none, and why. */
  errors: { path: string; message: string }[];
}

/**
 * Reads agents. A directory that is not there has none; a file that cannot be read is among the `errors`, and the others are read.
 *
 * @example
 * const { agents, errors } = await loadAgents({ scope: "user" });
 * query({ prompt: "Review", options: withAgents({}, agents) });
 */
export function loadAgents(place: AgentPlace = {}): Promise<LoadedAgents> {
  return carryOut("load_agents", place);
}

/**
 * Writes an agent to a file, whole or not at all. Gives its path. Rejects with `InvalidOptionsError` when the agent cannot work or its
 * name cannot be that of a file, and with `InvalidArgumentError` when the agent is there already.
 *
 * @param options `overwrite`: replaces the agent that is there. Default: no.
 * @example
 * const { name, agent } = new AgentBuilder("greeter").prompt("Greet.").build();
 * const path = await saveAgent(name, agent, { scope: "project", overwrite: true });
 */
export async function saveAgent(
  name: string,
  agent: AgentDefinition,
  options: AgentPlace & { overwrite?: boolean } = {},
): Promise<string> {
  const { overwrite, ...place } = options;
  const saved = await carryOut<{ path: string }>("save_agent", place, { name, agent, overwrite });
  return saved.path;
}

async function carryOut<T>(operation: string, place: AgentPlace, fields: object = {}): Promise<T> {
  // The environment of a worker is its own: the native half would not see what was set there.
  const { configDir = process.env["CLAUDE_CONFIG_DIR"], ...rest } = place;
  const request = JSON.stringify({ operation, ...rest, config_dir: configDir, ...fields });
  return JSON.parse(await promised(native(() => invoke(request))));
}
