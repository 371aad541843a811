//! What the real program answers to control requests when nobody says otherwise.

use serde_json::{Map, Value, json};

/// An answer to a control request, and a `system/status` frame that follows some of them.
pub(crate) struct Reply {
    pub(crate) response: Value,
    /// The new permission mode, announced after the answer.
    pub(crate) mode: Option<String>,
    /// The program ends after this answer.
    pub(crate) ends: bool,
}

/// Requests that are only acknowledged.
const ACKNOWLEDGED: [&str; 12] = [
    "set_max_thinking_tokens",
    "mcp_message",
    "mcp_toggle",
    "mcp_reconnect",
    "seed_read_state",
    "apply_flag_settings",
    "update_settings",
    "rename_session",
    "set_has_subscribers",
    "register_repo_root",
    "stop_task",
    "background_tasks",
];

const MODES: [&str; 7] = ["default", "manual", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"];

/// The answer to any request but `initialize` and `interrupt`.
pub(crate) fn to(id: &Value, request: &Value, version: &str) -> Reply {
    let subtype = request["subtype"].as_str();
    let plain = |response| Reply { response, mode: None, ends: false };
    match subtype {
        Some("set_model") => plain(success(id, Some(json!({"model": request["model"]})))),
        Some("set_permission_mode") => match request["mode"].as_str().filter(|mode| MODES.contains(mode)) {
            Some(mode) => Reply {
                response: success(id, Some(json!({"mode": mode}))),
                mode: Some(mode.to_owned()),
                ends: false,
            },
            None => plain(failure(id, "Invalid permission mode", "invalid_mode")),
        },
        Some("mcp_status") => plain(success(id, Some(json!({"mcpServers": []})))),
        Some("mcp_set_servers") => {
            plain(success(id, Some(json!({"added": [], "removed": [], "errors": {}}))))
        }
        Some("cancel_async_message") => plain(success(id, Some(json!({"cancelled": false})))),
        Some("get_binary_version") => plain(success(id, Some(json!({"version": version})))),
        Some("get_session_cost") => plain(success(id, Some(json!({"text": "Total cost: $0.00"})))),
        Some("get_context_usage") => plain(success(
            id,
            Some(
                json!({"categories": [], "totalTokens": 0, "maxTokens": 1_000_000, "rawMaxTokens": 1_000_000}),
            ),
        )),
        Some("end_session") => Reply { response: success(id, None), mode: None, ends: true },
        Some(known) if ACKNOWLEDGED.contains(&known) => plain(success(id, None)),
        _ => plain(failure(
            id,
            &format!("Unsupported control request subtype: {}", subtype.unwrap_or("undefined")),
            "unsupported_request",
        )),
    }
}

/// A `control_response` of success, with its payload when it has one.
pub(crate) fn success(id: &Value, payload: Option<Value>) -> Value {
    let mut response = Map::new();
    response.insert("subtype".to_owned(), json!("success"));
    response.insert("request_id".to_owned(), id.clone());
    if let Some(payload) = payload {
        response.insert("response".to_owned(), payload);
    }
    json!({"type": "control_response", "response": response})
}

fn failure(id: &Value, error: &str, code: &str) -> Value {
    json!({"type": "control_response", "response": {
        "subtype": "error", "request_id": id, "error": error, "error_code": code,
    }})
}
