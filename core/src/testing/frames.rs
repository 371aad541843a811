//! The frames the real program says in every turn, with the fields a recording of it has. Scenarios give only what
//! differs.

use serde_json::{Map, Value, json};

/// What belongs to a process and to every frame it writes.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) session_id: String,
    pub(crate) version: String,
    pub(crate) model: String,
    pub(crate) permission_mode: String,
    pub(crate) cwd: String,
    pub(crate) pid: u32,
    /// The agents that the host brought, by name.
    pub(crate) agents: Map<String, Value>,
}

/// All agents, as the program lists them when it is ready.
fn agents(facts: &Facts) -> Vec<Value> {
    let mut all = vec![
        json!({"name": "general-purpose", "description": "For questions and tasks of many steps"}),
        json!({"name": "Explore", "description": "Finds things in a code base", "model": "inherit"}),
    ];
    for (name, agent) in &facts.agents {
        let mut listed = json!({"name": name, "description": agent["description"]});
        if let Some(model) = agent.get("model") {
            listed["model"] = model.clone();
        }
        all.push(listed);
    }
    all
}

/// The answer to `initialize`, without its envelope.
pub(crate) fn initialize(facts: &Facts) -> Value {
    json!({
        "commands": [
            {"name": "compact", "description": "Free up context by summarizing the conversation so far", "argumentHint": "<optional instructions>", "builtin": true},
            {"name": "clear", "description": "Start a new session with empty context", "argumentHint": "", "aliases": ["reset", "new"], "builtin": true},
        ],
        "agents": agents(facts),
        "output_style": "default",
        "available_output_styles": ["default", "Concise", "Explanatory"],
        "models": [
            {"value": "default", "resolvedModel": facts.model, "displayName": "Default", "description": "The usual choice"},
            {"value": "haiku", "resolvedModel": "claude-haiku-5-5", "displayName": "Haiku", "description": "The quick one"},
        ],
        "account": {"tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY", "apiProvider": "firstParty"},
        "pid": facts.pid,
        "claude_code_version": facts.version,
        "current_permission_mode": facts.permission_mode,
        "fast_mode_state": "off",
        "session_state": "idle",
        "capabilities": ["ui_surface_v1", "mcp_call_result_not_for_model_v1"],
    })
}

/// `system/init`.
pub(crate) fn init(facts: &Facts, uuid: String) -> Map<String, Value> {
    object(json!({
        "type": "system",
        "subtype": "init",
        "cwd": facts.cwd,
        "session_id": facts.session_id,
        "tools": ["Task", "Bash", "Edit", "Read", "Skill", "WebFetch", "WebSearch", "Write"],
        "mcp_servers": [],
        "model": facts.model,
        "permissionMode": facts.permission_mode,
        "slash_commands": ["compact", "clear", "context"],
        "terminal_slash_commands": ["doctor"],
        "apiKeySource": "ANTHROPIC_API_KEY",
        "claude_code_version": facts.version,
        "output_style": "default",
        "agents": agents(facts).iter().map(|agent| agent["name"].clone()).collect::<Vec<_>>(),
        "skills": [],
        "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "interrupt_cancel_queued_v1", "msg_lifecycle_v1"],
        "uuid": uuid,
        "memory_paths": {"auto": "/home/user/.claude/projects/-workspace/memory/"},
        "original_cwd": facts.cwd,
        "additional_directories": [],
        "messaging_socket_path": format!("/tmp/cc-socks/{}.sock", facts.pid),
        "fast_mode_state": "off",
        "view_mode": "default",
    }))
}

/// `assistant` with content blocks.
pub(crate) fn assistant(facts: &Facts, uuid: String, message_id: &str, content: Value) -> Map<String, Value> {
    object(json!({
        "type": "assistant",
        "message": {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": facts.model,
            "content": content,
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage(1),
            "context_management": null,
        },
        "parent_tool_use_id": null,
        "session_id": facts.session_id,
        "uuid": uuid,
        "timestamp": "2026-01-01T00:00:00.000Z",
        "request_id": format!("req_{message_id}"),
    }))
}

/// `user` as the program says it: a note about an interruption, or the result of a tool.
pub(crate) fn user(facts: &Facts, uuid: String, content: Value) -> Map<String, Value> {
    object(json!({
        "type": "user",
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": null,
        "session_id": facts.session_id,
        "uuid": uuid,
        "timestamp": "2026-01-01T00:00:00.000Z",
    }))
}

/// The cost of one turn, in millionths of a dollar.
pub(crate) const TURN_MICRODOLLARS: u64 = 280;

/// `result`, the `index`th of the process.
pub(crate) fn result(facts: &Facts, uuid: String, index: u64, text: &str) -> Map<String, Value> {
    let cost = |turns: u64| (turns * TURN_MICRODOLLARS) as f64 / 1e6;
    let models = |turns: u64| {
        json!({&facts.model: {
            "inputTokens": 10 * turns,
            "outputTokens": 12 * turns,
            "cacheReadInputTokens": 0,
            "cacheCreationInputTokens": 0,
            "webSearchRequests": 0,
            "costUSD": cost(turns),
            "contextWindow": 1_000_000,
            "maxOutputTokens": 128_000,
            "thinkingTokens": 0,
            "canonicalModel": facts.model,
            "provider": "firstParty",
            "costBasis": "list",
        }})
    };
    object(json!({
        "type": "result",
        "subtype": "success",
        "is_error": false,
        "result": text,
        "terminal_reason": "completed",
        "stop_reason": "end_turn",
        "api_error_status": null,
        "num_turns": 1,
        "duration_ms": 117,
        "duration_api_ms": 35,
        "ttft_ms": 97,
        "ttft_stream_ms": 96,
        "time_to_request_ms": 86,
        "first_content_frame_ms": 96,
        "session_id": facts.session_id,
        "uuid": uuid,
        "total_cost_usd": cost(index + 1),
        "usage": usage(12),
        "modelUsage": models(index + 1),
        "model_usage_since_last_result": models(1),
        "permission_denials": [],
        "subagent_stats": {"spawned": 0, "completed": 0, "failed": 0},
        "safety_stops": 0,
        "fast_mode_state": "off",
        "queued_turn_count": 0,
        "result_index": index,
    }))
}

/// `command_lifecycle`.
pub(crate) fn lifecycle(facts: &Facts, uuid: String, command: &str, state: &str) -> Map<String, Value> {
    object(json!({
        "type": "command_lifecycle",
        "command_uuid": command,
        "state": state,
        "uuid": uuid,
        "session_id": facts.session_id,
    }))
}

/// A `stream_event` around an event of the model's API.
pub(crate) fn stream_event(
    facts: &Facts,
    uuid: String,
    message_id: &str,
    event: Value,
) -> Map<String, Value> {
    object(json!({
        "type": "stream_event",
        "event": event,
        "session_id": facts.session_id,
        "parent_tool_use_id": null,
        "uuid": uuid,
        "api_message_id": message_id,
    }))
}

fn usage(output: u64) -> Value {
    json!({
        "input_tokens": 10,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
