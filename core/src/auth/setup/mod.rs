//! How a token is got where there is none: a person logs in, or the host program has its own way.

mod host;
mod program;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;
mod typed;

pub use host::HostTerminal;
pub use program::{ProgramSetup, SETUP_LIMIT, SetupTerminal};

use std::time::SystemTime;

use super::Secret;
use crate::{Result, transport::BoxFuture};

/// A token that was got.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The token.
    pub token: Secret,
    /// When it ends, where that is said; otherwise what is usual for its kind is taken.
    pub expires_at: Option<SystemTime>,
}

impl From<Secret> for NewToken {
    fn from(token: Secret) -> Self {
        Self { token, expires_at: None }
    }
}

/// A way to get a token. [`ProgramSetup`] runs `claude setup-token`; a host can bring another, such as one that asks a vault.
pub trait TokenSetup: Send + Sync + 'static {
    /// A new token.
    ///
    /// # Errors
    /// Whatever keeps it from being got.
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>>;

    /// Whether a person has to do something for it. Where that is so, nothing happens by itself in a place without a terminal.
    fn is_interactive(&self) -> bool {
        false
    }
}

impl TokenSetup for ProgramSetup {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        Box::pin(async { self.run().await.map(NewToken::from) })
    }

    fn is_interactive(&self) -> bool {
        true
    }
}
