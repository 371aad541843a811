//! The end of a turn.

use serde_json::Value;

use super::{ModelUsages, Origin, Usage, shape_macros::shapes};

shapes! {
    /// The end of a turn.
    pub struct ResultMessage("type" = "result") {
        /// `success` or `error_...`. Does not say whether the turn succeeded: see `is_error`.
        subtype: String = "subtype" needed,
        /// Whether the turn failed.
        is_error: bool = "is_error" needed,
        /// The final text, or the text of the error; absent on `error_...`.
        result: Option<String> = "result",
        /// What went wrong, on `error_...`.
        errors: Vec<String> = "errors",
        /// Why the turn ended: `completed`, `api_error`, `aborted_streaming`... Absent for local commands.
        terminal_reason: Option<String> = "terminal_reason",
        /// Why the model stopped.
        stop_reason: Option<String> = "stop_reason",
        /// The HTTP status of a failed API call.
        api_error_status: Option<u16> = "api_error_status",
        /// The API's word for the failure.
        api_error_type: Option<String> = "api_error_type",
        /// What failed when it was not an answer of the API: `connection_failed`, `max_output_tokens`...
        api_error: Option<String> = "api_error",
        /// Why the program could not start, on a result that comes instead of a session.
        startup_failure_reason: Option<String> = "startup_failure_reason",
        /// The validated value, when a JSON Schema was given. See [`structured`](Self::structured).
        structured_output: Option<Value> = "structured_output",
        /// Calls of tools that were denied in this turn.
        permission_denials: Vec<PermissionDenial> = "permission_denials",
        /// The call that a hook put off, which ended the turn.
        deferred_tool_use: Option<DeferredToolUse> = "deferred_tool_use",
        /// US dollars since the process started, and carried over by a resumed session: the cost of a turn is a difference.
        total_cost_usd: Option<f64> = "total_cost_usd",
        /// Tokens of this turn's main conversation.
        usage: Usage = "usage",
        /// What each model used since the process started, and carried over by a resumed session.
        model_usage: ModelUsages = "modelUsage",
        /// What each model used since the result before.
        model_usage_since_last_result: Option<ModelUsages> = "model_usage_since_last_result",
        /// What became of the subagents of the turn.
        subagent_stats: Option<SubagentStats> = "subagent_stats",
        /// Milliseconds the turn took.
        duration_ms: u64 = "duration_ms",
        /// Milliseconds of that spent in API calls.
        duration_api_ms: u64 = "duration_api_ms",
        /// Milliseconds to the first token.
        ttft_ms: Option<f64> = "ttft_ms",
        /// Milliseconds to the first event of the stream.
        ttft_stream_ms: Option<f64> = "ttft_stream_ms",
        /// Milliseconds until the request was sent.
        time_to_request_ms: Option<f64> = "time_to_request_ms",
        /// Milliseconds to the first frame with content.
        first_content_frame_ms: Option<f64> = "first_content_frame_ms",
        /// The CLI's count of steps; not the number of API calls.
        num_turns: u32 = "num_turns",
        /// The number of this result in the process, from 0.
        result_index: Option<u32> = "result_index",
        /// Prompts that still wait.
        queued_turn_count: Option<u32> = "queued_turn_count",
        /// How often a refusal or a filter stopped the model.
        safety_stops: Option<u32> = "safety_stops",
        /// Who began the turn, when it was not a prompt.
        origin: Option<Origin> = "origin",
        /// The slash command that was carried out without the model.
        local_command: Option<String> = "local_command",
        /// The prompt this answers.
        user_message_uuid: Option<String> = "user_message_uuid",
        /// The prompts this answers.
        user_message_uuids: Vec<String> = "user_message_uuids",
        /// Ids of the messages the model began in this turn.
        begun_message_ids: Vec<String> = "begun_message_ids",
        /// `off`, `cooldown` or `on`.
        fast_mode_state: Option<String> = "fast_mode_state",
        /// Why fast mode is off.
        fast_mode_disabled_reason: Option<String> = "fast_mode_disabled_reason",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A call of a tool that was denied.
    pub struct PermissionDenial {
        /// The tool.
        tool_name: String = "tool_name",
        /// The call.
        tool_use_id: String = "tool_use_id",
        /// Its input.
        tool_input: Value = "tool_input",
    }

    /// A call of a tool that a hook put off.
    pub struct DeferredToolUse {
        /// The call.
        id: String = "id",
        /// The tool.
        name: String = "name",
        /// Its input.
        input: Value = "input",
    }

    /// What became of the subagents of a turn.
    pub struct SubagentStats {
        /// How many were started.
        spawned: u32 = "spawned",
        /// How many were started in the background.
        started_in_background: u32 = "started_in_background",
        /// How deep subagents started subagents.
        max_depth: u32 = "max_depth",
        /// How many were started by subagents.
        spawned_by_subagents: u32 = "spawned_by_subagents",
        /// How many finished.
        completed: u32 = "completed",
        /// How many failed.
        failed: u32 = "failed",
    }
}
