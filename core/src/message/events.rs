//! Frames with a type of their own beside the conversation: limits, progress, prompts in the queue, the transcript.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape_macros::shapes;

shapes! {
    /// How much of a subscription is used.
    pub struct RateLimitEvent("type" = "rate_limit_event") {
        /// How it stands.
        rate_limit_info: RateLimitInfo = "rate_limit_info" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// What becomes of a prompt.
    pub struct CommandLifecycle("type" = "command_lifecycle") {
        /// The prompt.
        command_uuid: String = "command_uuid" needed,
        /// `queued`, `started`, `completed` or `cancelled`.
        state: String = "state" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The conversation was cleared and goes on under another id.
    pub struct ConversationReset("type" = "conversation_reset") {
        /// The new session id.
        new_conversation_id: String = "new_conversation_id" needed,
        /// `clear`, `plan_mode_exit`, `fresh_session`....
        trigger: Option<String> = "trigger",
        /// The prompt that did it.
        user_message_uuid: Option<String> = "user_message_uuid",
        /// When, ISO 8601.
        timestamp: Option<String> = "timestamp",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A tool that takes long still runs.
    pub struct ToolProgress("type" = "tool_progress") {
        /// The call, or `<call>-heartbeat-<n>`.
        tool_use_id: String = "tool_use_id" needed,
        /// The tool.
        tool_name: String = "tool_name",
        /// On a heartbeat: the call.
        parent_tool_use_id: Option<String> = "parent_tool_use_id",
        /// Seconds it has run.
        elapsed_time_seconds: f64 = "elapsed_time_seconds",
        /// Whether it is only a sign of life.
        heartbeat: bool = "heartbeat",
        /// The task it became.
        task_id: Option<String> = "task_id",
        /// The kind of subagent that runs.
        subagent_type: Option<String> = "subagent_type",
        /// The retry that subagent waits for.
        subagent_retry: Option<SubagentRetry> = "subagent_retry",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Several calls in a few words.
    pub struct ToolUseSummary("type" = "tool_use_summary") {
        /// The words.
        summary: String = "summary" needed,
        /// The calls.
        preceding_tool_use_ids: Vec<String> = "preceding_tool_use_ids",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// How logging in goes.
    pub struct AuthStatus("type" = "auth_status") {
        /// Whether it still goes on.
        is_authenticating: bool = "isAuthenticating",
        /// Lines to show.
        output: Vec<String> = "output",
        /// Why it failed.
        error: Option<String> = "error",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// What could be asked next.
    pub struct PromptSuggestion("type" = "prompt_suggestion") {
        /// The prompt.
        suggestion: String = "suggestion" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The goal the session works towards changed.
    pub struct ActiveGoal("type" = "active_goal") {
        /// The goal; `None` when there is none.
        value: Option<Goal> = "value",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Lines of the transcript, for a store.
    pub struct TranscriptMirror("type" = "transcript_mirror") {
        /// The transcript they belong to.
        file_path: String = "filePath" needed,
        /// The lines.
        entries: Vec<Value> = "entries" needed,
    }

    /// A sign of life.
    pub struct KeepAlive("type" = "keep_alive") {
    }

    /// How a subscription stands.
    pub struct RateLimitInfo {
        /// `allowed`, `allowed_warning` or `rejected`.
        status: String = "status",
        /// When it is full again, seconds since 1970.
        resets_at: Option<f64> = "resetsAt",
        /// `five_hour`, `seven_day`....
        rate_limit_type: Option<String> = "rateLimitType",
        /// How much is used, 0 to 1.
        utilization: Option<f64> = "utilization",
        /// The same word for use beyond it.
        overage_status: Option<String> = "overageStatus",
        /// When that is full again.
        overage_resets_at: Option<f64> = "overageResetsAt",
        /// Why there is none.
        overage_disabled_reason: Option<String> = "overageDisabledReason",
        /// Whether it is used now.
        is_using_overage: Option<bool> = "isUsingOverage",
        /// The threshold that was passed, 0 to 1.
        surpassed_threshold: Option<f64> = "surpassedThreshold",
        /// Each window by its name.
        unified_windows: BTreeMap<String, RateLimitWindow> = "unifiedWindows",
    }

    /// A window of time with a limit.
    pub struct RateLimitWindow {
        /// How much is used, 0 to 1.
        utilization: Option<f64> = "utilization",
        /// When it is full again, seconds since 1970.
        resets_at: Option<f64> = "resetsAt",
    }

    /// The retry that a subagent waits for.
    pub struct SubagentRetry {
        /// The subagent.
        agent_id: String = "agent_id",
        /// The number of the retry.
        attempt: u32 = "attempt",
        /// How many there will be at most.
        max_retries: u32 = "max_retries",
        /// Milliseconds until then.
        retry_delay_ms: f64 = "retry_delay_ms",
        /// The HTTP status.
        error_status: Option<u16> = "error_status",
        /// What failed.
        error_category: String = "error_category",
    }

    /// A goal.
    pub struct Goal {
        /// What is to be reached.
        condition: String = "condition",
        /// How often it was tried.
        iterations: u64 = "iterations",
        /// When it was set, milliseconds since 1970.
        set_at: f64 = "set_at",
        /// Tokens used by then.
        tokens_at_start: u64 = "tokens_at_start",
        /// Why it is not reached yet.
        last_reason: Option<String> = "last_reason",
    }
}
