//! What is known of a server and its tools before anybody calls them: the form they have on the boundary, which is MCP's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::arguments::Compiled;
use crate::{Error, ErrorKind, Result};

/// A tool as the program and its model see it. The names of the fields are MCP's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolSpec {
    /// Its name; the program calls it `mcp__<server>__<name>`.
    pub name: String,
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of its arguments, of type `object`. Default: an object with anything in it.
    #[serde(default = "any_object")]
    pub input_schema: Value,
    /// The JSON Schema of its structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints of MCP: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`, `title`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
    /// Further facts, such as the CLI's own `anthropic/...` keys.
    #[serde(default, rename = "_meta", skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    #[serde(skip)]
    pub(super) compiled_input: Compiled,
    #[serde(skip)]
    pub(super) compiled_output: Compiled,
}

/// A server inside this process, and its tools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Its name, part of the names of its tools.
    pub name: String,
    /// Its version. Default: `1.0.0`.
    #[serde(default = "first_version")]
    pub version: String,
    /// How to use it, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Its tools.
    #[serde(default)]
    pub tools: Vec<ToolSpec>,
}

fn first_version() -> String {
    "1.0.0".to_owned()
}

pub(super) fn any_object() -> Value {
    serde_json::json!({"type": "object"})
}

/// Checks servers before the program is started: it would drop what it cannot use without a word to the user.
pub(crate) fn validate(servers: &[ServerSpec]) -> Result<()> {
    for (index, server) in servers.iter().enumerate() {
        let at = format!("tool_servers[{index}]");
        check_name(&format!("{at}.name"), &server.name)?;
        if servers[..index].iter().any(|other| other.name == server.name) {
            return Err(invalid(&format!("{at}.name"), "another server has this name"));
        }
        validate_tools(&server.tools, &format!("{at}.tools"))?;
    }
    Ok(())
}

/// Checks the tools of one server; `place` is how their list is called.
pub(crate) fn validate_tools(tools: &[ToolSpec], place: &str) -> Result<()> {
    for (index, tool) in tools.iter().enumerate() {
        let at = format!("{place}[{index}]");
        check_name(&format!("{at}.name"), &tool.name)?;
        if tools[..index].iter().any(|other| other.name == tool.name) {
            return Err(invalid(&format!("{at}.name"), "another tool of this server has this name"));
        }
        if tool.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(invalid(
                &format!("{at}.inputSchema"),
                "expected a JSON Schema with `\"type\": \"object\"`",
            ));
        }
        super::arguments::compile(&tool.input_schema)
            .map_err(|problem| invalid(&format!("{at}.inputSchema"), &problem))?;
        if let Some(schema) = &tool.output_schema {
            super::arguments::compile(schema)
                .map_err(|problem| invalid(&format!("{at}.outputSchema"), &problem))?;
        }
    }
    Ok(())
}

/// What MCP allows in the name of a tool (specification of 2025-11-25): 1 to 128 of these. The CLI builds
/// `mcp__<server>__<tool>` from both names.
fn check_name(field: &str, name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= 128 && name.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(field, "expected 1 to 128 letters, digits, `_`, `-` or `.`"))
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{field}: {problem}"))
        .operation("open")
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_program_would_drop_is_refused_by_field() {
        for (servers, field) in [
            (json!([{"name": "a b"}]), "tool_servers[0].name"),
            (json!([{"name": "a"}, {"name": "a"}]), "tool_servers[1].name"),
            (json!([{"name": "a", "tools": [{"name": ""}]}]), "tool_servers[0].tools[0].name"),
            (
                json!([{"name": "a", "tools": [{"name": "x"}, {"name": "x"}]}]),
                "tool_servers[0].tools[1].name",
            ),
            (
                json!([{"name": "a", "tools": [{"name": "x", "inputSchema": {}}]}]),
                "tool_servers[0].tools[0].inputSchema",
            ),
            (
                json!([{"name": "a", "tools": [{"name": "x", "inputSchema": {"type": "object", "required": 7}}]}]),
                "tool_servers[0].tools[0].inputSchema",
            ),
        ] {
            let servers: Vec<ServerSpec> = serde_json::from_value(servers).unwrap();
            let error = validate(&servers).unwrap_err();
            assert_eq!(error.context()["field"], field);
        }
    }
}
