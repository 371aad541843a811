//! A session store of the host as the core sees it: each call becomes a question.

use std::sync::Arc;

use madrigal::{
    Error, ErrorKind, Result,
    session::Progress,
    store::{SessionKey, SessionStore, SessionSummary, StoreEntry, StoreMethod, StoredSession},
    transport::BoxFuture,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};

use crate::asks::Asks;

/// What a request says of the store.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSpec {
    methods: Vec<String>,
}

impl StoreSpec {
    /// The methods the store has.
    pub(crate) fn methods(self) -> Result<Vec<StoreMethod>> {
        let invalid = |message: String| {
            Error::new(ErrorKind::InvalidArgument, message)
                .operation("open")
                .with("field", "session_store.methods")
        };
        let named = self.methods.iter().map(|name| {
            StoreMethod::from_name(name).ok_or_else(|| {
                let known = StoreMethod::ALL.map(StoreMethod::name).join("`, `");
                invalid(format!("session_store.methods: expected any of `{known}`, not `{name}`"))
            })
        });
        let methods = named.collect::<Result<Vec<_>>>()?;
        match StoreMethod::ALL.into_iter().find(|method| !method.is_optional() && !methods.contains(method)) {
            Some(missing) => {
                Err(invalid(format!("session_store.methods: a store must have `{}`", missing.name())))
            }
            None => Ok(methods),
        }
    }
}

/// The store of a host.
pub(crate) struct HostStore {
    asks: Arc<Asks>,
    methods: Vec<StoreMethod>,
    /// Which of several stores is meant.
    number: Option<u64>,
}

impl HostStore {
    pub(crate) fn new(asks: &Arc<Asks>, methods: Vec<StoreMethod>, number: Option<u64>) -> Self {
        Self { asks: asks.clone(), methods, number }
    }

    /// Asks, with the arguments as JSON fields, each with a comma before it.
    fn call(&self, method: StoreMethod, arguments: &str) -> BoxFuture<'static, Result<Box<RawValue>>> {
        let store = self.number.map(|number| format!(r#","store":{number}"#)).unwrap_or_default();
        let request = format!(r#"{{"method":"{}"{store}{arguments}}}"#, method.name());
        self.asks.ask("session_store", &request, Progress::default())
    }

    fn ask<'a, T: DeserializeOwned + Send + 'a>(
        &self,
        method: StoreMethod,
        arguments: &str,
    ) -> BoxFuture<'a, Result<T>> {
        let answer = self.call(method, arguments);
        Box::pin(async move {
            let answer = answer.await?;
            serde_json::from_str(answer.get()).map_err(|error| {
                let method = method.name();
                let message = format!("answer to session_store: {method}: {error}");
                Error::new(ErrorKind::InvalidArgument, message).operation("answer").with("method", method)
            })
        })
    }
}

fn with_key(key: &SessionKey) -> String {
    format!(r#","key":{}"#, json!(key))
}

fn with_project(key: &str) -> String {
    format!(r#","project_key":{}"#, json!(key))
}

impl SessionStore for HostStore {
    fn offers(&self, method: StoreMethod) -> bool {
        self.methods.contains(&method)
    }

    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        let entries: Vec<&str> = entries.iter().map(|entry| entry.get()).collect();
        let arguments = format!(r#"{},"entries":[{}]"#, with_key(key), entries.join(","));
        let answer = self.call(StoreMethod::Append, &arguments);
        // Whatever a function without a result gives is no failure.
        Box::pin(async move { answer.await.map(drop) })
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.ask(StoreMethod::Load, &with_key(key))
    }

    fn list_sessions<'a>(&'a self, project_key: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        self.ask(StoreMethod::ListSessions, &with_project(project_key))
    }

    fn list_session_summaries<'a>(
        &'a self,
        project_key: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SessionSummary>>> {
        self.ask(StoreMethod::ListSessionSummaries, &with_project(project_key))
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<()>> {
        let answer = self.call(StoreMethod::Delete, &with_key(key));
        Box::pin(async move { answer.await.map(drop) })
    }

    fn list_subkeys<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Vec<String>>> {
        self.ask(StoreMethod::ListSubkeys, &with_key(key))
    }
}
