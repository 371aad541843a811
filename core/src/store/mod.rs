//! Transcripts in a store of the host: the program hands on each line it writes, a session goes on from what is stored.
//!
//! A [`SessionStore`] appends and loads; all else is optional. [`SessionBuilder::session_store`] mirrors a session into it
//! and resumes from it, so that hosts without a disk of their own can keep conversations. The functions here list, read and
//! change what a store holds without starting a program; [`session_store_conformance`] checks a store of your own.
//!
//! ```
//! use std::sync::Arc;
//! use madrigal::store::{ListSessionsFromStore, MemorySessionStore, SessionKey, SessionStore, list_sessions_from_store};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let store: Arc<dyn SessionStore> = Arc::new(MemorySessionStore::new());
//! let key = SessionKey::new("-srv-app", "00000000-0000-4000-8000-000000000001");
//! let line = r#"{"type":"user","uuid":"u1","message":{"role":"user","content":"Hello"}}"#;
//! store.append(&key, &[serde_json::from_str(line).unwrap()]).await?;
//! let request = ListSessionsFromStore { directory: Some("/srv/app".into()), ..ListSessionsFromStore::default() };
//! assert_eq!(list_sessions_from_store(&store, &request).await?[0].summary, "Hello");
//! # Ok::<_, madrigal::Error>(()) }).unwrap();
//! ```
//!
//! [`SessionBuilder::session_store`]: crate::session::SessionBuilder::session_store

mod account;
mod calls;
mod change;
mod conformance;
mod import;
mod key;
mod leftovers;
mod memory;
pub(crate) mod mirror;
mod operation;
mod private_dir;
mod read;
mod requests;
mod resume;
mod session_store;
mod summary;

use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

pub use change::{
    delete_session_via_store, fork_session_via_store, rename_session_via_store, tag_session_via_store,
};
pub use conformance::{StoreCheck, session_store_conformance};
pub use import::import_session_to_store;
pub use key::SessionKey;
pub use memory::MemorySessionStore;
pub use operation::StoreOperation;
pub use read::{
    get_session_info_from_store, get_session_messages_from_store, get_subagent_messages_from_store,
    list_sessions_from_store, list_subagents_from_store,
};
pub use requests::{
    ForkSessionViaStore, GetSessionMessagesFromStore, GetSubagentMessagesFromStore, ImportSessionToStore,
    ListSessionsFromStore, RenameSessionViaStore, StoredSessionOf, TagSessionViaStore,
};
pub use session_store::{SessionStore, SessionSummary, StoreEntry, StoreMethod, StoredSession};
pub use summary::fold_session_summary;

pub(crate) use calls::Calls;
pub(crate) use private_dir::{PrivateDir, remove};
pub(crate) use resume::{check_options, resumed};

/// A store that is shared between a session and whoever else reads it.
pub type SharedStore = Arc<dyn SessionStore>;

/// Runs work that reads or writes files where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "work on files of a session store failed").caused_by(&error))
    })
}
