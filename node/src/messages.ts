// The messages of the program, with its own keys and the official type names. They are the parsed lines themselves:
// a type or field that is not listed here is still there at run time.

import type { APIAssistantMessage, ContentBlock, StreamEvent } from "./content.js";
import type { Head, InSubagent, OfPrompts, SDKAssistantMessageError, SDKMessageOrigin } from "./head.js";
import type { SDKContextUsage, SDKUsageReport } from "./reports.js";
import type { SDKResultMessage } from "./result.js";
import type * as system from "./system-messages.js";
import type * as task from "./task-messages.js";

export type * from "./content.js";
export type {
  ApiKeySource,
  EffortLevel,
  FastModeDisabledReason,
  FastModeState,
  PermissionMode,
  SDKAssistantMessageError,
  SDKMessageOrigin,
} from "./head.js";
export type * from "./reports.js";
export type * from "./result.js";
export type * from "./system-messages.js";
export type * from "./task-messages.js";

/** One finished content block of the model; several share `message.id`. */
export interface SDKAssistantMessage extends Head, InSubagent, OfPrompts {
  type: "assistant";
  message: APIAssistantMessage;
  /** In a subagent: the tool call that started it. */
  parent_tool_use_id: string | null;
  /** Set when the model's API failed. */
  error?: SDKAssistantMessageError;
  is_api_error_message?: boolean;
  api_error_status?: number | null;
  api_error_type?: string;
  api_error?: string;
  request_id?: string;
  /** The turn was interrupted here. */
  aborted?: boolean;
  timestamp?: string;
  /** The uuids of messages this one replaces. */
  supersedes?: string[];
  resumed_from_incomplete_thinking?: boolean;
  tool_use_meta?: { id: string; display_name?: string; server_display_name?: string; tool_name?: string }[];
  context_usage?: SDKContextUsage;
  usage_report?: SDKUsageReport;
}

/** A prompt, a tool result, or text the program wrote in the user's name. Also what is sent: only `type` and `message` are needed. */
export interface SDKUserMessage extends InSubagent {
  type: "user";
  message: { role: "user"; content: string | ContentBlock[] };
  parent_tool_use_id?: string | null;
  /** Sent: a fresh UUID, by which the prompt can be named later. */
  uuid?: string;
  session_id?: string;
  /** Written by the program. */
  isSynthetic?: boolean;
  isReplay?: boolean;
  /** Sent: `false` adds to the conversation without asking the model. */
  shouldQuery?: boolean;
  /** What the tool gave the program, often with more than the model sees. */
  tool_use_result?: unknown;
  tool_result_meta?: {
    id: string;
    permission_decision?: { decision: string; source?: string; reason_type?: string };
    non_execution_kind?: string;
  }[];
  priority?: "now" | "next" | "later";
  origin?: SDKMessageOrigin;
  timestamp?: string;
  client_composed?: boolean;
}

/** A prompt as the program took it. */
export interface SDKUserMessageReplay extends SDKUserMessage {
  isReplay: true;
  uuid: string;
  session_id: string;
  file_attachments?: unknown[];
}

/** A piece of a message while the model writes it; comes with `includePartialMessages`. */
export interface SDKPartialAssistantMessage extends Head, OfPrompts {
  type: "stream_event";
  event: StreamEvent;
  parent_tool_use_id: string | null;
  api_message_id?: string;
  /** Blocks from this one on are begun anew: a stream broke and is repeated. */
  abandoned_blocks?: { from_block_index: number; [key: string]: unknown };
  /** With `message_start`: milliseconds to the first byte. */
  ttft_ms?: number;
}

/** A tool runs for long. */
export interface SDKToolProgressMessage extends Head {
  type: "tool_progress";
  tool_use_id: string;
  tool_name: string;
  parent_tool_use_id: string | null;
  elapsed_time_seconds: number;
  task_id?: string;
  heartbeat?: boolean;
  subagent_type?: string;
  subagent_retry?: {
    agent_id: string;
    attempt: number;
    max_retries: number;
    retry_delay_ms: number;
    error_status: number | null;
    error_category: string;
  };
}

/** What tools did, in a sentence. */
export interface SDKToolUseSummaryMessage extends Head {
  type: "tool_use_summary";
  summary: string;
  preceding_tool_use_ids: string[];
}

/** How much of a limit of the subscription is used. */
export interface SDKRateLimitInfo {
  status: "allowed" | "allowed_warning" | "rejected";
  /** Unix time in seconds. */
  resetsAt?: number;
  rateLimitType?: string;
  utilization?: number;
  overageStatus?: "allowed" | "allowed_warning" | "rejected";
  overageResetsAt?: number;
  overageDisabledReason?: string;
  isUsingOverage?: boolean;
  surpassedThreshold?: number;
  errorCode?: string;
  [key: string]: unknown;
}

/** A limit of the subscription comes near, or is reached. */
export interface SDKRateLimitEvent extends Head {
  type: "rate_limit_event";
  rate_limit_info: SDKRateLimitInfo;
}

/** Logging in goes on. */
export interface SDKAuthStatusMessage extends Head {
  type: "auth_status";
  isAuthenticating: boolean;
  output: string[];
  error?: string;
}

/** What the user might ask next. */
export interface SDKPromptSuggestionMessage extends Head {
  type: "prompt_suggestion";
  suggestion: string;
}

/** `/clear` or the like began a new conversation in the same process. */
export interface SDKConversationResetMessage extends Head {
  type: "conversation_reset";
  new_conversation_id: string;
  trigger?: "clear" | "plan_mode_exit" | "fresh_session" | "onboarding";
  user_message_uuid?: string;
  timestamp?: string;
}

/** What the model works towards, turn after turn. */
export interface SDKActiveGoalMessage extends Head {
  type: "active_goal";
  value: {
    condition: string;
    iterations: number;
    set_at: number;
    tokens_at_start: number;
    last_reason?: string;
  } | null;
}

/** Where a prompt with a uuid is in the program's queue. */
export interface SDKCommandLifecycleMessage extends Head {
  type: "command_lifecycle";
  command_uuid: string;
  state: "queued" | "started" | "completed" | "cancelled";
}

/** A part of the transcript, for whoever keeps a copy; the engine hands it to `sessionStore`. */
export interface SDKTranscriptMirrorMessage {
  type: "transcript_mirror";
  filePath: string;
  entries: Record<string, unknown>[];
  uuid?: string;
  session_id?: string;
}

/** The program is still there; nothing else. */
export interface SDKKeepAliveMessage {
  type: "keep_alive";
}

/** What a query or session yields. Newer programs may write types that are not in this list; they are handed on. */
export type SDKMessage =
  | SDKAssistantMessage
  | SDKUserMessage
  | SDKUserMessageReplay
  | SDKPartialAssistantMessage
  | SDKResultMessage
  | SDKToolProgressMessage
  | SDKToolUseSummaryMessage
  | SDKRateLimitEvent
  | SDKAuthStatusMessage
  | SDKPromptSuggestionMessage
  | SDKConversationResetMessage
  | SDKActiveGoalMessage
  | SDKCommandLifecycleMessage
  | SDKTranscriptMirrorMessage
  | SDKKeepAliveMessage
  | system.SDKSystemMessage
  | system.SDKStatusMessage
  | system.SDKAPIRetryMessage
  | system.SDKModelFallbackMessage
  | system.SDKModelRefusalFallbackMessage
  | system.SDKModelRefusalNoFallbackMessage
  | system.SDKCompactBoundaryMessage
  | system.SDKPermissionDeniedMessage
  | system.SDKInformationalMessage
  | system.SDKNotificationMessage
  | system.SDKHookStartedMessage
  | system.SDKHookProgressMessage
  | system.SDKHookResponseMessage
  | system.SDKSessionStateChangedMessage
  | system.SDKThinkingTokensMessage
  | system.SDKControlRequestProgressMessage
  | system.SDKSessionTitleChangedMessage
  | system.SDKUiInvalidateMessage
  | system.SDKCommandsChangedMessage
  | system.SDKLocalCommandOutputMessage
  | system.SDKMemoryRecallMessage
  | system.SDKFilesPersistedEvent
  | system.SDKElicitationCompleteMessage
  | system.SDKPluginInstallMessage
  | system.SDKMirrorErrorMessage
  | system.SDKSessionWritesLostMessage
  | system.SDKWorkerShuttingDownMessage
  | system.SDKStalledMessage
  | system.SDKResumedMessage
  | system.SDKOptionWarningMessage
  | task.SDKTaskStartedMessage
  | task.SDKTaskProgressMessage
  | task.SDKTaskUpdatedMessage
  | task.SDKTaskNotificationMessage
  | task.SDKBackgroundTasksChangedMessage;
