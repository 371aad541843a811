//! Where a token is kept from one run to the next. A store is three functions; the ones here are the keyring, a file, the first of
//! these that is there, and memory. Programs can bring their own.

mod auto;
mod file;
mod keyring;
mod memory;
#[cfg(test)]
mod tests;

pub use auto::AutoTokenStore;
pub use file::FileTokenStore;
pub use keyring::KeyringTokenStore;
pub use memory::MemoryTokenStore;

use super::StoredToken;
use crate::{Result, transport::BoxFuture};

/// Keeps one token.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use madrigal::auth::{MemoryTokenStore, StoredToken, TokenStore as _};
/// let store = MemoryTokenStore::new();
/// assert_eq!(store.load().await?, None);
/// let token = StoredToken::new("sk-ant-oat01-test-test-test".into(), std::time::SystemTime::now())?;
/// store.save(&token).await?;
/// assert_eq!(store.load().await?, Some(token));
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// What it is called where it is said which credential was used: `file ~/.claude_sdk/token.json`.
    fn name(&self) -> String;

    /// The token; `None` when there is none.
    ///
    /// # Errors
    /// `auth` when there is something that is no token, or that others could have read or replaced.
    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>>;

    /// Keeps a token in place of the one before. Either the old or the new one is there afterwards, whatever happens.
    ///
    /// # Errors
    /// `auth` when it could not be kept, or when what is there is not of this store.
    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>>;

    /// Forgets it. Nothing happens when there is none.
    ///
    /// # Errors
    /// `auth` when it could not be removed.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;

    /// Has the person do what is needed before the token can be read or kept: unlock the keyring. Called only where a person may be
    /// asked. A store that needs nobody does nothing.
    ///
    /// # Errors
    /// `auth` when the person did not, or nobody is there.
    fn unlock(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Keeps other processes from changing the token until the lock is dropped. A store of one process needs none.
    ///
    /// # Errors
    /// `timeout` when another process holds it for too long.
    fn lock(&self) -> BoxFuture<'_, Result<TokenLock>> {
        Box::pin(std::future::ready(Ok(TokenLock::none())))
    }
}

/// The right to change a token, until it is dropped.
#[derive(Debug)]
pub struct TokenLock(#[allow(dead_code, reason = "held for its drop")] Option<std::fs::File>);

impl TokenLock {
    /// No lock: for stores that only one process sees.
    pub const fn none() -> Self {
        Self(None)
    }
}
