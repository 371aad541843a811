// Options: the official names outside, the core's names on the wire, and the one table that says which is which. What is
// not in the table is refused by name, so that a typing error never passes as a default.

import { fromWire, MadrigalError } from "./errors.js";
import { invalid, isObject } from "./invalid.js";
import type { Options } from "./option-types.js";
import { type Provided, provided } from "./provided.js";

/** What stays in JavaScript. */
export interface HostOptions {
  provided: Provided;
  stderr: Options["stderr"];
  signals: AbortSignal[];
}

type Wire = Record<string, unknown>;
type Table = { [name: string]: string | Table };

/** Options whose name in the core is the same in snake_case. */
const plain = [
  "model",
  "fallbackModel",
  "betas",
  "thinking",
  "maxThinkingTokens",
  "effort",
  "taskBudget",
  "outputFormat",
  "systemPrompt",
  "planModeInstructions",
  "title",
  "tools",
  "allowedTools",
  "disallowedTools",
  "toolAliases",
  "toolConfig",
  "skills",
  "permissionMode",
  "allowDangerouslySkipPermissions",
  "permissionPromptToolName",
  "permissionPrompts",
  "supportedDialogKinds",
  "agent",
  "agents",
  "enableAgentSwitching",
  "mcpServers",
  "strictMcpConfig",
  "plugins",
  "maxTurns",
  "maxBudgetUsd",
  "resume",
  "continue",
  "forkSession",
  "resumeSessionAt",
  "resumeDropsTurn",
  "sessionId",
  "sessionStoreFlush",
  "persistSession",
  "enableFileCheckpointing",
  "includePartialMessages",
  "includeHookEvents",
  "forwardSubagentText",
  "verbatimPrompts",
  "promptSuggestions",
  "agentProgressSummaries",
  "perTaskStopAffordance",
  "cwd",
  "user",
  "workspace",
  "projectConfigRoot",
  "settingSources",
  "settings",
  "managedSettings",
  "sandbox",
  "executable",
  "executableArgs",
  "env",
  "envMode",
  "envAllow",
  "traceContext",
  "clientApp",
  "debug",
  "debugFile",
  "extraArgs",
];

const table: Table = {
  ...snake(plain),
  additionalDirectories: "add_dirs",
  pathToClaudeCodeExecutable: "cli_path",
  timeouts: snake([
    "startMs",
    "controlMs",
    "firstTokenMs",
    "idleMs",
    "turnMs",
    "callbackMs",
    "storeMs",
    "stallMs",
    "stallAction",
    "stallResumes",
    "closeMs",
    "killMs",
  ]),
  limits: snake(["lineBytes", "bufferBytes", "hardBufferBytes"]),
};

/** The request of `open` and what stays here. Throws `InvalidOptionsError`. */
export function request(options: Options = {}): { text: string; host: HostOptions } {
  const { wire, beside, host } = parts(options);
  const text = JSON.stringify({ options: wire, stderr: Boolean(host.stderr), ...beside });
  return { text, host };
}

/** Options in the core's names, what the core is told beside them, and what stays here. Throws `InvalidOptionsError`. */
export function parts(options: Options): { wire: Wire; beside: object; host: HostOptions } {
  if (!isObject(options)) throw invalid("options", "expected an object");
  const { canUseTool, onElicitation, onUserDialog, hooks, mcpServers, sessionStore, auth, ...data } = options;
  const { stderr, abortController, signal, systemPrompt, env, loadTimeoutMs, ...plain } = data;
  for (const [name, value] of Object.entries({ canUseTool, onElicitation, onUserDialog, stderr }))
    expect(name, value, "a function", typeof value === "function");
  expect("signal", signal, "an AbortSignal", signal instanceof AbortSignal);
  expect(
    "abortController",
    abortController,
    "an AbortController",
    abortController?.signal instanceof AbortSignal,
  );
  const host = provided({ canUseTool, onElicitation, onUserDialog, hooks, mcpServers, sessionStore, auth });
  if (loadTimeoutMs !== undefined && (plain.timeouts === undefined || isObject(plain.timeouts)))
    plain.timeouts = { storeMs: loadTimeoutMs, ...plain.timeouts };
  const wire: Wire = translate({ ...plain, mcpServers: host.mcpServers }, table, "");
  Object.assign(wire, systemPromptOf(systemPrompt), environment(env));
  const signals = [signal, abortController?.signal].filter((one) => one !== undefined);
  return { wire, beside: host.wire, host: { provided: host.provided, stderr, signals } };
}

/** Options that are functions or objects of this process, of which the core has another name or none. */
const hosted = [
  "canUseTool",
  "onElicitation",
  "onUserDialog",
  "hooks",
  "sessionStore",
  "loadTimeoutMs",
  "auth",
  "stderr",
  "abortController",
  "signal",
];

/** The name the core has for an option. Throws `InvalidOptionsError` for one that is none. */
export function coreName(option: string): string {
  const known = Object.hasOwn(table, option) ? table[option] : undefined;
  if (typeof known === "string") return known;
  if (known === undefined && !hosted.includes(option)) throw invalid(option, unknownOption(table));
  return option;
}

const unknownOption = (names: Table) => `unknown option; known are ${Object.keys(names).sort().join(", ")}`;

/** An error of the core, with the options it speaks of in the words of this package. */
export function respell(error: unknown): unknown {
  if (!(error instanceof MadrigalError)) return error;
  const wire = error.toJSON();
  const field = wire.context?.["field"];
  const text = wire.message ?? "";
  const starts = typeof field === "string" && text.startsWith(field);
  const message = starts ? respelled(field) + reworded(text.slice(field.length)) : reworded(text);
  if (typeof field !== "string") return message === text ? error : fromWire({ ...wire, message });
  return fromWire({ ...wire, message, context: { ...wire.context, field: respelled(field) } });
}

/** Options and methods of a session store in a text. */
function reworded(text: string): string {
  return text
    .replace(/\b(?:timeouts|limits)\.[a-z_]+/g, respelled)
    .replace(/`(list_[a-z_]+)`/g, (_, name: string) => `\`${camel(name)}\``);
}

/** The path of an option in the names of this package. */
export function respelled(path: string): string {
  const steps = path.replace(/^options\./, "").split(".");
  let level: Table | undefined = table;
  return steps
    .map((step) => {
      const [, name = step, index = ""] = /^([^[]*)(.*)$/.exec(step) ?? [];
      if (name === "append_system_prompt") return "systemPrompt.append";
      if (name === "session_store") return "sessionStore";
      const here: Table | undefined = level;
      const ours = Object.keys(here ?? {}).find((key) => here?.[key] === name || key === name);
      const below = ours === undefined ? undefined : here?.[ours];
      level = typeof below === "object" ? below : undefined;
      return (ours ?? name) + index;
    })
    .join(".");
}

function translate(values: object, names: Table, prefix: string): Wire {
  const wire: Wire = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const known = Object.hasOwn(names, name) ? names[name] : undefined;
    const path = prefix + name;
    if (known === undefined) throw invalid(path, unknownOption(names));
    if (typeof known === "string") wire[known] = value;
    else if (isObject(value)) wire[name] = translate(value, known, `${path}.`);
    else throw invalid(path, "expected an object");
  }
  return wire;
}

/** What is added to the prompt is an option of its own in the core. */
function systemPromptOf(value: Options["systemPrompt"]): Wire {
  if (!isObject(value) || !("type" in value)) return value === undefined ? {} : { system_prompt: value };
  const { append, ...prompt } = { append: undefined, ...value };
  const added = append === undefined ? {} : { append_system_prompt: append };
  if (prompt.type === "preset" && prompt.preset === "claude_code" && Object.keys(prompt).length === 2)
    return added;
  if (prompt.type === "custom" && Object.keys(prompt).length === 2)
    return { system_prompt: prompt.prompt, ...added };
  return { system_prompt: prompt, ...added };
}

function environment(env: Options["env"]): Wire {
  if (env === undefined) return {};
  if (!isObject(env)) throw invalid("env", "expected an object");
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined && process.env[name] !== undefined)
      throw invalid(
        `env.${name}`,
        "an inherited variable cannot be removed; give it another value, such as an empty one",
      );
  }
  return { env };
}

function expect(name: string, value: unknown, what: string, fits: boolean): void {
  if (value !== undefined && !fits) throw invalid(name, `expected ${what}`);
}

/** A name of the core in the way this package writes names. */
export const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function snake(names: string[]): Table {
  return Object.fromEntries(
    names.map((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
  );
}
