//! Sessions on disk: the transcripts that the `claude` program keeps, read and changed without starting it.
//!
//! The program writes one JSON object a line to `<config>/projects/<encoded directory>/<session id>.jsonl` and never locks
//! it. So readers take what is whole and skip the rest, and writers only ever append whole lines. Everything here blocks:
//! call it from `spawn_blocking` where that matters.
//!
//! ```
//! use madrigal::transcript::{ListSessions, list_sessions};
//!
//! let config = std::env::temp_dir().join("madrigal-doc-no-sessions");
//! let newest = ListSessions { limit: Some(10), config_dir: Some(config), ..ListSessions::default() };
//! for session in list_sessions(&newest)? {
//!     println!("{} {}", session.session_id, session.summary);
//! }
//! # Ok::<_, madrigal::Error>(())
//! ```

mod chain;
mod change;
mod entry;
mod fork;
mod index;
mod info;
mod lines;
mod list;
mod locate;
mod messages;
mod operation;
mod place;
mod subagents;
mod summary;
mod worktrees;

pub use change::{
    OneSession, RenameSession, TagSession, archive_session, delete_session, rename_session, tag_session,
    unarchive_session,
};
pub use fork::{ForkSession, ForkedSession, fork_session};
pub use info::{GetSessionInfo, SessionInfo, get_session_info};
pub use list::{ListSessions, list_sessions};
pub use messages::{GetSessionMessages, SessionMessage, get_session_messages};
pub use operation::{Fold, OfDirectory, Operation};
pub use place::project_key;
pub use subagents::{GetSubagentMessages, ListSubagents, get_subagent_messages, list_subagents};

pub(crate) use change::{create, invalid, now, tag_line, title_line};
pub(crate) use fork::fork_file;
pub(crate) use lines::Lines;
pub(crate) use locate::{is_session_id, require};
pub(crate) use messages::messages_of;
pub(crate) use operation::{from_json as operation_from_json, text as json_text};
pub(crate) use place::{Place, canonical, config_dir_of_environment};
pub(crate) use subagents::{files as subagent_files, subagent_messages_of};
pub(crate) use summary::{fold, info as info_of_summary, moment_of};

#[cfg(test)]
mod fixture;
