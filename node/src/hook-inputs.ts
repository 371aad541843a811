// What hooks get, with the program's own keys and the official type names: a union over `hook_event_name`.

import type { McpServerProvenance } from "./mcp.js";
import type { SDKAssistantMessageError } from "./messages.js";
import type { PermissionUpdate } from "./permission.js";

/** What every hook gets. */
export interface BaseHookInput {
  session_id: string;
  transcript_path: string;
  cwd: string;
  prompt_id?: string;
  permission_mode?: string;
  /** Set in a subagent. */
  agent_id?: string;
  agent_type?: string;
  effort?: { level: string };
}

/** A background task. */
export interface BackgroundTaskSummary {
  id: string;
  type: string;
  status: string;
  description: string;
  command?: string;
  agent_type?: string;
  server?: string;
  tool?: string;
  name?: string;
}

/** Something the session does again and again. */
export interface SessionCronSummary {
  id: string;
  schedule: string;
  recurring: boolean;
  prompt: string;
}

interface ToolHookInput extends BaseHookInput {
  tool_name: string;
  tool_input: unknown;
  tool_use_id: string;
  mcp_server?: McpServerProvenance;
}

/** A tool is about to run. */
export interface PreToolUseHookInput extends ToolHookInput {
  hook_event_name: "PreToolUse";
}

/** A tool ran. */
export interface PostToolUseHookInput extends ToolHookInput {
  hook_event_name: "PostToolUse";
  tool_response: unknown;
  duration_ms?: number;
}

/** A tool failed. */
export interface PostToolUseFailureHookInput extends ToolHookInput {
  hook_event_name: "PostToolUseFailure";
  error: string;
  is_interrupt?: boolean;
  duration_ms?: number;
}

/** One of the tools that ran together. */
export interface PostToolBatchToolCall {
  tool_name: string;
  tool_input: unknown;
  tool_use_id: string;
  tool_response?: unknown;
}

/** All tools of one answer of the model ran. */
export interface PostToolBatchHookInput extends BaseHookInput {
  hook_event_name: "PostToolBatch";
  tool_calls: PostToolBatchToolCall[];
}

/** A tool was refused. */
export interface PermissionDeniedHookInput extends ToolHookInput {
  hook_event_name: "PermissionDenied";
  reason: string;
}

/** A tool needs permission. Comes together with the question to `canUseTool`. */
export interface PermissionRequestHookInput extends BaseHookInput {
  hook_event_name: "PermissionRequest";
  tool_name: string;
  tool_input: unknown;
  permission_suggestions?: PermissionUpdate[];
  mcp_server?: McpServerProvenance;
}

/** The user is being notified of something. */
export interface NotificationHookInput extends BaseHookInput {
  hook_event_name: "Notification";
  message: string;
  title?: string;
  notification_type: string;
}

/** A prompt was sent. */
export interface UserPromptSubmitHookInput extends BaseHookInput {
  hook_event_name: "UserPromptSubmit";
  prompt: string;
  source?: "user" | "sdk" | "system" | "loop_wakeup" | "schedule_wakeup" | "poll_event";
  session_title?: string;
}

/** A slash command became a prompt. */
export interface UserPromptExpansionHookInput extends BaseHookInput {
  hook_event_name: "UserPromptExpansion";
  expansion_type: "slash_command" | "mcp_prompt";
  command_name: string;
  command_args: string;
  command_source?: string;
  prompt: string;
}

/** A conversation began. Functions hear of `clear` and `compact` only: the program starts before it knows them. */
export interface SessionStartHookInput extends BaseHookInput {
  hook_event_name: "SessionStart";
  source: "startup" | "resume" | "clear" | "compact" | "fork";
  model?: string;
  session_title?: string;
  seconds_since_last_response?: number;
  context_tokens?: number;
  prompt_cache_likely_expired?: boolean;
  estimated_cache_write_usd?: number;
}

/** Why a conversation ended. */
export const EXIT_REASONS = ["clear", "resume", "logout", "prompt_input_exit", "other"] as const;

/** Why a conversation ended. */
export type ExitReason = (typeof EXIT_REASONS)[number];

/** A conversation ended. */
export interface SessionEndHookInput extends BaseHookInput {
  hook_event_name: "SessionEnd";
  reason: ExitReason;
}

interface EndHookInput extends BaseHookInput {
  /** A hook already made the model go on once. */
  stop_hook_active: boolean;
  last_assistant_message?: string;
  background_tasks?: BackgroundTaskSummary[];
  session_crons?: SessionCronSummary[];
}

/** The model is done. */
export interface StopHookInput extends EndHookInput {
  hook_event_name: "Stop";
}

/** The turn ended because the model's API failed. */
export interface StopFailureHookInput extends BaseHookInput {
  hook_event_name: "StopFailure";
  error: SDKAssistantMessageError;
  error_details?: string;
  last_assistant_message?: string;
}

/** A subagent starts. */
export interface SubagentStartHookInput extends BaseHookInput {
  hook_event_name: "SubagentStart";
  agent_id: string;
  agent_type: string;
}

/** A subagent is done. */
export interface SubagentStopHookInput extends EndHookInput {
  hook_event_name: "SubagentStop";
  agent_id: string;
  agent_type: string;
  agent_transcript_path: string;
}

/** The conversation is about to be compacted. */
export interface PreCompactHookInput extends BaseHookInput {
  hook_event_name: "PreCompact";
  trigger: "manual" | "auto";
  custom_instructions: string | null;
}

/** The conversation was compacted. */
export interface PostCompactHookInput extends BaseHookInput {
  hook_event_name: "PostCompact";
  trigger: "manual" | "auto";
  compact_summary: string;
}

interface ModelSwitchHookInput extends BaseHookInput {
  from_model: string;
  to_model: string;
  requested_model: string | null;
  source: string;
  context_tokens?: number;
  prompt_cache_warm?: boolean;
  cache_ttl?: string;
  estimated_cache_write_usd?: number | null;
  pricing?: unknown;
}

/** The model is about to change. */
export interface PreModelSwitchHookInput extends ModelSwitchHookInput {
  hook_event_name: "PreModelSwitch";
}

/** The model changed. */
export interface PostModelSwitchHookInput extends ModelSwitchHookInput {
  hook_event_name: "PostModelSwitch";
}

/** The program is being set up. */
export interface SetupHookInput extends BaseHookInput {
  hook_event_name: "Setup";
  trigger: "init" | "maintenance";
}

/** Another agent of the team has nothing to do. */
export interface TeammateIdleHookInput extends BaseHookInput {
  hook_event_name: "TeammateIdle";
  teammate_name: string;
  team_name: string;
}

interface TaskHookInput extends BaseHookInput {
  task_id: string;
  task_subject: string;
  task_description?: string;
  teammate_name?: string;
  team_name?: string;
}

/** A task was made. */
export interface TaskCreatedHookInput extends TaskHookInput {
  hook_event_name: "TaskCreated";
}

/** A task is done. */
export interface TaskCompletedHookInput extends TaskHookInput {
  hook_event_name: "TaskCompleted";
}

/** An MCP server asks the user something. */
export interface ElicitationHookInput extends BaseHookInput {
  hook_event_name: "Elicitation";
  mcp_server_name: string;
  message: string;
  mode?: "form" | "url";
  url?: string;
  elicitation_id?: string;
  requested_schema?: Record<string, unknown>;
}

/** The user answered an MCP server. */
export interface ElicitationResultHookInput extends BaseHookInput {
  hook_event_name: "ElicitationResult";
  mcp_server_name: string;
  elicitation_id?: string;
  mode?: "form" | "url";
  action: "accept" | "decline" | "cancel";
  content?: Record<string, unknown>;
}

/** A settings file changed. */
export interface ConfigChangeHookInput extends BaseHookInput {
  hook_event_name: "ConfigChange";
  source: "user_settings" | "project_settings" | "local_settings" | "policy_settings" | "skills";
  file_path?: string;
}

/** A file of instructions was read. */
export interface InstructionsLoadedHookInput extends BaseHookInput {
  hook_event_name: "InstructionsLoaded";
  file_path: string;
  memory_type: "User" | "Project" | "Local" | "Managed";
  load_reason: "session_start" | "nested_traversal" | "path_glob_match" | "include" | "compact";
  globs?: string[];
  trigger_file_path?: string;
  parent_file_path?: string;
}

/** A worktree is wanted; the hook makes it. */
export interface WorktreeCreateHookInput extends BaseHookInput {
  hook_event_name: "WorktreeCreate";
  name: string;
}

/** A worktree is no longer needed. */
export interface WorktreeRemoveHookInput extends BaseHookInput {
  hook_event_name: "WorktreeRemove";
  worktree_path: string;
}

/** The working directory changed. */
export interface CwdChangedHookInput extends BaseHookInput {
  hook_event_name: "CwdChanged";
  old_cwd: string;
  new_cwd: string;
}

/** A watched file changed. */
export interface FileChangedHookInput extends BaseHookInput {
  hook_event_name: "FileChanged";
  file_path: string;
  event: "change" | "add" | "unlink";
}

/** Tools may use another directory. */
export interface DirectoryAddedHookInput extends BaseHookInput {
  hook_event_name: "DirectoryAdded";
  directory: string;
  source: "slash_command" | "register_repo_root";
}

/** A piece of the model's text is about to be shown. */
export interface MessageDisplayHookInput extends BaseHookInput {
  hook_event_name: "MessageDisplay";
  turn_id: string;
  message_id: string;
  index: number;
  final: boolean;
  delta: string;
}

/** What hooks get. */
export type HookInput =
  | PreToolUseHookInput
  | PostToolUseHookInput
  | PostToolUseFailureHookInput
  | PostToolBatchHookInput
  | PermissionDeniedHookInput
  | PermissionRequestHookInput
  | NotificationHookInput
  | UserPromptSubmitHookInput
  | UserPromptExpansionHookInput
  | SessionStartHookInput
  | SessionEndHookInput
  | StopHookInput
  | StopFailureHookInput
  | SubagentStartHookInput
  | SubagentStopHookInput
  | PreCompactHookInput
  | PostCompactHookInput
  | PreModelSwitchHookInput
  | PostModelSwitchHookInput
  | SetupHookInput
  | TeammateIdleHookInput
  | TaskCreatedHookInput
  | TaskCompletedHookInput
  | ElicitationHookInput
  | ElicitationResultHookInput
  | ConfigChangeHookInput
  | InstructionsLoadedHookInput
  | WorktreeCreateHookInput
  | WorktreeRemoveHookInput
  | CwdChangedHookInput
  | FileChangedHookInput
  | DirectoryAddedHookInput
  | MessageDisplayHookInput;
