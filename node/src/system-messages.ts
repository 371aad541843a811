// Messages of the type `system`: what the program says about itself and what happens in it. Tasks are in
// `task-messages.ts`.

import type { SlashCommand } from "./controls.js";
import type {
  ApiKeySource,
  EffortLevel,
  FastModeDisabledReason,
  FastModeState,
  Head,
  PermissionMode,
  SDKAssistantMessageError,
} from "./head.js";

interface System extends Head {
  type: "system";
}

/** Facts about the session; written at the start of every turn. */
export interface SDKSystemMessage extends System {
  subtype: "init";
  cwd: string;
  model: string;
  tools: string[];
  mcp_servers: { name: string; status: string; source?: string }[];
  permissionMode: PermissionMode;
  apiKeySource: ApiKeySource;
  claude_code_version: string;
  slash_commands: string[];
  terminal_slash_commands?: string[];
  output_style: string;
  agents?: string[];
  skills?: string[];
  plugins?: { name: string; path: string; source?: string; version?: string }[];
  plugin_errors?: { plugin: string; type: string; message: string; path?: string }[];
  capabilities?: string[];
  betas?: string[];
  effort?: EffortLevel | null;
  fast_mode_state?: FastModeState;
  fast_mode_disabled_reason?: FastModeDisabledReason;
  view_mode?: "focus" | "default";
  original_cwd?: string;
  additional_directories?: string[];
  memory_paths?: Record<string, string>;
  user_message_uuids?: string[];
}

/** What the program is busy with. */
export type SDKStatus = "compacting" | "requesting" | null;

/** The permission mode changed, or the program is busy with something. */
export interface SDKStatusMessage extends System {
  subtype: "status";
  status: SDKStatus;
  permissionMode?: PermissionMode;
  compact_result?: "success" | "failed";
  compact_error?: string;
  user_message_uuids?: string[];
}

/** The program is about to repeat a failed call of the model's API. */
export interface SDKAPIRetryMessage extends System {
  subtype: "api_retry";
  attempt: number;
  max_retries: number;
  retry_delay_ms: number;
  /** The HTTP status; `null` when the API was not reached. */
  error_status: number | null;
  error: SDKAssistantMessageError;
  no_response?: { waited_ms: number; retry_wait_ms: number };
}

/** The program went on with another model. */
export interface SDKModelFallbackMessage extends System {
  subtype: "model_fallback";
  trigger: "overloaded" | "model_not_found" | (string & {});
  original_model: string;
  fallback_model: string;
  content: string;
}

interface Refusal extends System {
  original_model: string;
  request_id: string | null;
  api_refusal_category?: string | null;
  api_refusal_explanation?: string | null;
  refused_user_message_uuid?: string | null;
  content: string;
}

/** The model refused, and the program went on with another one. */
export interface SDKModelRefusalFallbackMessage extends Refusal {
  subtype: "model_refusal_fallback";
  trigger: "refusal";
  direction: "retry" | "revert" | "sticky";
  scope?: "session" | "local";
  fallback_model: string;
  retracted_message_uuids?: string[];
}

/** The model refused, and there was no other one. */
export interface SDKModelRefusalNoFallbackMessage extends Refusal {
  subtype: "model_refusal_no_fallback";
}

/** The conversation was compacted here. */
export interface SDKCompactBoundaryMessage extends System {
  subtype: "compact_boundary";
  compact_metadata: {
    trigger: "manual" | "auto";
    pre_tokens: number;
    post_tokens?: number;
    duration_ms?: number;
    preserved_segment?: { head_uuid: string; anchor_uuid: string; tail_uuid: string };
    preserved_messages?: { anchor_uuid: string; uuids: string[] };
  };
  logical_parent_uuid?: string | null;
}

/** A tool was refused without asking. */
export interface SDKPermissionDeniedMessage extends System {
  subtype: "permission_denied";
  tool_name: string;
  tool_use_id: string;
  message: string;
  decision_reason_type?: string;
  decision_reason?: string;
  agent_id?: string;
}

/** Something to show to the user. */
export interface SDKInformationalMessage extends System {
  subtype: "informational";
  content: string;
  level: "info" | "notice" | "suggestion" | "warning";
  tool_use_id?: string;
  prevent_continuation?: boolean;
  tag?: string;
  prompt_submit_outcome?: string;
}

/** Something to tell the user about. */
export interface SDKNotificationMessage extends System {
  subtype: "notification";
  key: string;
  text: string;
  priority: "low" | "medium" | "high" | "immediate";
  color?: string;
  timeout_ms?: number;
}

interface HookHead extends System {
  hook_id: string;
  hook_name: string;
  hook_event: string;
}

/** A hook that is a command began; comes with `includeHookEvents`. */
export interface SDKHookStartedMessage extends HookHead {
  subtype: "hook_started";
}

/** What it wrote so far. */
export interface SDKHookProgressMessage extends HookHead {
  subtype: "hook_progress";
  stdout: string;
  stderr: string;
  output: string;
}

/** How it ended. */
export interface SDKHookResponseMessage extends HookHead {
  subtype: "hook_response";
  output: string;
  stdout: string;
  stderr: string;
  exit_code?: number;
  outcome: "success" | "error" | "cancelled";
}

/** Whether the program works; comes when its environment asks for it. */
export interface SDKSessionStateChangedMessage extends System {
  subtype: "session_state_changed";
  state: "idle" | "running" | "requires_action";
}

/** How much the model has thought so far. */
export interface SDKThinkingTokensMessage extends System {
  subtype: "thinking_tokens";
  estimated_tokens: number;
  estimated_tokens_delta: number;
  user_message_uuid?: string;
}

/** A control request takes longer. */
export interface SDKControlRequestProgressMessage extends System {
  subtype: "control_request_progress";
  request_id: string;
  status: "started" | "api_retry";
  attempt?: number;
  max_retries?: number;
  retry_delay_ms?: number;
  error_status?: number | null;
}

/** The session got another title. */
export interface SDKSessionTitleChangedMessage extends System {
  subtype: "session_title_changed";
  title: string;
}

/** Something a user interface shows is out of date. */
export interface SDKUiInvalidateMessage extends System {
  subtype: "ui_invalidate";
  event?: unknown;
}

/** The slash commands changed. */
export interface SDKCommandsChangedMessage extends System {
  subtype: "commands_changed";
  commands: SlashCommand[];
}

/** What a slash command wrote that ran without the model. */
export interface SDKLocalCommandOutputMessage extends System {
  subtype: "local_command_output";
  content: string;
}

/** The program remembered something from earlier. */
export interface SDKMemoryRecallMessage extends System {
  subtype: "memory_recall";
  mode: "select" | "synthesize";
  memories: { path: string; scope: "personal" | "team" | "organization"; content?: string }[];
}

/** Files were stored outside. */
export interface SDKFilesPersistedEvent extends System {
  subtype: "files_persisted";
  files: { filename: string; file_id: string }[];
  failed: { filename: string; error: string }[];
  processed_at: string;
}

/** A question of an MCP server was answered elsewhere. */
export interface SDKElicitationCompleteMessage extends System {
  subtype: "elicitation_complete";
  mcp_server_name: string;
  elicitation_id: string;
}

/** A plugin is being installed. */
export interface SDKPluginInstallMessage extends System {
  subtype: "plugin_install";
  status: "started" | "installed" | "failed" | "completed";
  name?: string;
  error?: string;
}

/** A part of the transcript did not reach the session store. Written by the engine. */
export interface SDKMirrorErrorMessage {
  type: "system";
  subtype: "mirror_error";
  source: "madrigal";
  error: string;
  /** `null` for lines of a file that is no transcript. */
  key: { project_key: string; session_id: string; subpath?: string } | null;
  /** How many. */
  entries: number;
}

/** The disk is full: a part of the session is not saved. */
export interface SDKSessionWritesLostMessage extends System {
  subtype: "session_writes_lost";
  error_code: "ENOSPC" | "EDQUOT";
  lost: ("transcript" | "global_config")[];
  transcript_session_ids?: string[];
}

/** The program is about to end. */
export interface SDKWorkerShuttingDownMessage extends System {
  subtype: "worker_shutting_down";
  reason: string;
}

/**
 * An option that works but is probably not meant: a model that is not known, a tool of an agent that does not exist. It comes before the
 * first turn. The engine's own message, not the program's.
 */
export interface SDKOptionWarningMessage {
  type: "system";
  subtype: "option_warning";
  source: "madrigal";
  code: "unknown_model" | "agent";
  /** The path of the option: `model`, `fallback_model`, `agents.reviewer.tools[1]`. */
  field: string;
  /** What is strange, and what follows. */
  message: string;
  /** Names that may be meant, the best first. */
  suggestions: string[];
  uuid: string;
}

/** The program stayed silent and was stopped; another one goes on with the session. The engine's own message. */
export interface SDKResumedMessage {
  type: "system";
  subtype: "resumed";
  source: "madrigal";
  session_id: string;
  /** How often in this turn. */
  resumes: number;
  /** The process id of the new program. */
  pid: number | null;
  uuid: string;
}

/** The program was silent for `timeouts.stallMs` while a turn ran. The engine's own message, not the program's. */
export interface SDKStalledMessage {
  type: "system";
  subtype: "stalled";
  source: "madrigal";
  silent_ms: number;
  /** The turn was interrupted because of it. */
  interrupted: boolean;
}
