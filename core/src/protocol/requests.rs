//! Every control request a host may send, as data: for the documentation, and for a test that holds the methods to it.

/// One control request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRequest {
    /// The CLI's name of the request.
    pub subtype: &'static str,
    /// The method of [`SessionHandle`](crate::SessionHandle) that sends it, the same in every language.
    pub method: &'static str,
    /// Its fields, those that may be left out with `?` behind them.
    pub fields: &'static [&'static str],
    /// The fields of the answer this library has names for; empty for one that is only acknowledged.
    pub answer: &'static [&'static str],
    /// The scenario of `tests/conformance` that shows it.
    pub scenario: &'static str,
}

const fn row(
    subtype: &'static str,
    method: &'static str,
    fields: &'static [&'static str],
    answer: &'static [&'static str],
    scenario: &'static str,
) -> ControlRequest {
    ControlRequest { subtype, method, fields, answer, scenario }
}

/// Every control request a host may send, but `initialize`, which opens a session. Anything else goes through
/// [`SessionHandle::control`](crate::SessionHandle::control).
#[rustfmt::skip]
pub const CONTROL_REQUESTS: &[ControlRequest] = &[
    row("interrupt", "interrupt", &["cancel_queued?"], &["still_queued", "cancelled"], "interrupt_mid_stream"),
    row("set_model", "set_model", &["model"], &["model"], "call_set_model"),
    row("set_permission_mode", "set_permission_mode", &["mode"], &["mode"], "call_modes"),
    row("set_mcp_permission_mode_override", "set_mcp_permission_mode_override", &["serverName", "mode"], &["warning"], "control_servers"),
    row("set_max_thinking_tokens", "set_max_thinking_tokens", &["max_thinking_tokens", "thinking_display?"], &[], "call_modes"),
    row("apply_flag_settings", "apply_flag_settings", &["settings"], &[], "call_settings"),
    row("update_settings", "update_settings", &["source", "settings"], &[], "call_settings"),
    row("mcp_status", "mcp_server_status", &[], &["mcpServers"], "call_mcp"),
    row("mcp_set_servers", "set_mcp_servers", &["servers"], &["added", "removed", "errors"], "call_mcp"),
    row("mcp_reconnect", "reconnect_mcp_server", &["serverName"], &[], "call_mcp"),
    row("mcp_toggle", "toggle_mcp_server", &["serverName", "enabled"], &[], "call_mcp"),
    row("mcp_call", "mcp_call", &["tool", "arguments"], &["content", "structuredContent"], "call_mcp"),
    row("mcp_read_resource", "read_mcp_resource", &["serverName", "uri"], &["contents"], "control_read_resource"),
    row("mcp_message", "mcp_message", &["server_name", "message"], &[], "control_servers"),
    row("rewind_files", "rewind_files", &["user_message_id", "dry_run?"],
        &["canRewind", "error", "filesChanged", "insertions", "deletions", "skippedLinks"], "call_rewind_files"),
    row("read_file", "read_file", &["path", "max_bytes?", "encoding?"],
        &["contents", "absPath", "lossy", "truncated", "encoding", "requested_path"], "call_read_file"),
    row("seed_read_state", "seed_read_state", &["path", "mtime"], &[], "control_files"),
    row("file_suggestions", "file_suggestions", &["query"], &["suggestions", "cwd"], "control_files"),
    row("register_repo_root", "register_repo_root", &["directory"], &["directory"], "control_files"),
    row("stop_task", "stop_task", &["task_id"], &[], "call_tasks"),
    row("background_tasks", "background_tasks", &["tool_use_id?"], &[], "call_tasks"),
    row("get_task_output", "get_task_output", &["task_id"], &["output", "total_bytes", "truncated"], "call_tasks"),
    row("cancel_async_message", "cancel_async_message", &["message_uuid"], &["cancelled", "message_uuid"], "call_tasks"),
    row("get_context_usage", "get_context_usage", &["detail?"],
        &["categories", "totalTokens", "maxTokens", "rawMaxTokens", "percentage", "model"], "call_info"),
    row("get_usage", "get_usage", &["skip_behaviors?"],
        &["session", "subscription_type", "rate_limits_available", "rate_limits", "behaviors"], "call_info"),
    row("get_session_cost", "get_session_cost", &[], &["text"], "call_info"),
    row("get_settings", "get_settings", &[], &["effective", "sources", "applied"], "call_settings"),
    row("list_permission_rules", "list_permission_rules", &[], &["state"], "call_settings"),
    row("get_hooks_listing", "get_hooks_listing", &[], &["events", "hooks", "eventCatalog"], "call_settings"),
    row("list_models", "list_models", &[], &["models"], "call_info"),
    row("get_binary_version", "get_binary_version", &[], &["version", "buildTime"], "call_info"),
    row("rename_session", "rename_session", &["title"], &[], "call_titles"),
    row("generate_session_title", "generate_session_title", &["description", "persist"], &["title"], "call_titles"),
    row("side_question", "side_question", &["question"], &["response", "synthetic"], "call_side_question"),
    row("reload_plugins", "reload_plugins", &[],
        &["commands", "agents", "plugins", "mcpServers", "error_count"], "call_reload"),
    row("reload_skills", "reload_skills", &[], &["skills"], "call_reload"),
    row("reload_output_styles", "reload_output_styles", &[], &["available_output_styles"], "call_reload"),
    row("set_has_subscribers", "set_has_subscribers", &["has_subscribers"], &[], "call_titles"),
    row("set_color", "set_color", &["color"], &[], "call_titles"),
    row("end_session", "end_session", &["reason"], &[], "call_end_session"),
];
