//! The MCP servers of a session: which there are, how they do, and changing them while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Control;
use crate::session::SessionHandle;

/// The MCP servers of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct McpStatus {
    /// Each of them.
    pub mcp_servers: Vec<McpServerStatus>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How one MCP server does.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct McpServerStatus {
    /// Its name.
    pub name: String,
    /// `connected`, `pending`, `failed`, `needs-auth` or `disabled`.
    pub status: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it says of itself: `name` and `version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_info: Option<Value>,
    /// Its configuration, which may hold secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// `stdio`, `http`, `sse` or `sdk`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// The scope of its configuration, such as `project` or `dynamic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Where it was defined. Trust this rather than the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its tools, when it is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<McpTool>>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl std::fmt::Debug for McpServerStatus {
    /// Without the configuration: it may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpServerStatus")
            .field("name", &self.name)
            .field("status", &self.status)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct McpTool {
    /// Its name, without that of the server.
    pub name: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Fields this library does not know, such as `annotations`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a new set of servers changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct McpServersSet {
    /// Servers that were not there before.
    pub added: Vec<String>,
    /// Servers that are not there any more.
    pub removed: Vec<String>,
    /// Servers that could not be reached, and why.
    pub errors: BTreeMap<String, String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// The MCP servers of the session and how they do.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// for server in session.mcp_server_status().await?.mcp_servers {
    ///     println!("{}: {}", server.name, server.status);
    /// }
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn mcp_server_status(&self) -> Control<McpStatus> {
        self.typed("mcp_status")
    }

    /// **Replaces** the servers that were added while the session runs: one that is not named is removed. Those in this process
    /// stay; one whose name is given here gives way to the new one. The configurations are the CLI's own, `{"type": "stdio", "command": ...}`.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`. A server that cannot be reached is no error: see [`McpServersSet::errors`].
    pub fn set_mcp_servers(&self, servers: Map<String, Value>) -> Control<McpServersSet> {
        self.typed("mcp_set_servers").with("servers", servers)
    }

    /// Connects a server again.
    ///
    /// # Errors
    /// `control` when there is no such server or it cannot be reached; `closed`, `timeout`.
    pub fn reconnect_mcp_server(&self, server_name: &str) -> Control<()> {
        self.acknowledged("mcp_reconnect").with("serverName", server_name)
    }

    /// Switches a server on or off.
    ///
    /// # Errors
    /// `control` when there is no such server; `closed`, `timeout`.
    pub fn toggle_mcp_server(&self, server_name: &str, enabled: bool) -> Control<()> {
        self.acknowledged("mcp_toggle").with("serverName", server_name).with("enabled", enabled)
    }
}
