//! Changes of permissions, as the program suggests them with a question and takes them with an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A rule such as `Bash(git log:*)`, in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionRule {
    /// The tool.
    pub tool_name: String,
    /// What stands in brackets; the whole tool when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_content: Option<String>,
}

/// A change of permissions. `behavior` is `allow`, `deny` or `ask`; `destination` is `userSettings`, `projectSettings`,
/// `localSettings`, `session` or `cliArg`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum PermissionUpdate {
    /// Adds rules.
    #[allow(missing_docs)] // the fields say what the enum's documentation says
    AddRules { rules: Vec<PermissionRule>, behavior: String, destination: String },
    /// Puts rules in the place of those with this behavior.
    #[allow(missing_docs)]
    ReplaceRules { rules: Vec<PermissionRule>, behavior: String, destination: String },
    /// Takes rules away.
    #[allow(missing_docs)]
    RemoveRules { rules: Vec<PermissionRule>, behavior: String, destination: String },
    /// Decides permissions another way from now on.
    #[allow(missing_docs)]
    SetMode { mode: String, destination: String },
    /// Adds directories that tools may use.
    #[allow(missing_docs)]
    AddDirectories { directories: Vec<String>, destination: String },
    /// Takes such directories away.
    #[allow(missing_docs)]
    RemoveDirectories { directories: Vec<String>, destination: String },
    /// A kind this version does not know, as it came.
    #[serde(untagged)]
    Other(Map<String, Value>),
}

impl From<PermissionUpdate> for Value {
    fn from(update: PermissionUpdate) -> Self {
        serde_json::to_value(update).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_keeps_its_words() {
        for update in [
            json!({"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "ls"}], "behavior": "allow", "destination": "session"}),
            json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"}),
            json!({"type": "addDirectories", "directories": ["/a"], "destination": "session"}),
            json!({"type": "later", "x": 1}),
        ] {
            let read: PermissionUpdate = serde_json::from_value(update.clone()).unwrap();
            assert_eq!(matches!(read, PermissionUpdate::Other(_)), update["type"] == "later");
            assert_eq!(Value::from(read), update);
        }
    }
}
