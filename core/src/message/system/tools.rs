//! Tools, permissions, hooks and the servers behind them.

use crate::message::shape_macros::shapes;

shapes! {
    /// A call was denied by a rule or a mode; nobody was asked.
    pub struct PermissionDeniedMessage("type" = "system", "subtype" = "permission_denied") {
        /// The tool.
        tool_name: String = "tool_name" needed,
        /// The call.
        tool_use_id: String = "tool_use_id",
        /// What the model is told.
        message: String = "message",
        /// What decided: `rule`, `mode`, `hook`....
        decision_reason_type: Option<String> = "decision_reason_type",
        /// The reason in words.
        decision_reason: Option<String> = "decision_reason",
        /// The subagent whose call it was.
        agent_id: Option<String> = "agent_id",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A hook of the settings began.
    pub struct HookStartedMessage("type" = "system", "subtype" = "hook_started") {
        /// The run of the hook.
        hook_id: String = "hook_id" needed,
        /// The hook.
        hook_name: String = "hook_name",
        /// What it is called for.
        hook_event: String = "hook_event",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A hook of the settings printed something.
    pub struct HookProgressMessage("type" = "system", "subtype" = "hook_progress") {
        /// The run of the hook.
        hook_id: String = "hook_id" needed,
        /// The hook.
        hook_name: String = "hook_name",
        /// What it is called for.
        hook_event: String = "hook_event",
        /// Its output.
        stdout: String = "stdout",
        /// Its error output.
        stderr: String = "stderr",
        /// Both.
        output: String = "output",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A hook of the settings ended.
    pub struct HookResponseMessage("type" = "system", "subtype" = "hook_response") {
        /// The run of the hook.
        hook_id: String = "hook_id" needed,
        /// The hook.
        hook_name: String = "hook_name",
        /// What it was called for.
        hook_event: String = "hook_event",
        /// Its output.
        stdout: String = "stdout",
        /// Its error output.
        stderr: String = "stderr",
        /// Both.
        output: String = "output",
        /// The exit code.
        exit_code: Option<f64> = "exit_code",
        /// `success`, `error` or `cancelled`.
        outcome: String = "outcome",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A question of an MCP server was answered elsewhere.
    pub struct ElicitationCompleteMessage("type" = "system", "subtype" = "elicitation_complete") {
        /// The server.
        mcp_server_name: String = "mcp_server_name",
        /// The question.
        elicitation_id: String = "elicitation_id" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A plugin is installed.
    pub struct PluginInstallMessage("type" = "system", "subtype" = "plugin_install") {
        /// `started`, `installed`, `failed` or `completed`.
        status: String = "status" needed,
        /// The plugin.
        name: Option<String> = "name",
        /// Why it failed.
        error: Option<String> = "error",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }
}
