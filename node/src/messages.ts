// The messages of the program, with its own keys and the official type names. They are the parsed lines themselves:
// a type or field that is not listed here is still there at run time.

/** A piece of content of a message. */
export type ContentBlock =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature?: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> }
  | { type: "tool_result"; tool_use_id: string; content?: string | ContentBlock[]; is_error?: boolean }
  | { type: "image"; source: { type: string; media_type?: string; data?: string; url?: string } }
  | { type: "document"; source: { type: string; media_type?: string; data?: string; url?: string } };

/** How many tokens a call or a turn used. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  [key: string]: unknown;
}

/** Use and cost of one model, summed over the life of the process. */
export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadInputTokens: number;
  cacheCreationInputTokens: number;
  webSearchRequests: number;
  costUSD: number;
  contextWindow: number;
  maxOutputTokens?: number;
}

/** How permissions are decided when no rule matches. */
export type PermissionMode = "default" | "acceptEdits" | "plan" | "dontAsk" | "auto" | "bypassPermissions";

/** How much effort goes into an answer. */
export type EffortLevel = "low" | "medium" | "high" | "xhigh" | "max";

/** Why the model's API failed. */
export type SDKAssistantMessageError =
  | "authentication_failed"
  | "oauth_org_not_allowed"
  | "account_on_hold"
  | "verification_required"
  | "billing_error"
  | "rate_limit"
  | "overloaded"
  | "invalid_request"
  | "model_not_found"
  | "server_error"
  | "max_output_tokens"
  | "cloud_credential_error"
  | "unknown";

/** What every message has. */
interface Head {
  uuid: string;
  session_id: string;
}

/** The model's own message, as its API gives it. */
export interface APIAssistantMessage {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: ContentBlock[];
  stop_reason: string | null;
  stop_sequence?: string | null;
  usage: Usage;
}

/** One finished content block of the model; several share `message.id`. */
export interface SDKAssistantMessage extends Head {
  type: "assistant";
  message: APIAssistantMessage;
  parent_tool_use_id: string | null;
  /** Set when the model's API failed: `authentication_failed`, `rate_limit`, ... */
  error?: string;
  request_id?: string;
  aborted?: boolean;
  timestamp?: string;
  user_message_uuid?: string;
  user_message_uuids?: string[];
}

/** A prompt, a tool result, or text the program wrote in the user's name. Also what is sent: only `type` and `message` are needed. */
export interface SDKUserMessage {
  type: "user";
  message: { role: "user"; content: string | ContentBlock[] };
  parent_tool_use_id?: string | null;
  uuid?: string;
  session_id?: string;
  isSynthetic?: boolean;
  isReplay?: boolean;
  shouldQuery?: boolean;
  tool_use_result?: unknown;
}

/** A piece of a message while the model writes it; comes with `includePartialMessages`. */
export interface SDKPartialAssistantMessage extends Head {
  type: "stream_event";
  event: StreamEvent;
  parent_tool_use_id: string | null;
  ttft_ms?: number;
}

/** An event of the model's streaming API. */
export type StreamEvent =
  | { type: "message_start"; message: APIAssistantMessage }
  | { type: "content_block_start"; index: number; content_block: ContentBlock }
  | { type: "content_block_delta"; index: number; delta: Delta }
  | { type: "content_block_stop"; index: number }
  | {
      type: "message_delta";
      delta: { stop_reason: string | null; stop_sequence?: string | null };
      usage?: Partial<Usage>;
    }
  | { type: "message_stop" };

/** What was added to a content block. */
export type Delta =
  | { type: "text_delta"; text: string }
  | { type: "thinking_delta"; thinking: string }
  | { type: "signature_delta"; signature: string }
  | { type: "input_json_delta"; partial_json: string };

/** Facts about the session; written at the start of every turn. */
export interface SDKSystemMessage extends Head {
  type: "system";
  subtype: "init";
  cwd: string;
  model: string;
  tools: string[];
  mcp_servers: { name: string; status: string }[];
  permissionMode: PermissionMode;
  apiKeySource: string;
  claude_code_version: string;
  slash_commands: string[];
  output_style: string;
  agents?: string[];
  skills?: string[];
}

/** The permission mode changed, or the program is busy with something. */
export interface SDKStatusMessage extends Head {
  type: "system";
  subtype: "status";
  status: "compacting" | "requesting" | null;
  permissionMode?: PermissionMode;
}

/** The program is about to repeat a failed call of the model's API. */
export interface SDKAPIRetryMessage extends Head {
  type: "system";
  subtype: "api_retry";
  attempt: number;
  max_retries: number;
  retry_delay_ms: number;
  error_status: number | null;
  error: string;
}

/** The conversation was compacted here. */
export interface SDKCompactBoundaryMessage extends Head {
  type: "system";
  subtype: "compact_boundary";
  compact_metadata: { trigger: "manual" | "auto"; pre_tokens: number; post_tokens?: number };
}

/** A tool was refused without asking. */
export interface SDKPermissionDeniedMessage extends Head {
  type: "system";
  subtype: "permission_denied";
  tool_name: string;
  tool_use_id: string;
  message: string;
  decision_reason_type?: string;
  decision_reason?: string;
}

/** Which background tasks are open. */
export interface SDKBackgroundTasksChangedMessage extends Head {
  type: "system";
  subtype: "background_tasks_changed";
  tasks: { task_id: string; [key: string]: unknown }[];
}

/** A tool still runs. */
export interface SDKToolProgressMessage extends Head {
  type: "tool_progress";
  tool_use_id: string;
  tool_name: string;
  parent_tool_use_id: string | null;
  elapsed_time_seconds: number;
}

/** How full the account's rate limits are. */
export interface SDKRateLimitEvent extends Head {
  type: "rate_limit_event";
  rate_limit_info: {
    status: string;
    resetsAt?: number;
    rateLimitType?: string;
    utilization?: number;
    [key: string]: unknown;
  };
}

/** `/clear` began a new conversation in the same process. */
export interface SDKConversationResetMessage extends Head {
  type: "conversation_reset";
  new_conversation_id: string;
  trigger?: string;
}

interface ResultHead extends Head {
  type: "result";
  /** Whether the turn failed. `subtype` does not say so: a failed call of the model's API is a `success`, too. */
  is_error: boolean;
  duration_ms: number;
  duration_api_ms: number;
  num_turns: number;
  stop_reason: string | null;
  /** Summed over the life of the process and the sessions it resumed. */
  total_cost_usd: number;
  usage: Usage;
  modelUsage: Record<string, ModelUsage>;
  permission_denials: { tool_name: string; tool_use_id: string; tool_input: Record<string, unknown> }[];
  terminal_reason?: string;
  user_message_uuid?: string;
  user_message_uuids?: string[];
  origin?: { kind: string; [key: string]: unknown };
}

/** The end of a turn that has a final text. */
export interface SDKResultSuccess extends ResultHead {
  subtype: "success";
  result: string;
  structured_output?: unknown;
  api_error_status?: number | null;
}

/** The end of a turn that was cut short. */
export interface SDKResultError extends ResultHead {
  subtype:
    | "error_during_execution"
    | "error_max_turns"
    | "error_max_budget_usd"
    | "error_max_structured_output_retries";
  errors: string[];
}

/** The end of a turn. */
export type SDKResultMessage = SDKResultSuccess | SDKResultError;

/** What a query or session yields. Newer programs may write types that are not in this list; they are handed on. */
export type SDKMessage =
  | SDKAssistantMessage
  | SDKUserMessage
  | SDKPartialAssistantMessage
  | SDKSystemMessage
  | SDKStatusMessage
  | SDKAPIRetryMessage
  | SDKCompactBoundaryMessage
  | SDKPermissionDeniedMessage
  | SDKBackgroundTasksChangedMessage
  | SDKToolProgressMessage
  | SDKRateLimitEvent
  | SDKConversationResetMessage
  | SDKResultMessage;
