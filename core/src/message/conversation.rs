//! What was said: the messages of the model, and those of the user's side (tool results, prompts).

use serde_json::Value;

use super::{Content, Usage, shape_macros::shapes};

shapes! {
    /// One completed content block. Several share a `message.id`; their usage is not final and must not be added up.
    pub struct AssistantMessage("type" = "assistant") {
        /// The message of the model.
        message: ApiMessage = "message" needed,
        /// The tool call whose subagent said this; `None` for the main conversation.
        parent_tool_use_id: Option<String> = "parent_tool_use_id",
        /// The subagent that said this.
        agent_id: Option<String> = "agent_id",
        /// The kind of that subagent.
        subagent_type: Option<String> = "subagent_type",
        /// What that subagent was started for.
        task_description: Option<String> = "task_description",
        /// Why the model's API failed, on messages the CLI makes up to say so: `authentication_failed`, `rate_limit`...
        error: Option<String> = "error",
        /// Whether the CLI made this up to say that the API failed.
        is_api_error_message: bool = "is_api_error_message",
        /// The HTTP status of the failed call.
        api_error_status: Option<u16> = "api_error_status",
        /// The API's word for the failure.
        api_error_type: Option<String> = "api_error_type",
        /// What failed when it was not an answer of the API: `connection_failed`, `max_output_tokens`...
        api_error: Option<String> = "api_error",
        /// Whether the message was cut short by an interrupt.
        aborted: bool = "aborted",
        /// The API's id of the request.
        request_id: Option<String> = "request_id",
        /// When it was said, ISO 8601.
        timestamp: Option<String> = "timestamp",
        /// The prompt this answers.
        user_message_uuid: Option<String> = "user_message_uuid",
        /// The prompts this answers.
        user_message_uuids: Vec<String> = "user_message_uuids",
        /// Names to show for the calls of MCP tools in this message.
        tool_use_meta: Vec<ToolUseMeta> = "tool_use_meta",
        /// Frames that this one replaces.
        supersedes: Vec<String> = "supersedes",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A message as the model's API gives it.
    pub struct ApiMessage {
        /// The API's id of the message.
        id: String = "id",
        /// The model, or `<synthetic>` for what the CLI wrote itself.
        model: String = "model",
        /// What was said.
        content: Content = "content" needed,
        /// Why the model stopped, when known.
        stop_reason: Option<String> = "stop_reason",
        /// The text at which it stopped, when it was told to.
        stop_sequence: Option<String> = "stop_sequence",
        /// Tokens so far.
        usage: Usage = "usage",
    }

    /// Names to show for a call of an MCP tool.
    pub struct ToolUseMeta {
        /// The call.
        id: String = "id",
        /// The tool, for people.
        display_name: Option<String> = "display_name",
        /// The server, for people.
        server_display_name: Option<String> = "server_display_name",
        /// The tool, as its server calls it.
        tool_name: Option<String> = "tool_name",
    }

    /// A tool result, a replayed or a synthetic prompt.
    pub struct UserMessage("type" = "user") {
        /// The message.
        message: UserContent = "message" needed,
        /// The tool call whose subagent this belongs to.
        parent_tool_use_id: Option<String> = "parent_tool_use_id",
        /// The subagent this belongs to.
        agent_id: Option<String> = "agent_id",
        /// The kind of that subagent.
        subagent_type: Option<String> = "subagent_type",
        /// What that subagent was started for.
        task_description: Option<String> = "task_description",
        /// The result of a tool as the tool gave it: an object, a text that starts with `Error:`, or a list of blocks.
        tool_use_result: Option<Value> = "tool_use_result",
        /// How the calls whose results this holds were decided.
        tool_result_meta: Vec<ToolResultMeta> = "tool_result_meta",
        /// Whether the CLI made it up.
        is_synthetic: bool = "isSynthetic",
        /// Whether it is a prompt, said again.
        is_replay: bool = "isReplay",
        /// Who said it.
        origin: Option<Origin> = "origin",
        /// When it was said, ISO 8601.
        timestamp: Option<String> = "timestamp",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The message inside a [`UserMessage`].
    pub struct UserContent {
        /// What was said.
        content: Content = "content" needed,
    }

    /// How a call of a tool was decided.
    pub struct ToolResultMeta {
        /// The call.
        id: String = "id",
        /// Why the tool did not run, when it did not.
        non_execution_kind: Option<String> = "non_execution_kind",
        /// Who decided, and what.
        permission_decision: Option<PermissionDecision> = "permission_decision",
    }

    /// Who decided about a call of a tool, and what.
    pub struct PermissionDecision {
        /// `accept` or `reject`.
        decision: String = "decision",
        /// Where the decision comes from: `config`, `hook`, the host...
        source: Option<String> = "source",
        /// What kind of reason it had.
        reason_type: Option<String> = "reason_type",
    }

    /// Who or what began a message or a turn.
    pub struct Origin {
        /// `human`, `task-notification`, `peer`, `auto-continuation`...
        kind: String = "kind",
    }
}
