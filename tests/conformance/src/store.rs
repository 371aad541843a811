//! The session store of a scenario: one in memory that fails, hangs or lacks methods as it is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use madrigal::{
    Error, ErrorKind, Result,
    store::{
        MemorySessionStore, SessionKey, SessionStore, SessionSummary, SharedStore, StoreEntry, StoreMethod,
        StoreOperation, StoredSession,
    },
    testing::matches,
    transport::BoxFuture,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::Outcome;

/// How long the store may take to hold what is expected.
const SETTLED: Duration = Duration::from_secs(10);

/// A store with moods.
pub(crate) struct ScenarioStore {
    memory: MemorySessionStore,
    lacks: Vec<String>,
    hangs: Vec<String>,
    /// How many calls of a method still fail; below 0: all.
    fails: Mutex<HashMap<String, i64>>,
}

impl ScenarioStore {
    /// `None` for a scenario without a store.
    pub(crate) async fn new(scenario: &Value) -> Result<Option<Arc<Self>>, String> {
        let given = &scenario["session_store"];
        if given.is_null() {
            return Ok(None);
        }
        let names = |field: &str| -> Vec<String> {
            given[field]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|n| n.as_str().map(str::to_owned))
                .collect()
        };
        let memory = MemorySessionStore::new();
        for held in given["holds"].as_array().into_iter().flatten() {
            let key = key(&held["key"])?;
            let entries: Vec<StoreEntry> =
                serde_json::from_value(held["entries"].clone()).map_err(|error| error.to_string())?;
            memory.append(&key, &entries).await.map_err(|error| error.to_string())?;
        }
        let fails = given["fails"].as_object().into_iter().flatten();
        let fails = fails.map(|(name, calls)| (name.clone(), calls.as_i64().unwrap_or_default())).collect();
        Ok(Some(Arc::new(Self {
            memory,
            lacks: names("lacks"),
            hangs: names("hangs"),
            fails: Mutex::new(fails),
        })))
    }

    /// Waits until the entries under a key match.
    pub(crate) async fn holds(&self, given: &Value, pattern: &Value) -> Outcome {
        let key = key(given)?;
        let deadline = Instant::now() + SETTLED;
        loop {
            let found = json!(self.memory.load(&key).await.map_err(|error| error.to_string())?);
            if matches(pattern, &found) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("the store holds {found}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn call<'a, T: Send + 'a>(
        &self,
        method: StoreMethod,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        if self.hangs.iter().any(|name| name == method.name()) {
            return Box::pin(std::future::pending());
        }
        let mut fails = self.fails.lock().unwrap_or_else(PoisonError::into_inner);
        match fails.get_mut(method.name()) {
            Some(left) if *left != 0 => {
                *left -= 1;
                Box::pin(async { Err(Error::new(ErrorKind::Callback, "the store is down")) })
            }
            _ => call(),
        }
    }
}

fn key(given: &Value) -> Result<SessionKey, String> {
    serde_json::from_value(given.clone()).map_err(|error| error.to_string())
}

/// Calls a function over a store by its name.
pub(crate) async fn invoke(
    name: &str,
    mut request: Value,
    config_dir: Option<&std::path::Path>,
    store: Option<Arc<ScenarioStore>>,
) -> Result<Value> {
    request["operation"] = name.into();
    if let Some(config_dir) = config_dir.filter(|_| name.ends_with("_to_store")) {
        request["config_dir"] = config_dir.to_string_lossy().into();
    }
    let operation = StoreOperation::from_json(&request.to_string())?;
    let store = |fresh: u64| -> SharedStore {
        match &store {
            Some(store) if fresh == 0 => store.clone(),
            _ => Arc::new(MemorySessionStore::new()),
        }
    };
    let text = operation.perform(store).await?;
    serde_json::from_str(&text).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
}

/// Whether a function of this name works over a store.
pub(crate) fn is_operation(name: &str) -> bool {
    ["_from_store", "_via_store", "_to_store"].iter().any(|ending| name.ends_with(ending))
        || name == "session_store_conformance"
}

impl SessionStore for ScenarioStore {
    fn offers(&self, method: StoreMethod) -> bool {
        !self.lacks.iter().any(|name| name == method.name())
    }

    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        self.call(StoreMethod::Append, || self.memory.append(key, entries))
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.call(StoreMethod::Load, || self.memory.load(key))
    }

    fn list_sessions<'a>(&'a self, project_key: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        self.call(StoreMethod::ListSessions, || self.memory.list_sessions(project_key))
    }

    fn list_session_summaries<'a>(
        &'a self,
        project_key: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SessionSummary>>> {
        self.call(StoreMethod::ListSessionSummaries, || self.memory.list_session_summaries(project_key))
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<()>> {
        self.call(StoreMethod::Delete, || self.memory.delete(key))
    }

    fn list_subkeys<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Vec<String>>> {
        self.call(StoreMethod::ListSubkeys, || self.memory.list_subkeys(key))
    }
}
