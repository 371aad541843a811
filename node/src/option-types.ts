// What a query or session can be told, under the official names. How these become the core's options is in `options.ts`.

import type { Auth } from "./auth/choice.js";
import type { OnElicitation, OnUserDialog } from "./elicitation.js";
import type { Hooks } from "./hooks.js";
import type { McpServerConfig, McpServerConfigForProcessTransport } from "./mcp.js";
import type { EffortLevel, PermissionMode } from "./messages.js";
import type { CanUseTool } from "./permission.js";
import type { SandboxSettings } from "./sandbox.js";
import type { SessionStore, SessionStoreFlush } from "./session-store.js";

/** Limits of time, in milliseconds; `null` means no limit. */
export interface Timeouts {
  /** From the start of the program until it is ready. Default 60 000. */
  startMs?: number | null;
  /** For the answer to `interrupt`, `setModel` and their like. Default 60 000. */
  controlMs?: number | null;
  /** From the start of a turn to the first message of the model. Default: none. */
  firstTokenMs?: number | null;
  /** Silence of the program while a turn runs and no question is open. Default: none. */
  idleMs?: number | null;
  /** A whole turn. Default: none. */
  turnMs?: number | null;
  /** For the answer of a function of this process: a hook, a tool, a question. Default: none. */
  callbackMs?: number | null;
  /** For a call of the session store; at the end of a session, for all that is left. Default 60 000. */
  storeMs?: number;
  /** Not a byte of the program while a turn runs: what then happens is `stallAction`. Default: none. */
  stallMs?: number | null;
  /**
   * With `stallMs`: a message about it; and an interrupt of the turn; and the end of the program; or that, and another one that
   * resumes the session (`SDKResumedMessage`). Default `event`.
   */
  stallAction?: "event" | "interrupt" | "stop" | "resume";
  /** With `stallAction` `resume`: how often in a turn. Default 1. */
  stallResumes?: number;
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

/** The model thinks as much as it finds right. */
export interface ThinkingAdaptive {
  type: "adaptive";
  display?: "summarized" | "omitted";
}

/** The model thinks, within a budget of tokens when there is one. */
export interface ThinkingEnabled {
  type: "enabled";
  budgetTokens?: number;
  display?: "summarized" | "omitted";
}

/** The model does not think before it answers. */
export interface ThinkingDisabled {
  type: "disabled";
}

/** A beta feature of the API this package knows of; others are accepted, too. */
export type SdkBeta = "context-1m-2025-08-07";

/** Whether and how the model thinks. */
export type ThinkingConfig = ThinkingAdaptive | ThinkingEnabled | ThinkingDisabled;

/** The forms an answer can have. */
export type OutputFormatType = "json_schema";

/** What all forms of the answer have. */
export interface BaseOutputFormat {
  type: OutputFormatType;
}

/** The answer is a value a JSON Schema allows: `structured_output` of the result. */
export interface JsonSchemaOutputFormat extends BaseOutputFormat {
  schema: Record<string, unknown>;
}

/** The form of the answer. */
export type OutputFormat = JsonSchemaOutputFormat;

/** A plugin in a directory. */
export interface SdkPluginConfig {
  type: "local";
  path: string;
  /** Leaves its MCP servers out. */
  skipMcpDiscovery?: boolean;
}

/** How single built-in tools behave. */
export interface ToolConfig {
  askUserQuestion?: { previewFormat?: "markdown" | "html" };
}

/** MCP servers of a subagent: names of servers of the session, or servers of its own. */
export type AgentMcpServerSpec = string | Record<string, McpServerConfigForProcessTransport>;

/** A subagent the model can start. */
export interface AgentDefinition {
  /** When to use it; the model reads this. */
  description: string;
  /** Its system prompt. */
  prompt: string;
  tools?: string[];
  disallowedTools?: string[];
  model?: string;
  mcpServers?: AgentMcpServerSpec[];
  skills?: string[];
  initialPrompt?: string;
  maxTurns?: number;
  background?: boolean;
  memory?: "user" | "project" | "local";
  effort?: EffortLevel | number;
  permissionMode?: PermissionMode;
  autoCompactWindow?: number;
  omitClaudeMd?: boolean;
  observer?: string;
  observerMessage?: string;
  /** Repeated to the subagent while it works. */
  criticalSystemReminder_EXPERIMENTAL?: string;
  [field: string]: unknown;
}

/** A settings file. */
export type SettingSource = "user" | "project" | "local";

/** The scope of a setting. */
export type ConfigScope = "local" | "user" | "project";

/** Settings, with the keys of settings files. */
export type Settings = Record<string, unknown>;

/** The system prompt: one's own, the program's with something added, or that of a file. */
export type SystemPrompt =
  | string
  | string[]
  | { type: "custom"; prompt: string | string[]; append?: string; snapshot?: boolean }
  | {
      type: "preset";
      preset: "claude_code";
      append?: string;
      /** Leaves out what changes from run to run, so that caches hold longer. */
      excludeDynamicSections?: boolean;
      snapshot?: boolean;
    }
  | { type: "file"; path: string };

/**
 * A block of a system prompt that is a list: what stands before it is the same in every session, so caches can share it;
 * what follows is not. The model does not see it.
 */
export const SYSTEM_PROMPT_DYNAMIC_BOUNDARY = "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__";

/** Everything a query or session can be told. All have defaults. */
export interface Options {
  /** The model: an alias (`sonnet`, `opus`, `haiku`) or a full name. Default: the program's own choice. */
  model?: string;
  /** Models to fall back to, separated by commas. */
  fallbackModel?: string;
  /** Beta features of the API, by the names of their headers. */
  betas?: (SdkBeta | (string & {}))[];
  /** Whether and how the model thinks. Default: the program's own choice. */
  thinking?: ThinkingConfig;
  /** The most tokens of thinking, for older models; `thinking` goes before it. */
  maxThinkingTokens?: number;
  /** How much effort goes into an answer. */
  effort?: EffortLevel;
  /** How many tokens a task may take; the model is told, and paces itself. */
  taskBudget?: { total: number };
  /** The form of the answer. */
  outputFormat?: OutputFormat;

  /** Replaces the system prompt, or keeps it and adds to it. */
  systemPrompt?: SystemPrompt;
  /** Replaces what the model is told to do in plan mode. */
  planModeInstructions?: string;
  /** The title of a new session. Default: made from its first prompt. */
  title?: string;

  /** The built-in tools offered to the model; `[]` offers none. Default: all. */
  tools?: string[] | { type: "preset"; preset: "claude_code" };
  /** Permission rules for tools that may run without asking, such as `Bash(git log:*)`. */
  allowedTools?: string[];
  /** Permission rules for tools that are refused. */
  disallowedTools?: string[];
  /** Names under which the model may call a tool: a call of the key is a call of the value. */
  toolAliases?: Record<string, string>;
  /** How single built-in tools behave. */
  toolConfig?: ToolConfig;
  /** Skills of the main conversation. */
  skills?: string[] | "all";
  /** How permissions are decided when no rule matches. */
  permissionMode?: PermissionMode;
  /** Lets the mode `bypassPermissions` be chosen later. */
  allowDangerouslySkipPermissions?: boolean;
  /** The MCP tool that answers permission questions instead of `canUseTool`. */
  permissionPromptToolName?: string;
  /** Who answers permission questions; with `none` they are refused. */
  permissionPrompts?: "host" | "none";

  /** The agent that leads the conversation, one of `agents` or of the settings. */
  agent?: string;
  /** Subagents by name. */
  agents?: Record<string, AgentDefinition>;
  /** Lets `setAgent` put another agent in the lead; the system prompt is then made anew for each turn. */
  enableAgentSwitching?: boolean;
  /** MCP servers by name, those of `createSdkMcpServer` among them; or the path of a file that lists them. */
  mcpServers?: Record<string, McpServerConfig> | string;
  /** Only the MCP servers given here, none of settings, plugins or the repository. */
  strictMcpConfig?: boolean;
  /** Plugins in directories. */
  plugins?: SdkPluginConfig[];

  /** Stop after this many steps of the model. */
  maxTurns?: number;
  /** Stop when the process has cost this much, in US dollars. */
  maxBudgetUsd?: number;
  /** Limits of time. */
  timeouts?: Timeouts;
  /** Limits of memory. */
  limits?: Limits;

  /** Continue the session with this id. */
  resume?: string;
  /** Continue the newest session of the working directory. */
  continue?: boolean;
  /** With `resume` or `continue`: under a new id. */
  forkSession?: boolean;
  /** With `resume` or `continue`: only up to the message with this uuid. */
  resumeSessionAt?: string;
  /** With `resumeSessionAt`: the uuid of the prompt whose turn is dropped. */
  resumeDropsTurn?: string;
  /** The id of the new session, an unused UUID. */
  sessionId?: string;
  /** Whether the session is saved to disk. Default: yes. */
  persistSession?: boolean;
  /**
   * Keeps the transcript, beside the files of the program, and gives back sessions that `resume` or `continue` name. What could
   * not be stored is told by a message `mirror_error`. Does not go together with `persistSession: false` and
   * `enableFileCheckpointing`.
   */
  sessionStore?: SessionStore;
  /** When entries go to the store. Default `batched`. */
  sessionStoreFlush?: SessionStoreFlush;
  /** The official name of `timeouts.storeMs`, which goes before it. */
  loadTimeoutMs?: number;
  /** Keep copies of files before tools change them, for `rewindFiles`. */
  enableFileCheckpointing?: boolean;

  /** Also deliver `stream_event` messages while the model writes. */
  includePartialMessages?: boolean;
  /** Also deliver messages about hooks that are commands. */
  includeHookEvents?: boolean;
  /** Also deliver the text and thinking of subagents. */
  forwardSubagentText?: boolean;
  /** Send prompts as they are: no `@path` is expanded and no `/command` is carried out. */
  verbatimPrompts?: boolean;
  /** Also deliver what the user might ask next, after each turn. */
  promptSuggestions?: boolean;
  /** Also deliver short summaries of what running subagents do. */
  agentProgressSummaries?: boolean;
  /** Users can stop single background tasks, so an interrupt leaves them running. */
  perTaskStopAffordance?: boolean;

  /** The working directory. Default: that of this process. */
  cwd?: string;
  /** Directories beside `cwd` that tools may use. */
  additionalDirectories?: string[];
  /** How far the working directory is trusted. Default `guarded`. */
  workspace?: "guarded" | "hardened" | "isolated" | "trusted";
  /** The trusted checkout of which `cwd` is a worktree: settings of the repository are read from there. */
  projectConfigRoot?: string;
  /** Which settings files are read; `[]` reads none. Default: the program's. */
  settingSources?: SettingSource[];
  /** Settings above those in files: an object, JSON text, or the path of a file. */
  settings?: string | Settings;
  /** Settings above all others but those of the machine's administrator; only what restricts counts. */
  managedSettings?: Settings;
  /** The sandbox of commands; merged over `settings.sandbox`. */
  sandbox?: SandboxSettings;

  /**
   * Who gives the program its credential: a manager, with whose credential it is started and no other, or not at all; or `false`: the
   * program finds one by itself. Default: the stored token of a set-up where the environment has no credential.
   */
  auth?: Auth;
  /** The `claude` program. Default: `MADRIGAL_CLI_PATH`, then `PATH`, then the usual places. */
  pathToClaudeCodeExecutable?: string;
  /**
   * The user the program runs as, with all groups of that user; only root can start it so. Variables such as `HOME` stay as
   * they are. Default: that of this process.
   */
  user?: string;
  /** What runs the program, such as `node`, when it is a script. */
  executable?: string;
  /** Arguments for `executable`, before the path of the script. */
  executableArgs?: string[];
  /**
   * Variables *added* to the environment the program inherits. `{ ...process.env, NAME: "x" }` does what it does with
   * the official package; a variable of this process cannot be taken away here, so `undefined` for one is refused: see
   * `envMode`.
   */
  env?: Record<string, string | undefined>;
  /** Which variables of this process the program inherits: all (`inherit`, the default), or those of `envAllow`. */
  envMode?: "inherit" | "allow_list";
  /** With `envMode: "allow_list"`: their names; a `*` at the end stands for any rest. */
  envAllow?: string[];
  /** The place of this process in a distributed trace, as W3C Trace Context has it. */
  traceContext?: { traceparent: string; tracestate?: string };
  /** The name and version of this program, for the requests of the other: `my-app/1.0`. */
  clientApp?: string;
  /** The program writes what it does to `debugFile`, or to stderr. */
  debug?: boolean;
  /** The file for that. */
  debugFile?: string;
  /** Flags there is no option for: name without dashes, and value or `null`. Visible in process lists. */
  extraArgs?: Record<string, string | null>;

  /** Decides whether a tool may run. Without it, what would be asked is refused. */
  canUseTool?: CanUseTool;
  /** Functions that are called when something happens. */
  hooks?: Hooks;
  /** Answers questions of MCP servers. Without it they are cancelled. */
  onElicitation?: OnElicitation;
  /** Shows dialogs of the program, of the kinds in `supportedDialogKinds`. */
  onUserDialog?: OnUserDialog;
  /** The kinds of dialog that `onUserDialog` can show; the program opens no other. */
  supportedDialogKinds?: string[];
  /** Ends the query when aborted; the iteration throws `AbortError`. */
  abortController?: AbortController;
  /** The same with a signal. */
  signal?: AbortSignal;
  /** Called with each line the program writes to stderr, without its line break. */
  stderr?: (line: string) => void;
}
