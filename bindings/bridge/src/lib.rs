//! What every binding shares. The contract is `docs/boundary.md`; a binding translates strings, wakes and lifetimes.

use std::{sync::Arc, time::Duration};

pub use madrigal::{Error, ErrorKind, Message, MessageKind, Result, VERSION};
use serde_json::Value;

/// The number of a session; 0 means the log.
pub type SessionId = u64;

/// Told when a session has something new to take. Called from threads of the runtime: must not block, and must not
/// run code of the host language.
pub trait Wake: Send + Sync + 'static {
    /// `session` has new signals or messages (0: log lines).
    fn wake(&self, session: SessionId);
}

/// One thing from the message queue, in order.
#[derive(Debug)]
pub enum Item {
    /// A message of the program: `raw()`, `kind()`, `kind_name()`, `subtype()`.
    Message(Message),
    /// An error in the stream, which goes on behind it.
    Error(Error),
}

/// What [`drain`] takes.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub items: Vec<Item>,
    /// Set when the stream is over and `items` holds its last part: `{"exit":..., "error":...}`.
    pub end: Option<Value>,
}

/// How to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// End the input, let the program exit, then the stop ladder.
    Graceful,
    /// Terminate, then kill.
    Now,
}

/// Checks `request` and starts a session in the background.
pub fn open(request: &str, wake: Arc<dyn Wake>) -> Result<SessionId> {
    let _ = (request, wake);
    Err(Error::new(ErrorKind::Internal, "the engine is not connected"))
}

/// Hands over a command; its outcome arrives as a `reply` signal.
pub fn submit(session: SessionId, command: &str) -> Result<()> {
    let _ = (session, command);
    Err(Error::new(ErrorKind::Internal, "the engine is not connected"))
}

/// Takes all waiting signals, as JSON texts.
pub fn signals(session: SessionId) -> Result<Vec<String>> {
    let _ = session;
    Err(Error::new(ErrorKind::Internal, "the engine is not connected"))
}

/// Takes up to `max` messages and errors.
pub fn drain(session: SessionId, max: usize) -> Result<Batch> {
    let _ = (session, max);
    Err(Error::new(ErrorKind::Internal, "the engine is not connected"))
}

/// Closes a session; returns at once; harmless when it is closed already.
pub fn close(session: SessionId, how: Close) {
    let _ = (session, how);
}

/// Forgets a session, closing it now when it is still open.
pub fn release(session: SessionId) {
    let _ = session;
}

/// Closes everything, waits at most `timeout` until all processes are gone, stops the runtime.
pub fn shutdown(timeout: Duration) {
    let _ = timeout;
}

/// The parsed JSON of `text` and a closed handle after fork: runs `body`, turning a panic into an `internal` error.
pub fn catch<T>(body: impl FnOnce() -> Result<T> + std::panic::UnwindSafe) -> Result<T> {
    std::panic::catch_unwind(body)
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the engine panicked; please report this")))
}

/// Forwards the core's log lines at or above `level` (`off`, `error`, `warn`, `info`, `debug`, `trace`) to [`logs`].
pub fn set_log_level(level: &str, wake: Option<Arc<dyn Wake>>) -> Result<()> {
    let _ = (level, wake);
    Ok(())
}

/// Takes the waiting log lines: JSON texts `{"level","target","message","fields","dropped"?}`.
pub fn logs() -> Vec<String> {
    Vec::new()
}
