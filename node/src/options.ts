// Options: the official names outside, the core's names on the wire, and the one table that says which is which. What is
// not in the table is refused by name, so that a typing error never passes as a default.

import { fromWire, InvalidOptionsError, MadrigalError } from "./errors.js";
import type { PermissionMode } from "./messages.js";
import type { CanUseTool } from "./permission.js";

/** Limits of time, in milliseconds; `null` means no limit. */
export interface Timeouts {
  /** From the start of the program until it is ready. Default 60 000. */
  startMs?: number | null;
  /** For the answer to `interrupt`, `setModel` and their like. Default 60 000. */
  controlMs?: number | null;
  /** Silence of the program while a turn runs and no question is open. Default: none. */
  idleMs?: number | null;
  /** A whole turn. Default: none. */
  turnMs?: number | null;
  /** After a graceful close, until the program is terminated. Default 5 000. */
  closeMs?: number | null;
  /** From the request to terminate until everything is killed. Default 2 000. */
  killMs?: number;
}

/** Limits of memory, in bytes. */
export interface Limits {
  /** The longest line accepted from the program. Default 64 MiB. */
  lineBytes?: number;
  /** Unread messages at which reading the program pauses. Default 64 MiB. */
  bufferBytes?: number;
  /** Unread messages at which the session ends with `OverflowError`. Default 256 MiB. */
  hardBufferBytes?: number;
}

/** Everything a query or session can be told. All have defaults. */
export interface Options {
  /** The model: an alias (`sonnet`, `opus`, `haiku`) or a full name. Default: the program's own choice. */
  model?: string;
  /** Models to fall back to, separated by commas. */
  fallbackModel?: string;
  /** The working directory. Default: that of this process. */
  cwd?: string;
  /**
   * Variables *added* to the environment the program inherits. `{ ...process.env, NAME: "x" }` does what it does with
   * the official package; a variable of this process cannot be taken away, so `undefined` for one is refused.
   */
  env?: Record<string, string | undefined>;
  /** The `claude` program. Default: `MADRIGAL_CLI_PATH`, then `PATH`, then the usual places. */
  pathToClaudeCodeExecutable?: string;
  /** Replaces the system prompt (a text, or `custom`), keeps it (`preset`), and adds to it (`append`). */
  systemPrompt?:
    | string
    | { type: "preset"; preset: "claude_code"; append?: string }
    | { type: "custom"; prompt: string; append?: string };
  /** The built-in tools offered to the model; `[]` offers none. Default: all. */
  tools?: string[] | { type: "preset"; preset: "claude_code" };
  /** Permission rules for tools that may run without asking, such as `Bash(git log:*)`. */
  allowedTools?: string[];
  /** Permission rules for tools that are refused. */
  disallowedTools?: string[];
  /** How permissions are decided when no rule matches. */
  permissionMode?: PermissionMode;
  /** Stop after this many steps of the model. */
  maxTurns?: number;
  /** Stop when the process has cost this much, in US dollars. */
  maxBudgetUsd?: number;
  /** Continue the session with this id. */
  resume?: string;
  /** Continue the newest session of the working directory. */
  continue?: boolean;
  /** With `resume` or `continue`: under a new id. */
  forkSession?: boolean;
  /** The id of the new session, an unused UUID. */
  sessionId?: string;
  /** Directories beside `cwd` that tools may use. */
  additionalDirectories?: string[];
  /** Also deliver `stream_event` messages while the model writes. */
  includePartialMessages?: boolean;
  /** Which settings files are read; `[]` reads none. Default: the program's. */
  settingSources?: ("user" | "project" | "local")[];
  /** Flags there is no option for: name without dashes, and value or `null`. Visible in process lists. */
  extraArgs?: Record<string, string | null>;
  /** Limits of time. */
  timeouts?: Timeouts;
  /** Limits of memory. */
  limits?: Limits;
  /** Decides whether a tool may run. Without it, what would be asked is refused. */
  canUseTool?: CanUseTool;
  /** Ends the query when aborted; the iteration throws `AbortError`. */
  abortController?: AbortController;
  /** The same with a signal. */
  signal?: AbortSignal;
  /** Called with each line the program writes to stderr, without its line break. */
  stderr?: (line: string) => void;
}

/** What stays in JavaScript. */
export type HostOptions = Pick<Options, "canUseTool" | "stderr"> & { signals: AbortSignal[] };

type Wire = Record<string, unknown>;
type Table = { [name: string]: string | Table };

const table: Table = {
  model: "model",
  fallbackModel: "fallback_model",
  cwd: "cwd",
  env: "env",
  pathToClaudeCodeExecutable: "cli_path",
  systemPrompt: "system_prompt",
  tools: "tools",
  allowedTools: "allowed_tools",
  disallowedTools: "disallowed_tools",
  permissionMode: "permission_mode",
  maxTurns: "max_turns",
  maxBudgetUsd: "max_budget_usd",
  resume: "resume",
  continue: "continue",
  forkSession: "fork_session",
  sessionId: "session_id",
  additionalDirectories: "add_dirs",
  includePartialMessages: "include_partial_messages",
  settingSources: "setting_sources",
  extraArgs: "extra_args",
  timeouts: {
    startMs: "start_ms",
    controlMs: "control_ms",
    idleMs: "idle_ms",
    turnMs: "turn_ms",
    closeMs: "close_ms",
    killMs: "kill_ms",
  },
  limits: { lineBytes: "line_bytes", bufferBytes: "buffer_bytes", hardBufferBytes: "hard_buffer_bytes" },
};

/** The request of `open` and what stays here. Throws `InvalidOptionsError`. */
export function request(options: Options = {}): { text: string; host: HostOptions } {
  if (!isObject(options)) throw invalid("options", "expected an object");
  const { canUseTool, stderr, abortController, signal, systemPrompt, tools, env, ...plain } = options;
  expect("canUseTool", canUseTool, "a function", isFunction(canUseTool));
  expect("stderr", stderr, "a function", isFunction(stderr));
  expect("signal", signal, "an AbortSignal", signal instanceof AbortSignal);
  expect(
    "abortController",
    abortController,
    "an AbortController",
    abortController?.signal instanceof AbortSignal,
  );
  const wire: Wire = translate(plain, table, "");
  Object.assign(wire, systemPromptOf(systemPrompt), toolsOf(tools), environment(env));
  const text = JSON.stringify({
    options: wire,
    asks: canUseTool ? ["can_use_tool"] : [],
    stderr: Boolean(stderr),
  });
  const signals = [signal, abortController?.signal].filter((one) => one !== undefined);
  return { text, host: { ...(canUseTool && { canUseTool }), ...(stderr && { stderr }), signals } };
}

/** An error of the core, with the options it speaks of in the words of this package. */
export function respell(error: unknown): unknown {
  if (!(error instanceof MadrigalError)) return error;
  const wire = error.toJSON();
  const field = wire.context?.["field"];
  let message = (wire.message ?? "").replace(/\b(?:timeouts|limits)\.[a-z_]+/g, respelled);
  if (typeof field !== "string") return message === wire.message ? error : fromWire({ ...wire, message });
  if (wire.message?.startsWith(field)) message = respelled(field) + wire.message.slice(field.length);
  return fromWire({ ...wire, message, context: { ...wire.context, field: respelled(field) } });
}

function respelled(path: string): string {
  const steps = path.replace(/^options\./, "").split(".");
  let level: Table | undefined = table;
  return steps
    .map((step) => {
      const [, name = step, index = ""] = /^([^[]*)(.*)$/.exec(step) ?? [];
      if (name === "append_system_prompt") return "systemPrompt.append";
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
    if (known === undefined)
      throw invalid(path, `unknown option; known are ${Object.keys(names).sort().join(", ")}`);
    if (typeof known === "string") wire[known] = value;
    else if (isObject(value)) wire[name] = translate(value, known, `${path}.`);
    else throw invalid(path, "expected an object");
  }
  return wire;
}

function systemPromptOf(value: Options["systemPrompt"]): Wire {
  if (value === undefined) return {};
  if (typeof value === "string") return { system_prompt: value };
  const { type, append, ...rest } = isObject(value) ? value : { type: undefined, append: undefined };
  const { prompt, preset, ...unknown }: { prompt?: string; preset?: string } = rest;
  if (type === "custom" ? prompt === undefined : type !== "preset" || preset !== "claude_code")
    throw invalid(
      "systemPrompt",
      'expected a string, { type: "preset", preset: "claude_code", append? } or { type: "custom", prompt, append? }',
    );
  for (const name of Object.keys(unknown)) throw invalid(`systemPrompt.${name}`, "unknown option");
  return {
    ...(prompt !== undefined && { system_prompt: prompt }),
    ...(append !== undefined && { append_system_prompt: append }),
  };
}

function toolsOf(value: Options["tools"]): Wire {
  if (value === undefined) return {};
  if (Array.isArray(value)) return { tools: value };
  if (!isObject(value) || value.type !== "preset" || value.preset !== "claude_code")
    throw invalid("tools", 'expected a list of names or { type: "preset", preset: "claude_code" }');
  return {};
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

function invalid(field: string, problem: string): MadrigalError {
  return new InvalidOptionsError({
    code: "invalid_options",
    message: `${field}: ${problem}`,
    operation: "open",
    context: { field },
  });
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isObject<T>(value: T): value is T & object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
