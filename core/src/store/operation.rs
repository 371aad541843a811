//! The operations over a store by name, as they cross to other languages: one JSON object in, one JSON value out.

use serde::Deserialize;

use super::{
    ForkSessionViaStore, GetSessionMessagesFromStore, GetSubagentMessagesFromStore, ImportSessionToStore,
    ListSessionsFromStore, RenameSessionViaStore, SharedStore, StoredSessionOf, TagSessionViaStore,
    delete_session_via_store, fork_session_via_store, get_session_info_from_store,
    get_session_messages_from_store, get_subagent_messages_from_store, import_session_to_store,
    list_sessions_from_store, list_subagents_from_store, rename_session_via_store, session_store_conformance,
    tag_session_via_store,
};
use crate::{
    Result,
    transcript::{json_text as text, operation_from_json},
};

/// Work on a store that needs no program.
///
/// ```
/// use std::sync::Arc;
/// use madrigal::store::{MemorySessionStore, SharedStore, StoreOperation};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let operation = StoreOperation::from_json(r#"{"operation": "list_sessions_from_store", "directory": "/"}"#)?;
/// let store: SharedStore = Arc::new(MemorySessionStore::new());
/// assert_eq!(operation.perform(move |_| store.clone()).await?, "[]");
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreOperation {
    /// [`import_session_to_store`].
    ImportSessionToStore(ImportSessionToStore),
    /// [`list_sessions_from_store`].
    ListSessionsFromStore(ListSessionsFromStore),
    /// [`get_session_info_from_store`].
    GetSessionInfoFromStore(StoredSessionOf),
    /// [`get_session_messages_from_store`].
    GetSessionMessagesFromStore(GetSessionMessagesFromStore),
    /// [`list_subagents_from_store`].
    ListSubagentsFromStore(StoredSessionOf),
    /// [`get_subagent_messages_from_store`].
    GetSubagentMessagesFromStore(GetSubagentMessagesFromStore),
    /// [`rename_session_via_store`].
    RenameSessionViaStore(RenameSessionViaStore),
    /// [`tag_session_via_store`].
    TagSessionViaStore(TagSessionViaStore),
    /// [`delete_session_via_store`].
    DeleteSessionViaStore(StoredSessionOf),
    /// [`fork_session_via_store`].
    ForkSessionViaStore(ForkSessionViaStore),
    /// [`session_store_conformance`].
    SessionStoreConformance {},
}

impl StoreOperation {
    /// The operation that a request `{"operation": "...", ...}` describes.
    ///
    /// # Errors
    /// `invalid_argument` when it is none; the message names the operation or the field.
    pub fn from_json(request: &str) -> Result<Self> {
        operation_from_json(request)
    }

    /// Carries it out and returns its result as JSON text. `store` gives the store; for the conformance checks, a fresh and
    /// empty one for each new number, otherwise the one that is meant (number 0).
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn perform(&self, store: impl Fn(u64) -> SharedStore + Send + Sync) -> Result<String> {
        if matches!(self, Self::SessionStoreConformance {}) {
            let number = std::sync::atomic::AtomicU64::new(1);
            let fresh = || store(number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            return text(&session_store_conformance(fresh).await);
        }
        let store = &store(0);
        match self {
            Self::ImportSessionToStore(request) => text(&import_session_to_store(store, request).await?),
            Self::ListSessionsFromStore(request) => text(&list_sessions_from_store(store, request).await?),
            Self::GetSessionInfoFromStore(request) => {
                text(&get_session_info_from_store(store, request).await?)
            }
            Self::GetSessionMessagesFromStore(request) => {
                text(&get_session_messages_from_store(store, request).await?)
            }
            Self::ListSubagentsFromStore(request) => text(&list_subagents_from_store(store, request).await?),
            Self::GetSubagentMessagesFromStore(request) => {
                text(&get_subagent_messages_from_store(store, request).await?)
            }
            Self::RenameSessionViaStore(request) => text(&rename_session_via_store(store, request).await?),
            Self::TagSessionViaStore(request) => text(&tag_session_via_store(store, request).await?),
            Self::DeleteSessionViaStore(request) => text(&delete_session_via_store(store, request).await?),
            Self::ForkSessionViaStore(request) => text(&fork_session_via_store(store, request).await?),
            Self::SessionStoreConformance {} => text(&()),
        }
    }
}
