//! After `fork` the child has the memory of its parent but not its threads, so nothing behind an inherited handle will
//! ever answer, and a lock that another thread held stays locked for ever. Handles therefore know their process and
//! refuse to do anything, also to clean up, in another one.

use madrigal_bridge::{Error, ErrorKind, Result};

/// The process that made a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    /// This process.
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether the handle may be used here.
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Fails with `closed` in any process but the one that made the handle.
    pub(crate) fn check(self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Closed,
            "the session was opened before a fork and belongs to the parent process; open a new one here",
        )
        .with("reason", "forked"))
    }
}
