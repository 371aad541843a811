// Names of models. Any name is passed on to the program as it is; this only helps with typing errors.

import { calculate } from "./agents/agents.js";
import type { ModelInfo } from "./controls.js";

/** What is known of the name of a model. */
export interface ModelSuggestions {
  /** Whether it can be that of a model. A full name is not looked up: newer ones must pass. */
  known: boolean;
  /** What may have been meant, the likeliest first. */
  suggestions: string[];
}

/**
 * Looks a name up.
 *
 * @param models Those of the program, from `supportedModels()`. Default: the aliases that are always there.
 * @example
 * const { known, suggestions } = suggestModels("sonet");
 * if (!known) console.warn(`did you mean ${suggestions[0]}?`); // sonnet
 */
export function suggestModels(model: string, models?: readonly (ModelInfo | string)[]): ModelSuggestions {
  return calculate("suggest_models", { model, models });
}
