//! What a host brings to a session beside options: hooks and tool servers. Written as it stands in the request of `open`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Result,
    hook::{self, Hooks},
    tools::{self, ServerSpec},
};

/// Hooks and tool servers of a host. What they do is asked of the [`Host`](super::Host) when the time comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provided {
    /// Its hooks, by event.
    pub hooks: Hooks,
    /// Its tool servers.
    pub tool_servers: Vec<ServerSpec>,
}

impl Provided {
    /// Checks everything before a program is started.
    pub(crate) fn validate(&self) -> Result<()> {
        hook::validate(&self.hooks)?;
        tools::validate(&self.tool_servers)
    }

    /// Whether a hook of this name was announced.
    pub(crate) fn has_hook(&self, name: &str) -> bool {
        self.hooks.values().flatten().any(|matcher| matcher.callbacks.iter().any(|callback| callback == name))
    }

    /// Adds what the program must know to its `initialize` request.
    pub(crate) fn announce(&self, initialize: &mut Value) {
        let hooks = hook::to_wire(&self.hooks);
        if hooks.as_object().is_some_and(|events| !events.is_empty()) {
            initialize["hooks"] = hooks;
        }
        if !self.tool_servers.is_empty() {
            let names: Vec<_> = self.tool_servers.iter().map(|server| server.name.as_str()).collect();
            initialize["sdkMcpServers"] = names.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_that_brings_nothing_leaves_the_request_alone() {
        let mut request = json!({"subtype": "initialize"});
        Provided::default().announce(&mut request);
        assert_eq!(request, json!({"subtype": "initialize"}));
    }

    #[test]
    fn hooks_and_servers_are_announced() {
        let provided: Provided = serde_json::from_value(json!({
            "hooks": {"Stop": [{"callbacks": ["h1"]}]}, "tool_servers": [{"name": "calc"}],
        }))
        .unwrap();
        let mut request = json!({"subtype": "initialize"});
        provided.announce(&mut request);
        assert_eq!(request["hooks"], json!({"Stop": [{"hookCallbackIds": ["h1"]}]}));
        assert_eq!(request["sdkMcpServers"], json!(["calc"]));
    }
}
