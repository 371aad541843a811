//! Lists and conversations from a store. What is in a transcript is read by the code that reads those on disk: entries are
//! laid out in a private file first, as the program would have written them.

use std::path::{Path, PathBuf};

use tokio::task::JoinSet;

use super::{
    Calls, GetSessionMessagesFromStore, GetSubagentMessagesFromStore, ListSessionsFromStore, PrivateDir,
    SessionKey, SessionSummary, SharedStore, StoreEntry, StoreMethod, StoredSession, StoredSessionOf,
    blocking,
    calls::LIMIT,
    fold_session_summary,
    summary::{by_session, last_moment},
};
use crate::{
    Error, ErrorKind, Result,
    transcript::{
        SessionInfo, SessionMessage, canonical, info_of_summary, invalid, is_session_id, messages_of,
        project_key, subagent_messages_of,
    },
};

/// How many sessions are loaded at once: the official SDKs' number.
const AT_ONCE: usize = 16;

/// A directory and its key.
pub(super) struct Project {
    pub(super) directory: String,
    pub(super) key: String,
}

impl Project {
    pub(super) async fn of(directory: Option<&Path>) -> Result<Self> {
        let directory = directory.map(Path::to_path_buf);
        blocking(move || {
            let directory = match directory {
                Some(directory) => directory,
                None => std::env::current_dir().map_err(|error| {
                    Error::new(ErrorKind::InvalidArgument, "directory: there is no current one")
                        .caused_by(&error)
                })?,
            };
            let directory = canonical(&directory);
            Ok(Self { key: project_key(&directory), directory })
        })
        .await
    }
}

/// The key of a session, checked: an id becomes the name of a file.
pub(super) async fn key(session_id: &str, directory: Option<&Path>) -> Result<SessionKey> {
    if !is_session_id(session_id) {
        let message = format!("session_id: expected a UUID, not `{session_id}`");
        return Err(invalid("session_id", message).operation("session_store"));
    }
    Ok(SessionKey::new(Project::of(directory).await?.key, session_id))
}

/// The sessions of a directory that a store holds, newest first; those with nothing to show are left out. With
/// `list_session_summaries` only sessions are loaded whose summary is missing or older than the session.
///
/// # Errors
/// `invalid_argument` when the store has neither `list_sessions` nor `list_session_summaries`; `callback` or `timeout` when a
/// call of it fails or takes longer than 60 s.
pub async fn list_sessions_from_store(
    store: &SharedStore,
    request: &ListSessionsFromStore,
) -> Result<Vec<SessionInfo>> {
    let calls = Calls::new(store, LIMIT);
    let project = Project::of(request.directory.as_deref()).await?;
    let mut summaries = Vec::new();
    if calls.offers(StoreMethod::ListSessionSummaries) {
        summaries = calls.list_session_summaries(&project.key).await?;
    } else {
        calls.require(StoreMethod::ListSessions)?;
    }
    if calls.offers(StoreMethod::ListSessions) {
        let listed = calls.list_sessions(&project.key).await?;
        let mut known = by_session(summaries);
        let (fresh, stale): (Vec<_>, Vec<_>) =
            listed.into_iter().filter(|session| is_session_id(&session.session_id)).partition(|session| {
                known.get(&session.session_id).is_some_and(|known| known.mtime >= session.mtime)
            });
        let fresh = fresh.into_iter().filter_map(|session| {
            Some(SessionSummary { mtime: session.mtime, ..known.remove(&session.session_id)? })
        });
        summaries = fresh.collect();
        summaries.extend(loaded(&calls, &project.key, stale).await?);
    }
    summaries.sort_by(|a, b| b.mtime.cmp(&a.mtime).then_with(|| a.session_id.cmp(&b.session_id)));
    let infos = summaries.iter().filter_map(|summary| {
        info_of_summary(&summary.data, &summary.session_id, summary.mtime, Some(&project.directory))
    });
    let limit = request.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    Ok(infos.skip(request.offset).take(limit).collect())
}

/// Summaries of sessions that must be loaded for them, some at once.
async fn loaded(calls: &Calls, project: &str, sessions: Vec<StoredSession>) -> Result<Vec<SessionSummary>> {
    let mut sessions = sessions.into_iter();
    let (mut loading, mut summaries) = (JoinSet::new(), Vec::new());
    loop {
        while loading.len() < AT_ONCE {
            let Some(session) = sessions.next() else { break };
            let (calls, key) = (calls.clone(), SessionKey::new(project, session.session_id));
            loading.spawn(async move {
                let entries = calls.load(&key).await?;
                let summary = entries.map(|entries| fold_session_summary(None, &key, &entries));
                Ok::<_, Error>(summary.map(|summary| SessionSummary { mtime: session.mtime, ..summary }))
            });
        }
        let Some(done) = loading.join_next().await else { return Ok(summaries) };
        let done = done.map_err(|error| {
            Error::new(ErrorKind::Internal, "loading a session from the store failed").caused_by(&error)
        })?;
        summaries.extend(done?);
    }
}

/// What is known of one session; `None` when the store does not have it, or when it has nothing to show.
///
/// # Errors
/// `invalid_argument` for an id that is no UUID; `callback` or `timeout` when the store fails or takes longer than 60 s.
pub async fn get_session_info_from_store(
    store: &SharedStore,
    request: &StoredSessionOf,
) -> Result<Option<SessionInfo>> {
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    let project = Project::of(request.directory.as_deref()).await?;
    let Some(entries) = Calls::new(store, LIMIT).load(&key).await? else { return Ok(None) };
    let summary = fold_session_summary(None, &key, &entries);
    Ok(info_of_summary(&summary.data, &key.session_id, last_moment(&entries), Some(&project.directory)))
}

/// The conversation of a session, oldest message first, as
/// [`get_session_messages`](crate::transcript::get_session_messages) gives it. Empty when the store does not have it.
///
/// # Errors
/// `invalid_argument` for an id that is no UUID; `callback` or `timeout` when the store fails or takes longer than 60 s.
pub async fn get_session_messages_from_store(
    store: &SharedStore,
    request: &GetSessionMessagesFromStore,
) -> Result<Vec<SessionMessage>> {
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    let Some(entries) = Calls::new(store, LIMIT).load(&key).await? else { return Ok(Vec::new()) };
    let (system, offset, limit) = (request.include_system_messages, request.offset, request.limit);
    on_disk(key, entries, move |file| messages_of(file, system, offset, limit)).await
}

/// The ids of the subagents that a session started, in order.
///
/// # Errors
/// `invalid_argument` for an id that is no UUID, or when the store has no `list_subkeys`; `callback` or `timeout` when the
/// store fails or takes longer than 60 s.
pub async fn list_subagents_from_store(
    store: &SharedStore,
    request: &StoredSessionOf,
) -> Result<Vec<String>> {
    let calls = Calls::new(store, LIMIT);
    calls.require(StoreMethod::ListSubkeys)?;
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    let mut subpaths = calls.list_subkeys(&key).await?;
    subpaths.sort();
    subpaths.dedup();
    Ok(subpaths.iter().filter_map(|subpath| agent_of(subpath)).map(str::to_owned).collect())
}

/// The conversation of a subagent, oldest message first. Empty when there is none. Without `list_subkeys` only subagents that
/// the conversation itself started are found.
///
/// # Errors
/// `invalid_argument` for an id that is no UUID; `callback` or `timeout` when the store fails or takes longer than 60 s.
pub async fn get_subagent_messages_from_store(
    store: &SharedStore,
    request: &GetSubagentMessagesFromStore,
) -> Result<Vec<SessionMessage>> {
    let calls = Calls::new(store, LIMIT);
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    let agent = &request.agent_id;
    let subpath = match calls.offers(StoreMethod::ListSubkeys) {
        true => calls
            .list_subkeys(&key)
            .await?
            .into_iter()
            .find(|subpath| agent_of(subpath) == Some(agent.as_str())),
        false => Some(format!("subagents/agent-{agent}")),
    };
    let Some(key) = subpath.map(|subpath| key.with_subpath(subpath)).filter(SessionKey::is_safe) else {
        return Ok(Vec::new());
    };
    let Some(entries) = calls.load(&key).await? else { return Ok(Vec::new()) };
    let (offset, limit) = (request.offset, request.limit);
    on_disk(key, entries, move |file| subagent_messages_of(file, offset, limit)).await
}

/// The subagent whose transcript is under a subpath.
fn agent_of(subpath: &str) -> Option<&str> {
    subpath.strip_prefix("subagents/")?.rsplit('/').next()?.strip_prefix("agent-")
}

/// Lets code that reads files read entries.
pub(super) async fn on_disk<T: Send + 'static>(
    key: SessionKey,
    entries: Vec<StoreEntry>,
    read: impl FnOnce(&PathBuf) -> Result<T> + Send + 'static,
) -> Result<T> {
    blocking(move || {
        let dir = PrivateDir::new()?;
        let file = dir.transcript(&key, &entries)?;
        drop(entries);
        read(&file)
    })
    .await
}
