//! Calls of a store, which is foreign code: each has a limit of time, and a panic becomes an error of that call.

use std::time::Duration;

use super::{
    SessionKey, SessionSummary, SharedStore, StoreEntry, StoreMethod, StoredSession, session_store::without,
};
use crate::{Error, ErrorKind, Result, caught::caught};

/// How long a call may take where nothing else is said: the official SDKs' limit.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A store, called with care.
#[derive(Clone)]
pub(crate) struct Calls {
    store: SharedStore,
    limit: Duration,
}

impl Calls {
    pub(crate) fn new(store: &SharedStore, limit: Duration) -> Self {
        Self { store: store.clone(), limit }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    pub(crate) fn offers(&self, method: StoreMethod) -> bool {
        self.store.offers(method)
    }

    /// The error for work that a store without this method cannot do.
    pub(crate) fn require(&self, method: StoreMethod) -> Result<()> {
        if self.offers(method) { Ok(()) } else { Err(without(method)) }
    }

    /// With no limit but the caller's.
    pub(crate) async fn append_once(&self, key: &SessionKey, entries: &[StoreEntry]) -> Result<()> {
        done(StoreMethod::Append, async { self.store.append(key, entries).await }).await
    }

    pub(crate) async fn append(&self, key: &SessionKey, entries: &[StoreEntry]) -> Result<()> {
        self.call(StoreMethod::Append, async { self.store.append(key, entries).await }).await
    }

    pub(crate) async fn load(&self, key: &SessionKey) -> Result<Option<Vec<StoreEntry>>> {
        self.call(StoreMethod::Load, async { self.store.load(key).await }).await
    }

    pub(crate) async fn list_sessions(&self, project_key: &str) -> Result<Vec<StoredSession>> {
        let call = async { self.store.list_sessions(project_key).await };
        self.call(StoreMethod::ListSessions, call).await
    }

    pub(crate) async fn list_session_summaries(&self, project_key: &str) -> Result<Vec<SessionSummary>> {
        let call = async { self.store.list_session_summaries(project_key).await };
        self.call(StoreMethod::ListSessionSummaries, call).await
    }

    pub(crate) async fn delete(&self, key: &SessionKey) -> Result<()> {
        self.call(StoreMethod::Delete, async { self.store.delete(key).await }).await
    }

    pub(crate) async fn list_subkeys(&self, key: &SessionKey) -> Result<Vec<String>> {
        self.call(StoreMethod::ListSubkeys, async { self.store.list_subkeys(key).await }).await
    }

    async fn call<T>(&self, method: StoreMethod, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.limit, done(method, call))
            .await
            .unwrap_or_else(|_| Err(late(method, self.limit)))
    }
}

/// The store took too long.
pub(crate) fn late(method: StoreMethod, limit: Duration) -> Error {
    let (name, limit) = (method.name(), u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
    let message = format!("the session store did not finish `{name}` within {limit} ms (timeouts.store_ms)");
    Error::new(ErrorKind::Timeout, message)
        .operation("session_store")
        .with("method", name)
        .with("limit_ms", limit)
}

async fn done<T>(method: StoreMethod, call: impl Future<Output = Result<T>>) -> Result<T> {
    let panicked = || {
        let message = format!("`{}` of the session store panicked", method.name());
        Error::new(ErrorKind::Callback, message)
    };
    caught(call).await.unwrap_or_else(|_| Err(panicked())).map_err(|error| failed(method, error))
}

fn failed(method: StoreMethod, error: Error) -> Error {
    let name = method.name();
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::Timeout | ErrorKind::Callback => error,
        _ => Error::new(ErrorKind::Callback, error.message()).caused_by(&error),
    }
    .operation("session_store")
    .with("method", name)
}
