//! From the disk into a store: old sessions of a host that now keeps them, and what a store missed while it was down.

use std::path::Path;

use serde_json::{Map, value::RawValue};
use tokio::sync::mpsc;

use super::{
    Calls, ImportSessionToStore, SessionKey, SharedStore, StoreEntry, blocking,
    calls::LIMIT,
    mirror::{MOST_BYTES, MOST_ENTRIES},
};
use crate::{
    Error, ErrorKind, Result,
    transcript::{Lines, Place, require, subagent_files},
};

/// Appends all entries of a session on disk to a store, under the key a mirrored session would have: it can be resumed from
/// there. Entries that the store has already are absorbed by it. Lines that cannot be read are left out.
///
/// # Errors
/// `invalid_argument` when there is no such session or it cannot be read; `callback` or `timeout` when the store fails or
/// takes longer than 60 s for a batch.
pub async fn import_session_to_store(store: &SharedStore, request: &ImportSessionToStore) -> Result<()> {
    let calls = Calls::new(store, LIMIT);
    let (batches, waiting) = mpsc::channel::<(SessionKey, Vec<StoreEntry>)>(1);
    let request = request.clone();
    let reading = blocking(move || read(&request, &batches));
    let appending = async move {
        // Gone when appending fails, so that reading stops.
        let mut waiting = waiting;
        while let Some((key, entries)) = waiting.recv().await {
            calls.append(&key, &entries).await?;
        }
        Ok(())
    };
    let (read, appended) = tokio::join!(reading, appending);
    appended.and(read)
}

fn read(request: &ImportSessionToStore, batches: &mpsc::Sender<(SessionKey, Vec<StoreEntry>)>) -> Result<()> {
    const OPERATION: &str = "import_session_to_store";
    let place = Place::new(request.config_dir.as_deref());
    let found = require(&place, &request.session_id, request.directory.as_deref(), OPERATION)?;
    let most = if request.batch_size == 0 { MOST_ENTRIES } else { request.batch_size };
    let project = found.file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let key = SessionKey::new(project, &request.session_id);
    let send = |key: &SessionKey, batch| batches.blocking_send((key.clone(), batch)).map_err(|_| gone());
    append_file(&found.file, most, |batch| send(&key, batch))?;
    if !request.include_subagents {
        return Ok(());
    }
    for (_, file) in subagent_files(&found.beside().join("subagents")) {
        let Some(subpath) = subpath(&found.beside(), &file) else { continue };
        let key = key.clone().with_subpath(subpath);
        append_file(&file, most, |batch| send(&key, batch))?;
        // What the program keeps beside it comes as an entry when it is mirrored.
        if let Ok(text) = std::fs::read_to_string(file.with_extension("meta.json"))
            && let Ok(mut about) = serde_json::from_str::<Map<_, _>>(&text)
        {
            about.insert("type".into(), "agent_metadata".into());
            send(&key, serde_json::value::to_raw_value(&about).into_iter().collect())?;
        }
    }
    Ok(())
}

/// The entries of a file, in batches of so many, or 1 MiB.
pub(super) fn append_file(
    file: &Path,
    most: usize,
    mut append: impl FnMut(Vec<StoreEntry>) -> Result<()>,
) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorKind::InvalidArgument, format!("{} cannot be read: {error}", file.display()))
            .caused_by(&error)
    };
    let mut lines = Lines::open(file).map_err(unreadable)?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(line) = lines.next().map_err(unreadable)? {
        let entry = serde_json::from_slice::<&RawValue>(line.bytes).ok();
        let Some(entry) = entry.filter(|entry| entry.get().starts_with('{')) else { continue };
        bytes += line.bytes.len();
        batch.push(entry.to_owned());
        if batch.len() >= most || bytes >= MOST_BYTES {
            bytes = 0;
            append(std::mem::take(&mut batch))?;
        }
    }
    if batch.is_empty() { Ok(()) } else { append(batch) }
}

/// Appends entries a batch at a time.
pub(super) async fn in_batches(calls: &Calls, key: &SessionKey, entries: &[StoreEntry]) -> Result<()> {
    for batch in entries.chunks(MOST_ENTRIES) {
        calls.append(key, batch).await?;
    }
    Ok(())
}

/// Where a file of a subagent is below the folder of its session, as keys have it.
fn subpath(folder: &Path, file: &Path) -> Option<String> {
    let below = file.strip_prefix(folder).ok()?.with_extension("");
    let parts: Option<Vec<&str>> = below.iter().map(std::ffi::OsStr::to_str).collect();
    Some(parts?.join("/"))
}

fn gone() -> Error {
    Error::new(ErrorKind::Cancelled, "the import was given up")
}
