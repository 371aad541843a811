//! Changes to sessions in a store. As on disk, a change is an entry behind the others; a store never rewrites.

use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    Calls, ForkSessionViaStore, RenameSessionViaStore, SessionKey, SharedStore, StoreEntry, StoreMethod,
    StoredSessionOf, TagSessionViaStore,
    calls::LIMIT,
    import::{append_file, in_batches},
    read::{key, on_disk},
};
use crate::{
    Result,
    transcript::{ForkSession, ForkedSession, fork_file, invalid, now, tag_line, title_line},
};

/// Gives a session a title.
///
/// # Errors
/// `invalid_argument` when the store does not have the session, or the title is empty; `callback` or `timeout` when the store
/// fails or takes longer than 60 s.
pub async fn rename_session_via_store(store: &SharedStore, request: &RenameSessionViaStore) -> Result<()> {
    let line = title_line(&request.session_id, &request.title)?;
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    append_line(&Calls::new(store, LIMIT), &key, &line).await
}

/// Gives a session a tag, or takes it away. Characters that cannot be seen are taken out of it.
///
/// # Errors
/// `invalid_argument` when the store does not have the session, or nothing is left of the tag; `callback` or `timeout` when
/// the store fails or takes longer than 60 s.
pub async fn tag_session_via_store(store: &SharedStore, request: &TagSessionViaStore) -> Result<()> {
    let line = tag_line(&request.session_id, request.tag.as_deref())?;
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    append_line(&Calls::new(store, LIMIT), &key, &line).await
}

/// Removes a session with its subagents from the store.
///
/// # Errors
/// `invalid_argument` when the store has no `delete`, or does not have the session; `callback` or `timeout` when the store
/// fails or takes longer than 60 s.
pub async fn delete_session_via_store(store: &SharedStore, request: &StoredSessionOf) -> Result<()> {
    let calls = Calls::new(store, LIMIT);
    calls.require(StoreMethod::Delete)?;
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    require(&calls, &key).await?;
    calls.delete(&key).await
}

/// Copies a session under a new id. What subagents said is not copied.
///
/// # Errors
/// `invalid_argument` when there is no such session or message, or nothing to copy; `callback` or `timeout` when the store
/// fails or takes longer than 60 s.
pub async fn fork_session_via_store(
    store: &SharedStore,
    request: &ForkSessionViaStore,
) -> Result<ForkedSession> {
    let calls = Calls::new(store, LIMIT);
    let key = key(&request.session_id, request.directory.as_deref()).await?;
    let Some(entries) = calls.load(&key).await? else { return Err(unknown(&key)) };
    let fork = ForkSession {
        session_id: request.session_id.clone(),
        up_to_message_id: request.up_to_message_id.clone(),
        title: request.title.clone(),
        ..ForkSession::default()
    };
    let project = key.project_key.clone();
    let (forked, entries) = on_disk(key, entries, move |file| {
        let forked = fork_file(file, &fork)?;
        let copy = file.with_file_name(format!("{}.jsonl", forked.session_id));
        let mut entries: Vec<StoreEntry> = Vec::new();
        append_file(&copy, usize::MAX, |batch| {
            entries.extend(batch);
            Ok(())
        })?;
        Ok((forked, entries))
    })
    .await?;
    in_batches(&calls, &SessionKey::new(project, forked.session_id.clone()), &entries).await?;
    Ok(forked)
}

/// Appends an entry to a session that the store has. It gets a uuid, so that a store can take it twice.
async fn append_line(calls: &Calls, key: &SessionKey, line: &str) -> Result<()> {
    require(calls, key).await?;
    let mut entry: Map<_, _> = serde_json::from_str(line).unwrap_or_default();
    entry.insert("uuid".into(), json!(Uuid::new_v4().to_string()));
    entry.insert("timestamp".into(), json!(now()));
    let entry = serde_json::value::to_raw_value(&entry).unwrap_or_default();
    calls.append(key, &[entry]).await
}

/// A change must not make up a session. Listing costs less than loading.
async fn require(calls: &Calls, key: &SessionKey) -> Result<()> {
    let there = if calls.offers(StoreMethod::ListSessions) {
        calls
            .list_sessions(&key.project_key)
            .await?
            .iter()
            .any(|session| session.session_id == key.session_id)
    } else {
        calls.load(key).await?.is_some()
    };
    if there { Ok(()) } else { Err(unknown(key)) }
}

fn unknown(key: &SessionKey) -> crate::Error {
    let message = format!("session_id: the store has no session {} of {}", key.session_id, key.project_key);
    invalid("session_id", message).operation("session_store").with("session_id", key.session_id.as_str())
}
