//! The one asynchronous runtime behind all sessions of a host process.
//!
//! It is made at the first use. A forked child inherits its memory but not its threads, so a child makes a new one and
//! leaks the old, which cannot be stopped from there.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madrigal::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::log;

/// One thread does the work of the core: it reads pipes and routes lines, more than a million of them in a second, and
/// nothing in it blocks. More threads would wake each other for nothing and take the machine from the programs and from
/// the host (`docs/adr/0005-one-thread.md`).
const THREADS: usize = 1;

static RUNTIME: Mutex<Option<Owned>> = Mutex::new(None);

struct Owned {
    pid: u32,
    runtime: Runtime,
}

fn slot() -> MutexGuard<'static, Option<Owned>> {
    RUNTIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime of this process, made when there is none.
pub(crate) fn handle() -> Result<Handle> {
    let mut slot = slot();
    let pid = std::process::id();
    if slot.as_ref().is_some_and(|owned| owned.pid != pid) {
        std::mem::forget(slot.take());
    }
    if let Some(owned) = &*slot {
        return Ok(owned.runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("madrigal")
        .on_thread_start(log::attach_thread)
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, format!("could not start the engine's threads: {error}"))
                .caused_by(&error)
        })?;
    let handle = runtime.handle().clone();
    *slot = Some(Owned { pid, runtime });
    Ok(handle)
}

/// Takes the runtime of this process out, if there is one.
pub(crate) fn take() -> Option<Runtime> {
    let owned = slot().take()?;
    if owned.pid == std::process::id() {
        return Some(owned.runtime);
    }
    std::mem::forget(owned);
    None
}

/// Stops a runtime, waiting at most this long for what still runs on it.
pub(crate) fn stop(runtime: Runtime, timeout: Duration) {
    runtime.shutdown_timeout(timeout);
}
