// What many messages have in common.

/** What every message has. */
export interface Head {
  uuid: string;
  session_id: string;
}

/** How permissions are decided when no rule matches. */
export type PermissionMode = "default" | "acceptEdits" | "plan" | "dontAsk" | "auto" | "bypassPermissions";

/** How much effort goes into an answer. */
export type EffortLevel = "low" | "medium" | "high" | "xhigh" | "max";

/** Whether answers come faster for more money. */
export type FastModeState = "off" | "cooldown" | "on";

/** Why answers cannot come faster. */
export type FastModeDisabledReason =
  | "free"
  | "preference"
  | "extra_usage_disabled"
  | "network_error"
  | "unknown"
  | "not_first_party"
  | "disabled_by_env"
  | "model_not_allowed"
  | "sdk_opt_in_required"
  | "pending";

/** Where the key for the model's API comes from; the last five are of older programs. */
export type ApiKeySource =
  | "ANTHROPIC_API_KEY"
  | "apiKeyHelper"
  | "/login managed key"
  | "none"
  | "user"
  | "project"
  | "org"
  | "temporary"
  | "oauth";

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

/** Who began a turn: a person, the end of a background task, another program, ... */
export interface SDKMessageOrigin {
  kind:
    | "human"
    | "channel"
    | "peer"
    | "task-notification"
    | "coordinator"
    | "observer"
    | "observer-activity"
    | "auto-continuation"
    | "unclassified";
  [key: string]: unknown;
}

/** The subagent a message belongs to; absent in the main conversation. */
export interface InSubagent {
  agent_id?: string;
  subagent_type?: string;
  task_description?: string;
}

/** The prompts a message belongs to. */
export interface OfPrompts {
  user_message_uuid?: string;
  user_message_uuids?: string[];
  resume_reason?: string;
}
