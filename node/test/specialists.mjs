// The step `invoke` for agents, models and presets of options, through the public interface.

import {
  AgentBuilder,
  agentFromMarkdown,
  agentPresets,
  agentToMarkdown,
  loadAgents,
  mergeAgents,
  optionPreset,
  optionPresets,
  saveAgent,
  suggestModels,
  validateAgents,
} from "madrigal";
import { camelKeys, core, official } from "./names.mjs";

const steps = [
  "description",
  "prompt",
  "tools",
  "disallowedTools",
  "model",
  "effort",
  "maxTurns",
  "skills",
  "mcpServers",
];

/** What each gives in the form in which it crosses. */
export const specialists = {
  agent_presets: ({ family }) => agentPresets(family),
  build_agent: ({ name, agent = {}, examples = [] }) =>
    Object.entries(agent)
      .reduce(
        (builder, [field, value]) =>
          steps.includes(field) ? builder[field](value) : builder.field(field, value),
        new AgentBuilder(name),
      )
      .examples(examples)
      .build(),
  validate_agents: ({ agents, tools }) => ({ warnings: validateAgents(agents, { tools }) }),
  merge_agents: ({ agents, over }) => mergeAgents(agents, over),
  load_agents: (place, config) => loadAgents({ ...config, ...camelKeys(place) }),
  save_agent: async ({ name, agent, ...place }, config) => ({
    path: await saveAgent(name, agent, { ...config, ...camelKeys(place) }),
  }),
  agent_to_markdown: ({ name, agent }) => ({ text: agentToMarkdown(name, agent) }),
  agent_from_markdown: ({ text }) => agentFromMarkdown(text),
  option_presets: () => optionPresets(),
  option_preset: ({ name, over = {} }) => core(optionPreset(name, official(over))),
  suggest_models: ({ model, models }) => suggestModels(model, models),
};

/** An error of these: names of options are those of this package, those in an agent the program's in every language. */
export const spokenOfAgents = (name) => name in specialists && name !== "option_preset";
