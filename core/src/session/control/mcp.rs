//! Speaking to an MCP server through the program, without the model.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Control;
use crate::session::SessionHandle;

/// What a tool of an MCP server gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct McpCallResult {
    /// Its content: blocks, or text from an old server.
    pub content: Value,
    /// The structured form of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A resource of an MCP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct McpResource {
    /// Its parts, as the server gave them: `uri`, `mimeType`, and `text` or `blob` (base64). Untrusted.
    pub contents: Vec<Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// Calls a tool of an MCP server, without the model and without asking for permission. `tool` is its full name,
    /// `mcp__server__tool`. A tool of this process is refused: call it yourself.
    ///
    /// # Errors
    /// `control` when the server is not connected or the tool failed; `closed`, `timeout`.
    pub fn mcp_call(&self, tool: &str, arguments: Value) -> Control<McpCallResult> {
        self.typed("mcp_call").with("tool", tool).with("arguments", arguments)
    }

    /// Reads a `ui://` resource of an MCP server. What it gives is untrusted.
    ///
    /// # Errors
    /// `control` when there is no such server or resource; `closed`, `timeout`.
    pub fn read_mcp_resource(&self, server_name: &str, uri: &str) -> Control<McpResource> {
        self.typed("mcp_read_resource").with("serverName", server_name).with("uri", uri)
    }

    /// Hands the program a JSON-RPC message of an MCP server in this process, such as
    /// `{"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}`. A server the program does not know is
    /// acknowledged, too.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn mcp_message(&self, server_name: &str, message: Value) -> Control<()> {
        self.acknowledged("mcp_message").with("server_name", server_name).with("message", message)
    }
}
