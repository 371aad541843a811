//! Facts about the session: how it stands, what it can do, what was cut from it.

use serde_json::Value;

use crate::message::shape_macros::shapes;

shapes! {
    /// The start of a turn: what the session is and what it can use.
    pub struct InitMessage("type" = "system", "subtype" = "init") {
        /// The working directory.
        cwd: String = "cwd",
        /// The model.
        model: String = "model",
        /// `default`, `acceptEdits`, `plan`, `dontAsk`, `auto` or `bypassPermissions`.
        permission_mode: String = "permissionMode",
        /// Names of the tools. What is `Task` here is called `Agent` in calls.
        tools: Vec<String> = "tools",
        /// The MCP servers.
        mcp_servers: Vec<McpServerState> = "mcp_servers",
        /// Names of the slash commands.
        slash_commands: Vec<String> = "slash_commands",
        /// Those that work in a terminal only.
        terminal_slash_commands: Vec<String> = "terminal_slash_commands",
        /// Names of the agents.
        agents: Vec<String> = "agents",
        /// Names of the skills.
        skills: Vec<String> = "skills",
        /// The plugins.
        plugins: Vec<PluginInfo> = "plugins",
        /// Plugins that could not be loaded.
        plugin_errors: Vec<PluginError> = "plugin_errors",
        /// Where the credentials come from.
        api_key_source: String = "apiKeySource",
        /// The version of the program.
        claude_code_version: String = "claude_code_version",
        /// The output style.
        output_style: String = "output_style",
        /// What the program says it can do.
        capabilities: Vec<String> = "capabilities",
        /// Beta features of the API in use.
        betas: Vec<String> = "betas",
        /// The directory the program was started in.
        original_cwd: Option<String> = "original_cwd",
        /// Further directories that tools may use.
        additional_directories: Vec<String> = "additional_directories",
        /// How hard the model thinks.
        effort: Option<String> = "effort",
        /// `off`, `cooldown` or `on`.
        fast_mode_state: Option<String> = "fast_mode_state",
        /// `default` or `focus`.
        view_mode: Option<String> = "view_mode",
        /// The prompts this turn answers.
        user_message_uuids: Vec<String> = "user_message_uuids",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The permission mode changed, a request goes out, or the conversation is compacted.
    pub struct StatusMessage("type" = "system", "subtype" = "status") {
        /// `requesting` before a call of the API, `compacting`, or nothing.
        status: Option<String> = "status",
        /// The permission mode, when it changed.
        permission_mode: Option<String> = "permissionMode",
        /// `success` or `failed`, after compacting.
        compact_result: Option<String> = "compact_result",
        /// Why compacting failed.
        compact_error: Option<String> = "compact_error",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// What was said before this was replaced by a summary.
    pub struct CompactBoundaryMessage("type" = "system", "subtype" = "compact_boundary") {
        /// What was compacted.
        compact_metadata: CompactMetadata = "compact_metadata" needed,
        /// The last message before.
        logical_parent_uuid: Option<String> = "logical_parent_uuid",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The session began or stopped working.
    pub struct SessionStateChangedMessage("type" = "system", "subtype" = "session_state_changed") {
        /// `running`, `idle` or `requires_action`.
        state: String = "state" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The session got a title.
    pub struct SessionTitleChangedMessage("type" = "system", "subtype" = "session_title_changed") {
        /// The title.
        title: String = "title" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The slash commands changed.
    pub struct CommandsChangedMessage("type" = "system", "subtype" = "commands_changed") {
        /// All of them, as the program lists them.
        commands: Vec<Value> = "commands" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The program is about to end.
    pub struct WorkerShuttingDownMessage("type" = "system", "subtype" = "worker_shutting_down") {
        /// Why.
        reason: String = "reason",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A screen that shows the session should be drawn again.
    pub struct UiInvalidateMessage("type" = "system", "subtype" = "ui_invalidate") {
        /// What changed.
        event: String = "event",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// An MCP server.
    pub struct McpServerState {
        /// Its name.
        name: String = "name",
        /// `connected`, `failed`, `needs-auth`, `pending` or `disabled`.
        status: String = "status",
        /// Where it was configured: `sdk`, `dynamic`....
        source: Option<String> = "source",
    }

    /// A plugin.
    pub struct PluginInfo {
        /// Its name.
        name: String = "name",
        /// Where it is, or `builtin`.
        path: String = "path",
        /// Where it comes from.
        source: Option<String> = "source",
        /// Its version.
        version: Option<String> = "version",
    }

    /// A plugin that could not be loaded.
    pub struct PluginError {
        /// The plugin.
        plugin: String = "plugin",
        /// What kind of error.
        kind: String = "type",
        /// The error.
        message: String = "message",
        /// The file.
        path: Option<String> = "path",
    }

    /// What was compacted.
    pub struct CompactMetadata {
        /// `manual` or `auto`.
        trigger: String = "trigger",
        /// Tokens before.
        pre_tokens: u64 = "pre_tokens",
        /// Tokens after.
        post_tokens: Option<u64> = "post_tokens",
        /// Milliseconds it took.
        duration_ms: Option<f64> = "duration_ms",
        /// The messages that were kept.
        preserved_segment: Option<PreservedSegment> = "preserved_segment",
        /// The same, by name.
        preserved_messages: Option<PreservedMessages> = "preserved_messages",
    }

    /// A run of messages that was kept.
    pub struct PreservedSegment {
        /// The first.
        head_uuid: String = "head_uuid",
        /// What they hang on.
        anchor_uuid: String = "anchor_uuid",
        /// The last.
        tail_uuid: String = "tail_uuid",
    }

    /// Messages that were kept.
    pub struct PreservedMessages {
        /// What they hang on.
        anchor_uuid: String = "anchor_uuid",
        /// The messages.
        uuids: Vec<String> = "uuids",
    }
}
