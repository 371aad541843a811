//! What is added to the CLI from outside: MCP servers that it runs or reaches, and plugins.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, json};

use super::{described::Kind, shape};

/// MCP servers that the CLI runs or reaches. Those inside this process are not options: see `Session::builder`.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum McpServers {
    /// By name, each in the CLI's own form (`{"command": ...}`, `{"type": "http", "url": ...}`). Sent over stdin: their
    /// `env` and `headers` may hold secrets.
    Map(BTreeMap<String, Map<String, Value>>),
    /// A file that holds `{"mcpServers": {...}}`.
    File(PathBuf),
}

impl fmt::Debug for McpServers {
    /// The names of the servers: what is in them may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(servers) => f.debug_tuple("Map").field(&servers.keys().collect::<Vec<_>>()).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for McpServers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for McpServers {
    const EXPECTED: &'static str = "an object of name to server, or the path of a file";

    fn text(text: String) -> Option<Self> {
        Some(Self::File(text.into()))
    }

    fn object<A: MapAccess<'de>>(object: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        BTreeMap::deserialize(object).map(Self::Map)
    }
}

impl Kind for McpServers {
    fn kind() -> String {
        "map of name to object, or path".to_owned()
    }

    fn schema() -> Value {
        json!({"anyOf": [
            {"type": "object", "additionalProperties": {"type": "object"}},
            {"type": "string"},
        ]})
    }
}

/// A plugin in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// `local`: there is no other.
    #[serde(rename = "type")]
    pub kind: PluginType,
    /// The directory.
    pub path: PathBuf,
    /// Its skills, hooks, agents and commands, but none of its MCP servers.
    #[serde(default, alias = "skipMcpDiscovery")]
    pub skip_mcp_discovery: bool,
}

/// Where a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginType {
    /// On this machine.
    Local,
}

impl Kind for Plugin {
    fn kind() -> String {
        "object `{type: \"local\", path, skip_mcp_discovery}`".to_owned()
    }

    fn schema() -> Value {
        json!({"type": "object", "required": ["type", "path"], "additionalProperties": false, "properties": {
            "type": {"const": "local"}, "path": {"type": "string"}, "skip_mcp_discovery": {"type": "boolean"},
        }})
    }
}
