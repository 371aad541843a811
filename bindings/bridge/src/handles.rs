//! Sessions by number. A number that was released, or that a forked child inherited, is refused with the reason.
//!
//! Threads of the runtime never take this lock, so a fork in the host cannot copy it while it is held by one.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use madrigal::{Error, ErrorKind, Result, SessionHandle};

use crate::{
    SessionId, asks::Asks, auth::Keeper, orchestra::Orchestra, policy::Policy, signals::Signals, work::Work,
};

/// One open session.
pub(crate) struct Entry {
    pid: u32,
    pub(crate) running: Running,
    pub(crate) signals: Arc<Signals>,
    pub(crate) asks: Arc<Asks>,
}

/// What runs behind a number.
pub(crate) enum Running {
    /// A session with a program.
    Session(SessionHandle),
    /// Work on a session store.
    Work(Arc<Work>),
    /// An orchestrator.
    Orchestra(Arc<Orchestra>),
    /// A policy by itself.
    Policy(Arc<Policy>),
    /// An auth manager.
    Keeper(Arc<Keeper>),
}

impl Entry {
    pub(crate) fn new(running: Running, signals: Arc<Signals>, asks: Arc<Asks>) -> Self {
        Self { pid: std::process::id(), running, signals, asks }
    }

    /// The session, for what only a session can do.
    pub(crate) fn session(&self) -> Result<&SessionHandle> {
        match &self.running {
            Running::Session(handle) => Ok(handle),
            Running::Work(_) => Err(closed("work on a session store takes answers and no other command")),
            Running::Orchestra(_) | Running::Policy(_) | Running::Keeper(_) => Err(not_for("a session")),
        }
    }

    /// The orchestrator, for what only an orchestrator can do.
    pub(crate) fn orchestra(&self) -> Result<&Arc<Orchestra>> {
        match &self.running {
            Running::Orchestra(orchestra) => Ok(orchestra),
            _ => Err(not_for("an orchestrator")),
        }
    }

    /// The policy, for what only a policy can do.
    pub(crate) fn policy(&self) -> Result<&Arc<Policy>> {
        match &self.running {
            Running::Policy(policy) => Ok(policy),
            _ => Err(not_for("a policy")),
        }
    }

    /// The auth manager, for what only an auth manager can do.
    pub(crate) fn keeper(&self) -> Result<&Arc<Keeper>> {
        match &self.running {
            Running::Keeper(keeper) => Ok(keeper),
            _ => Err(not_for("an auth manager")),
        }
    }

    /// Ends it now.
    pub(crate) fn stop(&self) {
        match &self.running {
            Running::Session(handle) => handle.stop(),
            Running::Work(work) => work.stop(),
            Running::Orchestra(orchestra) => orchestra.stop(),
            Running::Policy(policy) => policy.stop(),
            Running::Keeper(keeper) => keeper.stop(),
        }
    }

    /// Waits until it is over.
    pub(crate) async fn gone(&self) {
        match &self.running {
            Running::Session(handle) => drop(handle.gone().await),
            Running::Work(work) => work.gone().await,
            // Programs of calls that were given up are ended by the thread that looks after them.
            Running::Orchestra(_) | Running::Policy(_) | Running::Keeper(_) => {}
        }
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);
static ENTRIES: LazyLock<Mutex<HashMap<SessionId, Arc<Entry>>>> = LazyLock::new(Mutex::default);

fn entries() -> MutexGuard<'static, HashMap<SessionId, Arc<Entry>>> {
    ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for a session about to be opened.
pub(crate) fn number() -> SessionId {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn insert(session: SessionId, entry: Entry) {
    entries().insert(session, Arc::new(entry));
}

/// The session with this number.
pub(crate) fn get(session: SessionId) -> Result<Arc<Entry>> {
    let entry = entries().get(&session).cloned();
    match entry {
        Some(entry) if entry.pid == std::process::id() => Ok(entry),
        Some(_) => {
            Err(closed("the session belongs to the process that opened it; it cannot be used after fork"))
        }
        None => Err(closed("the session was released")),
    }
}

/// Forgets the session and returns it, unless another process opened it: then it is leaked, for nothing of it works here.
pub(crate) fn remove(session: SessionId) -> Option<Arc<Entry>> {
    let entry = entries().remove(&session)?;
    if entry.pid == std::process::id() {
        return Some(entry);
    }
    std::mem::forget(entry);
    None
}

/// Forgets all sessions of this process and returns them.
pub(crate) fn clear() -> Vec<Arc<Entry>> {
    let numbers: Vec<_> = entries().keys().copied().collect();
    numbers.into_iter().filter_map(remove).collect()
}

fn closed(why: &str) -> Error {
    Error::new(ErrorKind::Closed, why)
}

fn not_for(what: &str) -> Error {
    let message = format!("command: only {what} takes it, and this handle is none");
    Error::new(ErrorKind::InvalidArgument, message).operation("submit").with("field", "command")
}
