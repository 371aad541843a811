// The step `invoke` for agents, models and presets of options, and the field `through`, through the public interface.

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
  withAgents,
  withHaiku,
  withModel,
  withOpus,
  withSonnet,
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

const builder = ({ name, agent = {}, examples = [] }) =>
  Object.entries(agent)
    .reduce(
      (builder, [field, value]) =>
        steps.includes(field) ? builder[field](value) : builder.field(field, value),
      new AgentBuilder(name),
    )
    .examples(examples);

/** Functions that add to options. */
const functions = {
  with_opus: (options) => withOpus(options),
  with_sonnet: (options) => withSonnet(options),
  with_haiku: (options) => withHaiku(options),
  with_model: (options, { model, fallback }) => withModel(options ?? {}, model, fallback),
  with_agents: (options, { presets = [], built = [] }) => {
    const named = agentPresets().filter(({ name }) => presets === true || presets.includes(name));
    return withAgents(options ?? {}, [...named, ...built.map(builder)]);
  },
};

/** Options that went through each of these: `[{"with_opus": {}}, ...]`. */
export const through = (options, given = []) =>
  given.flatMap(Object.entries).reduce((before, [name, more]) => functions[name](before, more), options);

const invoked = ([name, put]) => [
  name,
  ({ options, ...given }) => core(put(options && official(options), given)),
];

/** What each gives in the form in which it crosses. */
export const specialists = {
  agent_presets: ({ family }) => agentPresets(family),
  build_agent: (said) => builder(said).build(),
  validate_agents: ({ agents, tools }) => ({ warnings: validateAgents(agents, { tools }) }),
  merge_agents: ({ agents, over }) => mergeAgents(agents, over),
  load_agents: (place, config) => loadAgents({ ...config, ...camelKeys(place) }),
  save_agent: async ({ preset, ...said }, config) => {
    const { family: _, ...chosen } = agentPresets().find(({ name }) => name === preset) ?? {};
    const { name, agent, ...place } = { ...chosen, ...said };
    return { path: await saveAgent(name, agent, { ...config, ...camelKeys(place) }) };
  },
  agent_to_markdown: ({ name, agent }) => ({ text: agentToMarkdown(name, agent) }),
  agent_from_markdown: ({ text }) => agentFromMarkdown(text),
  option_presets: () => optionPresets(),
  option_preset: ({ name, over = {} }) => core(optionPreset(name, official(over))),
  suggest_models: ({ model, models }) => suggestModels(model, models),
  ...Object.fromEntries(Object.entries(functions).map(invoked)),
};

/** An error of these: names of options are those of this package, those in an agent the program's in every language. */
export const spokenOfAgents = (name) =>
  name in specialists && name !== "option_preset" && !(name in functions);
