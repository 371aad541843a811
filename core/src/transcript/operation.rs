//! The operations by name, as they cross to other languages: one JSON object in, one JSON value out.

use serde::Deserialize;
use serde_json::Value;

use super::{
    ForkSession, GetSessionInfo, GetSessionMessages, GetSubagentMessages, ListSessions, ListSubagents,
    OneSession, RenameSession, TagSession, archive_session, delete_session, fork_session, get_session_info,
    get_session_messages, get_subagent_messages, list_sessions, list_subagents, place::canonical,
    project_key, rename_session, tag_session, unarchive_session,
};
use crate::{
    Error, ErrorKind, Result,
    store::{SessionKey, SessionSummary, fold_session_summary},
};

/// Work on sessions that are on disk.
///
/// ```
/// use madrigal::transcript::Operation;
/// let config = std::env::temp_dir().join("madrigal-doc-no-sessions");
/// let request = serde_json::json!({"operation": "list_sessions", "limit": 5, "config_dir": config});
/// assert_eq!(Operation::from_json(&request.to_string())?.perform()?, "[]");
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// [`list_sessions`].
    ListSessions(ListSessions),
    /// [`get_session_info`].
    GetSessionInfo(GetSessionInfo),
    /// [`get_session_messages`].
    GetSessionMessages(GetSessionMessages),
    /// [`list_subagents`].
    ListSubagents(ListSubagents),
    /// [`get_subagent_messages`].
    GetSubagentMessages(GetSubagentMessages),
    /// [`rename_session`].
    RenameSession(RenameSession),
    /// [`tag_session`].
    TagSession(TagSession),
    /// [`delete_session`].
    DeleteSession(OneSession),
    /// [`fork_session`].
    ForkSession(ForkSession),
    /// [`archive_session`].
    ArchiveSession(OneSession),
    /// [`unarchive_session`].
    UnarchiveSession(OneSession),
    /// [`project_key`](super::project_key) of a directory as it really is.
    ProjectKey(OfDirectory),
    /// [`fold_session_summary`](crate::store::fold_session_summary).
    FoldSessionSummary(Fold),
}

/// Whose [`project_key`](super::project_key).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfDirectory {
    /// The directory. Default: the current one.
    pub directory: Option<std::path::PathBuf>,
}

/// What is folded into a summary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// The summary until now.
    #[serde(default)]
    pub previous: Option<SessionSummary>,
    /// Whose.
    pub key: SessionKey,
    /// The entries that are added.
    pub entries: Vec<Value>,
}

impl Operation {
    /// The operation that a request `{"operation": "...", ...}` describes.
    ///
    /// # Errors
    /// `invalid_argument` when it is none; the message names the operation or the field.
    pub fn from_json(request: &str) -> Result<Self> {
        from_json(request)
    }

    /// Carries it out and returns its result as JSON text. Blocks.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn perform(&self) -> Result<String> {
        match self {
            Self::ListSessions(request) => text(&list_sessions(request)?),
            Self::GetSessionInfo(request) => text(&get_session_info(request)?),
            Self::GetSessionMessages(request) => text(&get_session_messages(request)?),
            Self::ListSubagents(request) => text(&list_subagents(request)?),
            Self::GetSubagentMessages(request) => text(&get_subagent_messages(request)?),
            Self::RenameSession(request) => text(&rename_session(request)?),
            Self::TagSession(request) => text(&tag_session(request)?),
            Self::DeleteSession(request) => text(&delete_session(request)?),
            Self::ForkSession(request) => text(&fork_session(request)?),
            Self::ArchiveSession(request) => text(&archive_session(request)?),
            Self::UnarchiveSession(request) => text(&unarchive_session(request)?),
            Self::ProjectKey(request) => {
                let directory = request.directory.clone().map_or_else(std::env::current_dir, Ok);
                let directory = directory.map_err(|error| invalid(format!("directory: {error}")))?;
                text(&project_key(&canonical(&directory)))
            }
            Self::FoldSessionSummary(Fold { previous, key, entries }) => {
                let entries: Vec<_> =
                    entries.iter().flat_map(|entry| serde_json::value::to_raw_value(entry).ok()).collect();
                text(&fold_session_summary(previous.clone(), key, &entries))
            }
        }
    }
}

/// An operation by name; `null` means that an argument is left to its default, in every language.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(request: &str) -> Result<T> {
    let mut fields: serde_json::Map<String, Value> = serde_json::from_str(request)
        .map_err(|error| invalid(format!("request: expected a JSON object: {error}")))?;
    fields.retain(|_, value| !value.is_null());
    let name = fields.get("operation").and_then(Value::as_str).unwrap_or_default().to_owned();
    T::deserialize(Value::Object(fields)).map_err(|error| {
        let error = invalid(format!("{error}"));
        if name.is_empty() { error } else { error.with("invoked", name) }
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message).operation("invoke")
}

pub(crate) fn text(result: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(result)
        .map_err(|error| Error::new(ErrorKind::Internal, "a result that is no JSON").caused_by(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_that_is_none_says_why() {
        for (request, said) in [
            (json!({"operation": "nonsense"}), "nonsense"),
            (json!({"operation": "list_sessions", "limt": 3}), "limt"),
            (json!({"operation": "get_session_info"}), "session_id"),
            (json!({"operation": "list_sessions", "limit": -1}), "-1"),
            (json!({}), "operation"),
            (json!([]), "object"),
        ] {
            let error = Operation::from_json(&request.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(said), "{request}: {error}");
        }
    }

    #[test]
    fn null_is_the_default() {
        let request = json!({"operation": "list_sessions", "limit": null, "include_worktrees": null});
        let Operation::ListSessions(request) = Operation::from_json(&request.to_string()).unwrap() else {
            panic!()
        };
        assert!(request.include_worktrees && request.limit.is_none());
    }
}
