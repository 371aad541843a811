//! What the operations over a store are told: the same names in every language.

use std::path::PathBuf;

use serde::Deserialize;

/// What [`import_session_to_store`](super::import_session_to_store) is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportSessionToStore {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Also the transcripts of its subagents. Default: yes.
    #[serde(default = "yes")]
    pub include_subagents: bool,
    /// How many entries are appended at once, at most 1 MiB of them. 0 is the default: 500.
    #[serde(default)]
    pub batch_size: usize,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

impl Default for ImportSessionToStore {
    fn default() -> Self {
        Self {
            session_id: String::new(),
            directory: None,
            include_subagents: true,
            batch_size: 0,
            config_dir: None,
        }
    }
}

/// What [`list_sessions_from_store`](super::list_sessions_from_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListSessionsFromStore {
    /// Whose sessions. Default: the current directory.
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    pub limit: Option<usize>,
    /// Leave out so many of the newest.
    pub offset: usize,
}

/// Which session of a store is meant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSessionOf {
    /// The UUID of the session.
    pub session_id: String,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
}

/// What [`get_session_messages_from_store`](super::get_session_messages_from_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetSessionMessagesFromStore {
    /// The UUID of the session.
    pub session_id: String,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Leave out so many from the beginning.
    #[serde(default)]
    pub offset: usize,
    /// Also system messages: the places where the conversation was made shorter, notices.
    #[serde(default)]
    pub include_system_messages: bool,
}

/// What [`get_subagent_messages_from_store`](super::get_subagent_messages_from_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetSubagentMessagesFromStore {
    /// The UUID of the session.
    pub session_id: String,
    /// The subagent, as [`list_subagents_from_store`](super::list_subagents_from_store) names it.
    pub agent_id: String,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Leave out so many from the beginning.
    #[serde(default)]
    pub offset: usize,
}

/// What [`rename_session_via_store`](super::rename_session_via_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameSessionViaStore {
    /// The UUID of the session.
    pub session_id: String,
    /// Its title; space around it is taken away.
    pub title: String,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
}

/// What [`tag_session_via_store`](super::tag_session_via_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagSessionViaStore {
    /// The UUID of the session.
    pub session_id: String,
    /// Its tag; `None` takes the tag away.
    #[serde(default)]
    pub tag: Option<String>,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
}

/// What [`fork_session_via_store`](super::fork_session_via_store) is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkSessionViaStore {
    /// The UUID of the session.
    pub session_id: String,
    /// The directory it belongs to. Default: the current directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Copy up to and with the message that has this UUID. Default: all.
    #[serde(default)]
    pub up_to_message_id: Option<String>,
    /// The title of the copy. Default: that of the first, with ` (fork)` behind it.
    #[serde(default)]
    pub title: Option<String>,
}
