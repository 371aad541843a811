//! A store in memory: for tests, and as the example of what a store does.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    SessionKey, SessionStore, SessionSummary, StoreEntry, StoreMethod, StoredSession, fold_session_summary,
    summary::uuid_of,
};
use crate::{Result, transport::BoxFuture};

/// Keeps transcripts in memory; they are gone with it. Offers every method. In Python and Node.js it is `InMemorySessionStore`.
#[derive(Default)]
pub struct MemorySessionStore(Mutex<State>);

#[derive(Default)]
struct State {
    transcripts: BTreeMap<SessionKey, Transcript>,
    summaries: BTreeMap<SessionKey, SessionSummary>,
    last: u64,
}

#[derive(Default)]
struct Transcript {
    entries: Vec<StoreEntry>,
    uuids: HashSet<String>,
    mtime: u64,
}

impl State {
    /// The time in milliseconds, later with each call, so that of two sessions one is the newer.
    fn now(&mut self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(self.last + 1);
        self.last
    }

    fn append(&mut self, key: &SessionKey, entries: &[StoreEntry]) {
        if entries.is_empty() {
            return;
        }
        let now = self.now();
        let transcript = self.transcripts.entry(key.clone()).or_default();
        transcript.mtime = now;
        let is_new = |entry: &&StoreEntry| uuid_of(entry).is_none_or(|uuid| transcript.uuids.insert(uuid));
        let fresh: Vec<StoreEntry> = entries.iter().filter(is_new).cloned().collect();
        if key.subpath.is_none() {
            let summary = fold_session_summary(self.summaries.remove(key), key, &fresh);
            self.summaries.insert(key.clone(), SessionSummary { mtime: now, ..summary });
        }
        transcript.entries.extend(fresh);
    }
}

impl MemorySessionStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries under a key, at once; none when nothing was stored there.
    pub fn get_entries(&self, key: &SessionKey) -> Vec<StoreEntry> {
        self.state().transcripts.get(key).map(|transcript| transcript.entries.clone()).unwrap_or_default()
    }

    /// How many sessions it holds; subagents do not count.
    pub fn size(&self) -> usize {
        self.state().summaries.len()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.state();
        state.transcripts.clear();
        state.summaries.clear();
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore").field("sessions", &self.size()).finish()
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl SessionStore for MemorySessionStore {
    fn offers(&self, _: StoreMethod) -> bool {
        true
    }

    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        self.state().append(key, entries);
        ready(())
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        ready(self.state().transcripts.get(key).map(|transcript| transcript.entries.clone()))
    }

    fn list_sessions<'a>(&'a self, project_key: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        let state = self.state();
        let main = state
            .transcripts
            .iter()
            .filter(|(key, _)| key.project_key == project_key && key.subpath.is_none());
        let listed = main
            .map(|(key, transcript)| StoredSession {
                session_id: key.session_id.clone(),
                mtime: transcript.mtime,
            })
            .collect();
        ready(listed)
    }

    fn list_session_summaries<'a>(
        &'a self,
        project_key: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SessionSummary>>> {
        let state = self.state();
        let of_project = state.summaries.iter().filter(|(key, _)| key.project_key == project_key);
        ready(of_project.map(|(_, summary)| summary.clone()).collect())
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<()>> {
        let mut state = self.state();
        if key.subpath.is_some() {
            state.transcripts.remove(key);
        } else {
            let same = |other: &SessionKey| {
                other.project_key == key.project_key && other.session_id == key.session_id
            };
            state.transcripts.retain(|other, _| !same(other));
            state.summaries.retain(|other, _| !same(other));
        }
        ready(())
    }

    fn list_subkeys<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Vec<String>>> {
        let state = self.state();
        let of_session = state
            .transcripts
            .keys()
            .filter(|other| other.project_key == key.project_key && other.session_id == key.session_id);
        ready(of_session.filter_map(|other| other.subpath.clone()).collect())
    }
}
