//! Everything a query or session can be told: one struct, the same names in every language.
//!
//! The wire form is JSON with these field names. A field that is not known is refused with its path, so that a typing
//! error never passes as a default.

mod launch;
mod validate;

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Options of a query or session. All have defaults.
///
/// ```
/// let options = madrigal::Options::from_json(r#"{"model": "sonnet", "max_turns": 3}"#).unwrap();
/// assert_eq!(options.model.as_deref(), Some("sonnet"));
/// let error = madrigal::Options::from_json(r#"{"timeouts": {"strat_ms": 5}}"#).unwrap_err();
/// assert!(error.to_string().contains("timeouts.strat_ms"));
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The model: an alias (`sonnet`, `opus`, `haiku`) or a full name. Default: the CLI's own choice.
    pub model: Option<String>,
    /// Models to fall back to when the first is overloaded or unknown, separated by commas.
    pub fallback_model: Option<String>,
    /// The working directory. Default: that of this process.
    pub cwd: Option<PathBuf>,
    /// Variables added to the environment the CLI inherits. May hold secrets; never shown.
    pub env: BTreeMap<String, String>,
    /// The `claude` program. Default: `MADRIGAL_CLI_PATH`, then `PATH`, then the usual places.
    pub cli_path: Option<PathBuf>,
    /// Replaces the system prompt. Sent over stdin, so any length works and nobody sees it in a process list.
    pub system_prompt: Option<String>,
    /// Added to the system prompt. Sent over stdin.
    pub append_system_prompt: Option<String>,
    /// The built-in tools offered to the model; an empty list offers none. Default: all.
    pub tools: Option<Vec<String>>,
    /// Permission rules for tools that may run without asking, such as `Bash(git log:*)`.
    pub allowed_tools: Vec<String>,
    /// Permission rules for tools that are refused.
    pub disallowed_tools: Vec<String>,
    /// How permissions are decided when no rule matches. Default: the CLI's own choice (`default`).
    pub permission_mode: Option<PermissionMode>,
    /// Stop after this many steps of the model. At least 1.
    pub max_turns: Option<u32>,
    /// Stop when the process has cost this much, in US dollars. Above 0.
    pub max_budget_usd: Option<f64>,
    /// Continue the session with this id.
    pub resume: Option<String>,
    /// Continue the newest session of the working directory.
    #[serde(rename = "continue")]
    pub continue_session: bool,
    /// With `resume` or `continue`: under a new id, leaving the old session as it was.
    pub fork_session: bool,
    /// The id of the new session, a UUID that is not in use. Default: chosen by the CLI.
    pub session_id: Option<String>,
    /// Directories beside the working directory that tools may use.
    pub add_dirs: Vec<PathBuf>,
    /// Also deliver `stream_event` messages while the model writes.
    pub include_partial_messages: bool,
    /// Which settings files are read: any of `user`, `project`, `local`; an empty list reads none. Default: the CLI's.
    pub setting_sources: Option<Vec<SettingSource>>,
    /// Limits of time.
    pub timeouts: Timeouts,
    /// Limits of memory.
    pub limits: Limits,
    /// Flags this library has no option for: name without dashes, and value or `null`. Visible in process lists.
    pub extra_args: BTreeMap<String, Option<String>>,
}

/// How permissions are decided when no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Ask for what is not allowed by a rule.
    Default,
    /// Edits of files pass without asking.
    AcceptEdits,
    /// Only look and plan.
    Plan,
    /// Refuse instead of asking.
    DontAsk,
    /// A classifier of the CLI decides.
    Auto,
    /// Everything passes. Refused by the CLI for root outside a sandbox.
    BypassPermissions,
}

/// A settings file of the CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingSource {
    /// The user's.
    User,
    /// The repository's.
    Project,
    /// The repository's, not committed.
    Local,
}

/// Limits of time, in milliseconds; `None` means no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From the start of the program to its answer to `initialize`. Default 60 000.
    pub start_ms: Option<u64>,
    /// For the program's answer to a control request. Default 60 000.
    pub control_ms: Option<u64>,
    /// Silence of the program while a turn runs and no question is open with the host. Default: none.
    pub idle_ms: Option<u64>,
    /// A whole turn. Default: none.
    pub turn_ms: Option<u64>,
    /// After a graceful close: how long the program may take to exit before it is terminated. Default 5 000.
    pub close_ms: Option<u64>,
    /// From the request to terminate until the whole process tree is killed. Default 2 000.
    pub kill_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            start_ms: Some(60_000),
            control_ms: Some(60_000),
            idle_ms: None,
            turn_ms: None,
            close_ms: Some(5_000),
            kill_ms: 2_000,
        }
    }
}

/// Limits of memory, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest line accepted from the program. Default 64 MiB.
    pub line_bytes: usize,
    /// Unread messages at which reading the program pauses. Default 64 MiB.
    pub buffer_bytes: usize,
    /// Unread messages at which the session ends with `overflow`, reached only while a control exchange keeps the
    /// reading going. Default 256 MiB.
    pub hard_buffer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self { line_bytes: 64 * MIB, buffer_bytes: 64 * MIB, hard_buffer_bytes: 256 * MIB }
    }
}

impl fmt::Debug for Options {
    /// As JSON, with the values of the environment hidden: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Some(env) = shown["env"].as_object_mut() {
            env.values_mut().for_each(|value| *value = "...".into());
        }
        write!(f, "Options {shown}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_environment_are_not_shown() {
        let options = Options { env: [("KEY".to_owned(), "hidden".to_owned())].into(), ..Options::default() };
        let shown = format!("{options:?}");
        assert!(shown.contains("KEY") && !shown.contains("hidden"), "{shown}");
    }
}
