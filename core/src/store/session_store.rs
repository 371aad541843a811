//! What a store must and may do. Only two methods are needed; what else a store offers is asked before it is used.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use super::SessionKey;
use crate::{Error, ErrorKind, Result, transport::BoxFuture};

/// One line of a transcript, a JSON object in the bytes it came in. Most have a `uuid`.
pub type StoreEntry = Box<RawValue>;

/// A method of a [`SessionStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreMethod {
    /// [`SessionStore::append`].
    Append,
    /// [`SessionStore::load`].
    Load,
    /// [`SessionStore::list_sessions`].
    ListSessions,
    /// [`SessionStore::list_session_summaries`].
    ListSessionSummaries,
    /// [`SessionStore::delete`].
    Delete,
    /// [`SessionStore::list_subkeys`].
    ListSubkeys,
}

impl StoreMethod {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Append,
        Self::Load,
        Self::ListSessions,
        Self::ListSessionSummaries,
        Self::Delete,
        Self::ListSubkeys,
    ];

    /// Its name in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Load => "load",
            Self::ListSessions => "list_sessions",
            Self::ListSessionSummaries => "list_session_summaries",
            Self::Delete => "delete",
            Self::ListSubkeys => "list_subkeys",
        }
    }

    /// The method of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether a store can do without.
    pub const fn is_optional(self) -> bool {
        !matches!(self, Self::Append | Self::Load)
    }
}

/// A session that a store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSession {
    /// Its UUID.
    pub session_id: String,
    /// When it was last written, in milliseconds since 1970, by the clock of the store.
    pub mtime: u64,
}

/// What a list shows of a session, kept beside its entries so that listing need not load them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// The UUID of the session.
    pub session_id: String,
    /// When the store wrote it, in milliseconds since 1970, by the clock of [`StoredSession::mtime`].
    pub mtime: u64,
    /// Made and read by [`fold_session_summary`](super::fold_session_summary); a store keeps it as it is.
    pub data: Map<String, Value>,
}

/// Keeps transcripts. `append` and `load` are needed; the other methods only where [`offers`](Self::offers) says so.
///
/// Calls for one key come one after the other; calls for several keys can come at once. A call whose time is up is dropped.
/// An error is tried again (twice), so a store must take entries whose `uuid` it has already without keeping them twice.
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use madrigal::{Result, store::{SessionKey, SessionStore, StoreEntry}, transport::BoxFuture};
///
/// #[derive(Default)]
/// struct Shelf(Mutex<HashMap<SessionKey, Vec<StoreEntry>>>);
///
/// impl SessionStore for Shelf {
///     fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             self.0.lock().unwrap().entry(key.clone()).or_default().extend(entries.iter().cloned());
///             Ok(())
///         })
///     }
///     fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(key).cloned()) })
///     }
/// }
/// ```
pub trait SessionStore: Send + Sync {
    /// Whether the store has this method. By default only the two it must have.
    fn offers(&self, method: StoreMethod) -> bool {
        !method.is_optional()
    }

    /// Adds entries behind those that are there, in order.
    ///
    /// # Errors
    /// Whatever keeps the store from it; the message is shown to the reader of the session.
    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>>;

    /// All entries in order; `None` when nothing was ever stored under the key.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>>;

    /// The sessions of a project, in any order.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    fn list_sessions<'a>(&'a self, _project_key: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        missing(StoreMethod::ListSessions)
    }

    /// The summaries of the sessions of a project, in any order.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    fn list_session_summaries<'a>(
        &'a self,
        _project_key: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SessionSummary>>> {
        missing(StoreMethod::ListSessionSummaries)
    }

    /// Removes what is under the key; without a subpath, all transcripts of the session. What is not there is no error.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    fn delete<'a>(&'a self, _key: &'a SessionKey) -> BoxFuture<'a, Result<()>> {
        missing(StoreMethod::Delete)
    }

    /// The subpaths under which the session has entries. The `subpath` of the key is not looked at.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    fn list_subkeys<'a>(&'a self, _key: &'a SessionKey) -> BoxFuture<'a, Result<Vec<String>>> {
        missing(StoreMethod::ListSubkeys)
    }
}

fn missing<T: Send + 'static>(method: StoreMethod) -> BoxFuture<'static, Result<T>> {
    Box::pin(std::future::ready(Err(without(method))))
}

/// The store lacks a method that the work needs.
pub(super) fn without(method: StoreMethod) -> Error {
    let name = method.name();
    Error::new(ErrorKind::InvalidArgument, format!("session_store: has no `{name}`, which this needs"))
        .operation("session_store")
        .with("field", "session_store")
        .with("method", name)
}
