// How the names of a scenario, which are those of the core and of the program, become those of this package.

import { matches } from "./match.mjs";

/** `set_model` as `setModel`. */
export const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
/** `setModel` as `set_model`. */
export const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The same for all keys, at every depth. */
export const camelKeys = (value) => renamed(value, camel);
export const snakeKeys = (value) => renamed(value, snake);

function renamed(value, rename) {
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [rename(key), renamed(inner, rename)]),
  );
}

/** Options whose value has names of ours in it, not of the program or its user. */
const nested = ["timeouts", "limits", "thinking", "plugins", "tool_config", "system_prompt"];

/** The core's options in the words of this package. */
export function official({ add_dirs, append_system_prompt, cli_path, ...rest }) {
  const options = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      camel(name),
      nested.includes(name) ? camelKeys(value) : value,
    ]),
  );
  if (add_dirs) options.additionalDirectories = add_dirs;
  if (cli_path) options.pathToClaudeCodeExecutable = cli_path;
  if (append_system_prompt) {
    const prompt = options.systemPrompt ?? { type: "preset", preset: "claude_code" };
    const whole = typeof prompt === "string" ? { type: "custom", prompt } : prompt;
    options.systemPrompt = { ...whole, append: append_system_prompt };
  }
  return options;
}

/** Options of this package in the words of the core. */
export function core(options) {
  const special = { additionalDirectories: "add_dirs", pathToClaudeCodeExecutable: "cli_path" };
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const theirs = special[name] ?? snake(name);
      return [theirs, nested.includes(theirs) ? snakeKeys(value) : value];
    }),
  );
}

/** What is said about an option, in the words of this package. */
export function respelled(error) {
  const special = {
    add_dirs: "additionalDirectories",
    append_system_prompt: "systemPrompt.append",
    cli_path: "pathToClaudeCodeExecutable",
  };
  // Where options are not what it is about, only those that are named with their path.
  const names = error.code === "invalid_options" ? /\w+/g : /\b(timeouts|limits)\.\w+/g;
  const respell = (value) => {
    if (typeof value === "string") return value.replace(names, (name) => special[name] ?? camel(name));
    if (Array.isArray(value)) return value.map(respell);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, key === "code" ? inner : respell(inner)]),
    );
  };
  return respell(error);
}

/** What is said about an argument, in the words of the core. */
export function argumentsInSnake({ message, context = {}, ...error }) {
  const field = typeof context.field === "string" ? { field: snake(context.field) } : {};
  const words = message.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, snake);
  return { ...error, message: words, context: { ...context, ...field } };
}

/** Methods whose name is not that of the core in another case. */
const methods = { get_mcp_status: "mcpServerStatus", mcp_status: "mcpServerStatus" };
/** What is a function of its own elsewhere has the store as an option here. */
const inStore = /_(from|via)_store$/;
/** How many arguments stand by themselves; what follows is one object. All others stand by themselves. */
const positional = {
  get_context_usage: 0,
  get_usage: 0,
  interrupt: 0,
  rewind_files: 1,
  read_file: 1,
  generate_session_title: 1,
  reload_plugins: 0,
  set_tools: 2,
  list_sessions: 0,
  get_session_info: 1,
  get_session_messages: 1,
  list_subagents: 1,
  get_subagent_messages: 2,
  tag_session: 2,
  delete_session: 1,
  archive_session: 1,
  unarchive_session: 1,
  fork_session: 1,
  rename_session: 2,
  import_session_to_store: 1,
  project_key: 1,
};

/** The method, its arguments, and what its outcome says in the program's words. */
export function called(name, given) {
  const entries = Object.entries(given);
  const plain = name.replace(inStore, "");
  const by = positional[plain] ?? entries.length;
  const rest = entries.slice(by).map(([key, value]) => [camel(key), value]);
  const args = entries.slice(0, by).map(([, value]) => value);
  if (rest.length > 0) args.push(Object.fromEntries(rest));
  return { method: methods[plain] ?? camel(plain), args };
}

/** Whether a reply is what is expected. Where the program answers with one field, a method may give that field's value. */
export function replies(pattern, value) {
  if (matches(pattern, value)) return true;
  const keys = typeof pattern === "object" && pattern !== null ? Object.keys(pattern) : [];
  return keys.length === 1 && matches(pattern, { [keys[0]]: value });
}
