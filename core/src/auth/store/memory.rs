//! For tests, and for programs that get their token anew each time they start.

use std::sync::{Mutex, PoisonError};

use super::{StoredToken, TokenStore};
use crate::{Result, transport::BoxFuture};

/// Keeps the token as long as the program runs.
#[derive(Debug, Default)]
pub struct MemoryTokenStore(Mutex<Option<StoredToken>>);

impl MemoryTokenStore {
    /// One without a token.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Option<StoredToken>) -> T,
    ) -> BoxFuture<'static, Result<T>> {
        let done = change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl TokenStore for MemoryTokenStore {
    fn name(&self) -> String {
        "memory".into()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.with(|token| token.clone())
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        self.with(|kept| *kept = Some(token.clone()))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.with(|token| *token = None)
    }
}
