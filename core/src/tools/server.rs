//! The server's side of MCP, as far as the program speaks it with a server inside the host: initialize, ping, the list of
//! tools, calls and notifications. Pure: a message goes in, what is to be done comes out.
//!
//! The types are our own. The Rust SDK of MCP (`rmcp`) brings its service loop, transports' traits and generated schemas for
//! five methods whose frames must pass through as JSON anyway (`docs/adr/0009-own-mcp-types.md`).

use serde_json::{Map, Value, json};

use super::{ServerSpec, ToolSpec};

/// Versions of MCP this server speaks; they do not differ in what is used here. The first is offered when the program
/// wants another.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    /// This JSON-RPC answer.
    Reply(Value),
    /// A tool is to be called; its result becomes the answer.
    Call(Call),
    /// A call is not wanted any more.
    Cancelled(Value),
    /// Nothing.
    Noted,
}

/// A call of a tool.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    /// The JSON-RPC id its answer carries.
    pub(crate) id: Value,
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    pub(crate) meta: Map<String, Value>,
}

impl Call {
    /// What progress of this call refers to, when the program wants to hear of it.
    pub(crate) fn progress_token(&self) -> Option<&Value> {
        self.meta.get("progressToken").filter(|token| !token.is_null())
    }
}

/// Reads one message of the program.
pub(crate) fn receive(server: &ServerSpec, message: &Value) -> Received {
    let method = message.get("method").and_then(Value::as_str);
    let id = message.get("id").filter(|id| !id.is_null());
    let params = message.get("params").unwrap_or(&Value::Null);
    match (method, id) {
        (Some(method), Some(id)) => request(server, method, id, params),
        (Some("notifications/cancelled"), None) => Received::Cancelled(params["requestId"].clone()),
        (Some(_), None) => Received::Noted,
        // An answer to a request of ours; there is none.
        (None, Some(_)) if message.get("result").is_some() || message.get("error").is_some() => {
            Received::Noted
        }
        (None, id) => Received::Reply(failure(
            id.unwrap_or(&Value::Null),
            INVALID_REQUEST,
            "expected a JSON-RPC message with a `method`",
        )),
    }
}

fn request(server: &ServerSpec, method: &str, id: &Value, params: &Value) -> Received {
    match method {
        "initialize" => Received::Reply(success(id, initialize(server, params))),
        "ping" => Received::Reply(success(id, json!({}))),
        "tools/list" => Received::Reply(success(id, json!({"tools": server.tools}))),
        "tools/call" => call(server, id, params),
        _ => Received::Reply(failure(
            id,
            METHOD_NOT_FOUND,
            &format!("the server `{}` has no method `{method}`", server.name),
        )),
    }
}

fn initialize(server: &ServerSpec, params: &Value) -> Value {
    let wanted = params["protocolVersion"].as_str().unwrap_or_default();
    let version = if VERSIONS.contains(&wanted) { wanted } else { VERSIONS[0] };
    let mut result = json!({
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": {"name": server.name, "version": server.version},
    });
    if let Some(instructions) = &server.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    result
}

fn call(server: &ServerSpec, id: &Value, params: &Value) -> Received {
    let refused = |problem: &str| Received::Reply(failure(id, INVALID_PARAMS, problem));
    let Some(name) = params.get("name").and_then(Value::as_str) else {
        return refused("params.name: expected the name of a tool");
    };
    let Some(tool) = server.tools.iter().find(|tool| tool.name == name) else {
        return refused(&format!("the server `{}` has no tool `{name}`", server.name));
    };
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => json!({}),
        Some(given @ Value::Object(_)) => given.clone(),
        Some(_) => return refused("params.arguments: expected an object"),
    };
    if let Err(problem) = tool.compiled_input.check(&tool.input_schema, &arguments, "arguments") {
        // A result, not an error of the protocol: the model reads it and can try again.
        return Received::Reply(success(id, error_result(&format!("{name}: {problem}"))));
    }
    let meta = params.get("_meta").and_then(Value::as_object).cloned().unwrap_or_default();
    Received::Call(Call { id: id.clone(), tool: name.to_owned(), arguments, meta })
}

/// Checks what the host gave for a call; the problem names the field.
pub(crate) fn check_result(tool: Option<&ToolSpec>, result: &Value) -> Result<(), String> {
    let fields = result.as_object().ok_or("expected an object with `content`")?;
    let content = fields.get("content").and_then(Value::as_array);
    let content = content.ok_or("content: expected a list of content blocks")?;
    for (index, block) in content.iter().enumerate() {
        check_block(block).map_err(|problem| format!("content[{index}].{problem}"))?;
    }
    let failed = match fields.get("isError") {
        None => false,
        Some(Value::Bool(failed)) => *failed,
        Some(_) => return Err("isError: expected true or false".to_owned()),
    };
    let structured = fields.get("structuredContent");
    if structured.is_some_and(|value| !value.is_object()) {
        return Err("structuredContent: expected an object".to_owned());
    }
    match tool.and_then(|tool| Some((tool, tool.output_schema.as_ref()?))) {
        Some((tool, schema)) if !failed => {
            tool.compiled_output.check(schema, structured.unwrap_or(&Value::Null), "structuredContent")
        }
        _ => Ok(()),
    }
}

/// What each kind of content block must hold, by MCP.
fn check_block(block: &Value) -> Result<(), String> {
    let needed: &[&str] = match block.get("type").and_then(Value::as_str) {
        Some("text") => &["text"],
        Some("image" | "audio") => &["data", "mimeType"],
        Some("resource_link") => &["uri", "name"],
        Some("resource") => {
            let uri = block.pointer("/resource/uri").is_some_and(Value::is_string);
            return if uri { Ok(()) } else { Err("resource.uri: expected a string".to_owned()) };
        }
        Some(_) => return Ok(()),
        None => return Err("type: expected a string such as \"text\"".to_owned()),
    };
    match needed.iter().find(|field| !block.get(**field).is_some_and(Value::is_string)) {
        Some(field) => Err(format!("{field}: expected a string")),
        None => Ok(()),
    }
}

/// A result that tells the model what went wrong.
pub(crate) fn error_result(message: &str) -> Value {
    json!({"content": [{"type": "text", "text": message}], "isError": true})
}

/// A JSON-RPC answer.
pub(crate) fn success(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// What stands for an answer where JSON-RPC has none: to a notification.
pub(crate) fn noted() -> Value {
    json!({"jsonrpc": "2.0", "result": {}})
}

fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// A JSON-RPC notification of ours.
pub(crate) fn notification(method: &str, params: Option<Value>) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    if let Some(params) = params {
        message["params"] = params;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerSpec {
        serde_json::from_value(json!({"name": "calc", "instructions": "count", "tools": [{
            "name": "add", "description": "Adds",
            "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
        }]}))
        .unwrap()
    }

    fn reply(message: Value) -> Value {
        match receive(&server(), &message) {
            Received::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_handshake_takes_the_version_of_the_program_or_offers_its_own() {
        let ask = |version: &str| {
            reply(
                json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": version}}),
            )
        };
        let old = ask("2025-03-26");
        assert_eq!((&old["id"], &old["result"]["protocolVersion"]), (&json!(0), &json!("2025-03-26")));
        assert_eq!(old["result"]["instructions"], "count");
        assert_eq!(ask("1999-01-01")["result"]["protocolVersion"], VERSIONS[0]);
    }

    #[test]
    fn tools_are_listed_in_the_words_of_mcp() {
        let tools =
            reply(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))["result"]["tools"].clone();
        assert_eq!(tools[0]["inputSchema"]["required"], json!(["a"]));
        assert!(tools[0].get("annotations").is_none());
    }

    #[test]
    fn a_call_is_handed_on_with_its_token() {
        let message = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": 2}, "_meta": {"progressToken": 2}}});
        let Received::Call(call) = receive(&server(), &message) else { panic!() };
        assert_eq!((&*call.tool, &call.arguments), ("add", &json!({"a": 2})));
        assert_eq!(call.progress_token(), Some(&json!(2)));
    }

    #[test]
    fn arguments_that_do_not_fit_are_told_to_the_model() {
        let answer = reply(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": "two"}}}));
        assert_eq!(answer["result"]["isError"], true);
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("arguments.a"));
    }

    #[test]
    fn what_is_no_call_is_refused_with_the_code_of_json_rpc() {
        for (message, code) in [
            (json!({"id": 1, "method": "resources/list"}), METHOD_NOT_FOUND),
            (json!({"id": 1, "method": "tools/call", "params": {"name": "sub"}}), INVALID_PARAMS),
            (json!({"id": 1, "method": "tools/call"}), INVALID_PARAMS),
            (
                json!({"id": 1, "method": "tools/call", "params": {"name": "add", "arguments": 7}}),
                INVALID_PARAMS,
            ),
            (json!({"id": 1}), INVALID_REQUEST),
            (json!("text"), INVALID_REQUEST),
        ] {
            assert_eq!(reply(message)["error"]["code"], code);
        }
    }

    #[test]
    fn notifications_need_no_answer() {
        let message = |method: &str| json!({"jsonrpc": "2.0", "method": method, "params": {"requestId": 7}});
        assert_eq!(receive(&server(), &message("notifications/initialized")), Received::Noted);
        assert_eq!(receive(&server(), &message("notifications/cancelled")), Received::Cancelled(json!(7)));
    }

    #[test]
    fn a_result_of_the_wrong_shape_is_found_by_field() {
        let tool = ToolSpec {
            output_schema: Some(json!({"type": "object", "required": ["sum"]})),
            ..ToolSpec::default()
        };
        let text = json!([{"type": "text", "text": "3"}]);
        for (tool, result, field) in [
            (None, json!(3), "object"),
            (None, json!({"content": "3"}), "content:"),
            (None, json!({"content": [{"text": "3"}]}), "content[0].type"),
            (None, json!({"content": [{"type": "image", "data": "aGk="}]}), "content[0].mimeType"),
            (None, json!({"content": text, "isError": "no"}), "isError"),
            (None, json!({"content": text, "structuredContent": 3}), "structuredContent"),
            (Some(&tool), json!({"content": text, "structuredContent": {}}), "sum"),
            (Some(&tool), json!({"content": text}), "structuredContent"),
        ] {
            let problem = check_result(tool, &result).unwrap_err();
            assert!(problem.contains(field), "{problem}");
        }
        assert_eq!(check_result(Some(&tool), &json!({"content": text, "isError": true})), Ok(()));
        assert_eq!(check_result(None, &json!({"content": [{"type": "text", "text": ""}]})), Ok(()));
    }
}
