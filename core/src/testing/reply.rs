//! What the real program answers to control requests when nobody says otherwise, and what it remembers of them.

use serde_json::{Map, Value, json};

use super::frames::{self, Facts};

/// What control requests change and later ones tell.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The model the process was started with.
    first_model: Option<String>,
    /// MCP servers by name: configuration and whether they are on.
    servers: Map<String, Value>,
    /// The servers that are switched off.
    off: Vec<String>,
    /// Results so far.
    pub(crate) results: u64,
    /// Whether everything may pass was said at the start.
    bypass: bool,
}

/// The answer to a control request, and what stands around it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// Frames before the answer; the player adds what every frame has.
    pub(crate) before: Vec<Value>,
    pub(crate) response: Value,
    /// Frames behind the answer.
    pub(crate) after: Vec<Value>,
    /// The program ends after this answer.
    pub(crate) ends: bool,
}

impl Reply {
    fn before(mut self, frame: Value) -> Self {
        self.before.push(frame);
        self
    }
}

/// Requests that are only acknowledged, without a payload.
const ACKNOWLEDGED: [&str; 5] = [
    "set_max_thinking_tokens",
    "mcp_message",
    "seed_read_state",
    "apply_flag_settings",
    "set_has_subscribers",
];

/// Requests that are only acknowledged, with an empty payload.
const EMPTY: [&str; 3] = ["update_settings", "stop_task", "background_tasks"];

const MODES: [&str; 6] = ["acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"];

/// The answer to any request but `initialize`, `interrupt` and `cancel_async_message`, which are the player's. `known` says
/// whether a prompt was seen.
pub(crate) fn to(
    id: &Value,
    request: &Value,
    facts: &mut Facts,
    memory: &mut Memory,
    known: impl Fn(&str) -> bool,
) -> Reply {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let say = |payload: Value| Reply { response: success(id, Some(payload)), ..Reply::default() };
    let refuse = |error: &str| Reply { response: failure(id, error, None), ..Reply::default() };
    let subtype = request["subtype"].as_str().unwrap_or("undefined");
    match subtype {
        "set_model" => {
            let first = memory.first_model.get_or_insert_with(|| facts.model.clone());
            let model = request["model"].as_str().filter(|model| *model != "default").unwrap_or(first);
            facts.model = model.to_owned();
            let note = format!("<local-command-stdout>Set model to `{model}`</local-command-stdout>");
            say(json!({"model": model})).before(json!({
                "type": "user", "message": {"role": "user", "content": note}, "parent_tool_use_id": null, "isReplay": true,
            }))
        }
        "apply_flag_settings" if !has_agent(&request["settings"]["agent"], facts) => {
            refuse(&format!("Agent {} not found", request["settings"]["agent"]))
        }
        "set_permission_mode" => set_mode(id, text("mode"), facts, memory),
        "set_mcp_permission_mode_override" if memory.servers.contains_key(text("serverName")) => say(json!({})),
        "set_mcp_permission_mode_override" => say(json!({"warning": format!(
            "MCP server '{}' is not yet known; override stored but will not apply until a server with that exact name \
             connects.", text("serverName"))})),
        "mcp_status" => say(json!({"mcpServers": memory.statuses()})),
        "mcp_set_servers" => say(memory.replace(request["servers"].as_object().cloned().unwrap_or_default())),
        "mcp_reconnect" | "mcp_toggle" => match memory.switch(text("serverName"), request["enabled"] != false) {
            true => Reply { response: success(id, None), ..Reply::default() },
            false => refuse(&format!("Server not found: {}", text("serverName"))),
        },
        "mcp_read_resource" => refuse(&format!("Server not found: {}", text("serverName"))),
        "mcp_call" => match text("tool").split("__").nth(1).unwrap_or_default() {
            server if memory.servers.contains_key(server) => {
                let arguments = request["arguments"].to_string();
                say(json!({"content": [{"type": "text", "text": arguments}]}))
            }
            server => refuse(&format!("MCP server not connected: {server}")),
        },
        "rewind_files" if !known(text("user_message_id")) => {
            refuse("No file checkpoint found for this message.")
        }
        "rewind_files" if request["dry_run"] == true => {
            say(json!({"canRewind": true, "filesChanged": [], "insertions": 0, "deletions": 0}))
        }
        "rewind_files" => say(json!({"canRewind": true, "skippedLinks": 0})),
        "read_file" => read_file(id, request, &facts.cwd),
        "file_suggestions" => say(json!({"suggestions": [], "cwd": facts.cwd})),
        "register_repo_root" => say(json!({"directory": text("directory")})),
        "get_task_output" => {
            refuse("get_task_output: no shell or Monitor task with that task_id in this session")
        }
        "get_context_usage" => say(json!({
            "categories": [
                {"id": "messages", "name": "Messages", "tokens": 438, "color": "purple_FOR_SUBAGENTS_ONLY", "kind": "used"},
                {"id": "free_space", "name": "Free space", "tokens": 999_562, "color": "promptBorder", "kind": "free"},
            ],
            "totalTokens": 438, "maxTokens": 1_000_000, "rawMaxTokens": 1_000_000, "percentage": 0,
            "model": facts.model, "memoryFiles": [], "mcpTools": [], "agents": [],
        })),
        "get_session_cost" => say(json!({"text": format!("Estimated cost:        ${:.4}", memory.cost())})),
        "get_usage" => say(json!({
            "session": {
                "total_cost_usd": memory.cost(), "total_api_duration_ms": 35 * memory.results,
                "total_duration_ms": 117 * memory.results, "total_lines_added": 0, "total_lines_removed": 0,
                "model_usage": {},
            },
            "subscription_type": null, "rate_limits_available": false, "rate_limits": null, "behaviors": null,
        })),
        "get_settings" => {
            say(json!({"effective": {}, "sources": [], "applied": {"model": facts.model, "effort": "medium"}}))
        }
        "list_permission_rules" => say(json!({"state": {
            "rules": [], "workspaceDirectories": [], "originalCwd": facts.cwd, "managedOnly": false,
        }})),
        "get_hooks_listing" => say(json!({"events": [], "hooks": [], "eventCatalog": [
            {"name": "PreToolUse", "summary": "Before tool execution", "supportsMatcher": true},
            {"name": "Stop", "summary": "Right before Claude concludes its response", "supportsMatcher": false},
        ]})),
        "list_models" => say(json!({"models": frames::initialize(facts)["models"]})),
        "get_binary_version" => say(json!({"version": facts.version, "buildTime": "2026-01-01T00:00:00Z"})),
        "rename_session" => {
            let title = json!({"type": "system", "subtype": "session_title_changed", "title": text("title")});
            Reply { response: success(id, None), ..Reply::default() }.before(title)
        }
        "generate_session_title" => say(json!({"title": null})),
        "side_question" => say(json!({"response": format!("Echo: {}", text("question")), "synthetic": false}))
            .before(json!({"type": "system", "subtype": "control_request_progress", "request_id": id, "status": "started"})),
        "reload_plugins" => {
            let known = frames::initialize(facts);
            say(json!({
                "commands": known["commands"], "agents": known["agents"], "plugins": [],
                "mcpServers": memory.statuses(), "error_count": 0,
            }))
        }
        "reload_skills" => say(json!({"skills": []})),
        "reload_output_styles" => {
            say(json!({"available_output_styles": frames::initialize(facts)["available_output_styles"]}))
        }
        "end_session" => Reply { response: success(id, None), ends: true, ..Reply::default() },
        known if ACKNOWLEDGED.contains(&known) => Reply { response: success(id, None), ..Reply::default() },
        known if EMPTY.contains(&known) => say(json!({})),
        unknown => {
            let error = format!("Unsupported control request subtype: {unknown}");
            Reply { response: failure(id, &error, Some("unsupported_request")), ..Reply::default() }
        }
    }
}

/// Whether there is an agent of this name, if it is one.
fn has_agent(name: &Value, facts: &Facts) -> bool {
    let listed = frames::initialize(facts)["agents"].clone();
    !name.is_string() || listed.as_array().into_iter().flatten().any(|agent| agent["name"] == *name)
}

fn set_mode(id: &Value, mode: &str, facts: &mut Facts, memory: &Memory) -> Reply {
    let refuse = |error: &str, code| Reply { response: failure(id, error, Some(code)), ..Reply::default() };
    let mode = if mode == "manual" { "default" } else { mode };
    if !MODES.contains(&mode) {
        let error = format!("Cannot set permission mode: must be one of {}", MODES.join(", "));
        return refuse(&error, "invalid_mode");
    }
    if mode == "bypassPermissions" && !memory.bypass && facts.permission_mode != mode {
        let error = "Cannot set permission mode to bypassPermissions because the session was not launched with \
                     --dangerously-skip-permissions";
        return refuse(error, "bypass_not_launched");
    }
    mode.clone_into(&mut facts.permission_mode);
    Reply {
        response: success(id, Some(json!({"mode": mode}))),
        after: vec![json!({"type": "system", "subtype": "status", "status": null, "permissionMode": mode})],
        ..Reply::default()
    }
}

fn read_file(id: &Value, request: &Value, cwd: &str) -> Reply {
    let path = request["path"].as_str().unwrap_or_default();
    let full = std::path::Path::new(cwd).join(path);
    let response = match std::fs::read(&full) {
        Err(_) => failure(id, &format!("read denied: {path}"), None),
        Ok(bytes) => {
            let limit = request["max_bytes"].as_u64().and_then(|limit| usize::try_from(limit).ok());
            let kept = &bytes[..limit.unwrap_or(usize::MAX).min(bytes.len())];
            let contents = String::from_utf8_lossy(kept);
            let mut payload = json!({
                "contents": contents, "absPath": full, "lossy": contents.as_bytes() != kept, "requested_path": path,
            });
            if kept.len() < bytes.len() {
                payload["truncated"] = true.into();
            }
            success(id, Some(payload))
        }
    };
    Reply { response, ..Reply::default() }
}

impl Memory {
    /// Of a process with these arguments.
    pub(crate) fn new(args: &[String]) -> Self {
        let bypass = args.iter().any(|arg| arg.ends_with("dangerously-skip-permissions"));
        Self { bypass, ..Self::default() }
    }

    fn cost(&self) -> f64 {
        (self.results * frames::TURN_MICRODOLLARS) as f64 / 1e6
    }

    /// Servers that the host serves itself, named when it opened the conversation.
    pub(crate) fn declare(&mut self, names: &Value) {
        for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.servers.insert(name.to_owned(), json!({"type": "sdk", "name": name}));
        }
    }

    fn statuses(&self) -> Vec<Value> {
        let status = |(name, config): (&String, &Value)| {
            let transport = config["type"].as_str().unwrap_or("stdio");
            let source = if transport == "sdk" { "sdk" } else { "dynamic" };
            let status = if self.off.contains(name) { "disabled" } else { "connected" };
            json!({
                "name": name, "status": status, "serverInfo": {"name": name, "version": "1"}, "config": config,
                "transport": transport, "scope": "dynamic", "source": source, "tools": [],
            })
        };
        self.servers.iter().map(status).collect()
    }

    fn replace(&mut self, servers: Map<String, Value>) -> Value {
        let missing = |from: &Map<String, Value>, among: &Map<String, Value>| {
            from.keys().filter(|name| !among.contains_key(*name)).cloned().collect::<Vec<_>>()
        };
        let changes = json!({
            "added": missing(&servers, &self.servers), "removed": missing(&self.servers, &servers), "errors": {},
        });
        self.servers = servers;
        changes
    }

    /// Whether there is such a server; then it is on or off from now on.
    fn switch(&mut self, name: &str, on: bool) -> bool {
        self.off.retain(|off| off != name);
        if !on {
            self.off.push(name.to_owned());
        }
        self.servers.contains_key(name)
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

fn failure(id: &Value, error: &str, code: Option<&str>) -> Value {
    let mut response = json!({"subtype": "error", "request_id": id, "error": error});
    if let Some(code) = code {
        response["error_code"] = code.into();
    }
    json!({"type": "control_response", "response": response})
}

/// The answer a scenario gives instead: `{"response": {...}}`, or `{"error": "...", "error_code": "..."}`.
pub(crate) fn given(id: &Value, answer: &Value) -> Reply {
    let mut response = answer.as_object().cloned().unwrap_or_default();
    let subtype = if response.contains_key("error") { "error" } else { "success" };
    response.insert("subtype".to_owned(), subtype.into());
    response.insert("request_id".to_owned(), id.clone());
    Reply { response: json!({"type": "control_response", "response": response}), ..Reply::default() }
}
