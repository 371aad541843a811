//! What every binding shares: the runtime, sessions by number, delivery, commands, wire errors, logs.
//!
//! The contract is `docs/boundary.md`. A binding translates strings, wakes and lifetimes; everything else is here or in
//! the core. All functions are synchronous and none of them waits, except [`shutdown`] and [`invoke`].

mod asks;
mod auth;
mod command;
mod flow;
mod handles;
mod invoke;
mod log;
mod open;
mod orchestra;
mod policy;
mod runtime;
mod signals;
mod store;
mod work;

use std::{
    panic::{UnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use handles::Running;
use madrigal::session::End;
pub use madrigal::{Error, ErrorKind, Message, MessageKind, Result, VERSION};

/// Variables that a program inherits also in the `allow_list` mode; a name may end in `*`.
pub use madrigal::options::NEEDED as NEEDED_VARIABLES;
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
///
/// # Errors
/// `invalid_options`, `invalid_argument`. Everything else arrives as the end of the stream.
pub fn open(request: &str, wake: Arc<dyn Wake>) -> Result<SessionId> {
    open::open(request, wake)
}

/// Hands over a command; its outcome arrives as a `reply` signal.
///
/// # Errors
/// `closed`; `invalid_argument` for a text that is no command.
pub fn submit(session: SessionId, command: &str) -> Result<()> {
    command::dispatch(&*handles::get(session)?, command)
}

/// Puts a question to a policy that is answered at once, as JSON text.
///
/// # Errors
/// `closed`; `invalid_argument` for a text that is no question of this policy; that of the policy when it refuses.
pub fn decide(policy: SessionId, question: &str) -> Result<String> {
    handles::get(policy)?.policy()?.decide(question).map(|answer| answer.to_string())
}

/// Takes all waiting signals, as JSON texts.
///
/// # Errors
/// `closed`.
pub fn signals(session: SessionId) -> Result<Vec<String>> {
    Ok(handles::get(session)?.signals.take())
}

/// Takes up to `max` messages and errors.
///
/// # Errors
/// `closed`.
pub fn drain(session: SessionId, max: usize) -> Result<Batch> {
    let entry = handles::get(session)?;
    let (items, end) = match &entry.running {
        Running::Session(handle) => handle.mailbox().drain(max),
        Running::Work(work) => (Vec::new(), work.end()),
        Running::Orchestra(orchestra) => orchestra.drain(max),
        Running::Policy(_) | Running::Keeper(_) => (Vec::new(), None),
    };
    let items = items.into_iter().map(|item| item.map_or_else(Item::Error, Item::Message)).collect();
    Ok(Batch { items, end: end.as_ref().map(End::to_json) })
}

/// Closes a session; returns at once; harmless when it is closed already. Its messages can still be drained.
pub fn close(session: SessionId, how: Close) {
    if let Ok(entry) = handles::get(session) {
        match (&entry.running, how) {
            (Running::Session(handle), Close::Graceful) => handle.close_soon(),
            _ => entry.stop(),
        }
    }
}

/// Forgets a session, closing it now when it is still open.
pub fn release(session: SessionId) {
    if let Some(entry) = handles::remove(session) {
        entry.stop();
        entry.asks.abandon();
    }
}

/// Closes everything, waits at most `timeout` until all processes are gone, stops the runtime. A later [`open`] starts a
/// new one.
pub fn shutdown(timeout: Duration) {
    let deadline = Instant::now() + timeout;
    let entries = handles::clear();
    for entry in &entries {
        entry.stop();
        entry.asks.abandon();
    }
    let Some(runtime) = runtime::take() else { return };
    runtime.block_on(async {
        let gone = async {
            for entry in &entries {
                entry.gone().await;
            }
        };
        // Whoever is not gone by then is ended by the thread that looks after processes.
        let _ = tokio::time::timeout_at(deadline.into(), gone).await;
    });
    runtime::stop(runtime, deadline.saturating_duration_since(Instant::now()));
}

/// Carries out work that belongs to no session, such as `{"operation": "list_sessions"}`, and returns its result as JSON text.
/// Blocks while it reads the disk: call it off the event loop.
///
/// # Errors
/// `invalid_argument`, and those of the operation.
pub fn invoke(request: &str) -> Result<String> {
    invoke::invoke(request)
}

/// Runs `body`, turning a panic into an `internal` error: every entry point of a binding goes through here.
///
/// # Errors
/// Those of `body`.
pub fn catch<T>(body: impl FnOnce() -> Result<T> + UnwindSafe) -> Result<T> {
    catch_unwind(body).unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Error::new(ErrorKind::Internal, format!("a defect in Madrigal, please report it: {what}")))
    })
}

/// Forwards the core's log lines at or above `level` (`off`, `error`, `warn`, `info`, `debug`, `trace`) to [`logs`].
///
/// # Errors
/// `invalid_argument` for another level.
pub fn set_log_level(level: &str, wake: Option<Arc<dyn Wake>>) -> Result<()> {
    log::set_level(level, wake)
}

/// Takes the waiting log lines: JSON texts `{"level","target","message","fields","dropped"?}`.
pub fn logs() -> Vec<String> {
    log::take()
}
