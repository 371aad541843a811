//! How a token is got where there is none: a person logs in, or the host program has its own way.

mod program;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

pub use program::{ProgramSetup, SETUP_LIMIT};

use super::Secret;
use crate::{Result, transport::BoxFuture};

/// A way to get a token. [`ProgramSetup`] runs `claude setup-token`; a host can bring another, such as one that asks a vault.
pub trait TokenSetup: Send + Sync + 'static {
    /// A new token.
    ///
    /// # Errors
    /// Whatever keeps it from being got.
    fn new_token(&self) -> BoxFuture<'_, Result<Secret>>;

    /// Whether a person has to do something for it. Where that is so, nothing happens by itself in a place without a terminal.
    fn is_interactive(&self) -> bool {
        false
    }
}

impl TokenSetup for ProgramSetup {
    fn new_token(&self) -> BoxFuture<'_, Result<Secret>> {
        Box::pin(self.run())
    }

    fn is_interactive(&self) -> bool {
        true
    }
}
