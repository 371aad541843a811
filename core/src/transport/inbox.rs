//! The way to the keeper: requests go into a list, and a bell wakes it. One inbox per host process, also after `fork`.

use std::{
    io,
    os::fd::OwnedFd,
    process,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{oneshot, watch};

use super::{
    Exit, Signal, StderrLine, StopLadder, child::ChildProcess, keeper, poller::Bell, prepare::Prepared,
    spawn::Stdio, stderr::Tail, tree,
};
use crate::{Error, ErrorKind, Result};

/// All marks have this length, so that none is the start of another.
pub(super) const MARK_LENGTH: usize = 10 + 1 + 16 + 1 + 12;

/// What can be asked of the keeper.
pub(super) enum Request {
    Spawn(Box<SpawnRequest>),
    Signal(u64, Signal),
    Stop(u64, StopLadder),
    /// Ends the thread of a keeper that nobody knows.
    Quit,
}

/// A program to start. Dropping the answer's receiver stops the program again.
pub(super) struct SpawnRequest {
    pub(super) prepared: Prepared,
    pub(super) mark: String,
    pub(super) stdio: Stdio,
    /// Our end of its stderr, nonblocking.
    pub(super) stderr: OwnedFd,
    pub(super) on_stderr: Option<StderrLine>,
    pub(super) answer: oneshot::Sender<Result<ChildProcess>>,
}

/// What a program's handle and the keeper both see.
pub(super) struct Fate {
    pub(super) exit: watch::Sender<Option<Exit>>,
    pub(super) tail: Mutex<Tail>,
}

/// The way to the keeper of one host process.
pub(super) struct Inbox {
    /// The process this keeper belongs to: its threads do not follow through `fork`.
    pub(super) host: u32,
    /// When the host started, on the clock of `/proc`.
    pub(super) since: u64,
    next: AtomicU64,
    requests: Mutex<Vec<Request>>,
    pub(super) bell: Bell,
}

impl Inbox {
    pub(super) fn new(host: u32) -> io::Result<Self> {
        Ok(Self {
            host,
            since: tree::start_time(host).unwrap_or(0),
            next: AtomicU64::new(1),
            requests: Mutex::new(Vec::new()),
            bell: Bell::new()?,
        })
    }

    /// What has come since the last time.
    pub(super) fn take(&self) -> Vec<Request> {
        self.bell.silence();
        std::mem::take(&mut *lock(&self.requests))
    }

    pub(super) fn send(&self, request: Request) {
        let first = {
            let mut requests = lock(&self.requests);
            requests.push(request);
            requests.len() == 1
        };
        if first {
            self.bell.ring();
        }
    }

    /// A name for the processes of one more program, unique on this machine while it runs.
    pub(super) fn next_mark(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:010}.{:016}.{number:012}", self.host, self.since)
    }
}

/// Each `fork` of the host needs a keeper of its own; locks of the parent must not be touched, so generations are a
/// list that only grows.
struct Generation {
    inbox: OnceLock<Arc<Inbox>>,
    next: OnceLock<Box<Generation>>,
}

impl Generation {
    const fn new() -> Self {
        Self { inbox: OnceLock::new(), next: OnceLock::new() }
    }
}

static FIRST: Generation = Generation::new();

/// The keeper of this process, started when there is none.
pub(super) fn current() -> Result<Arc<Inbox>> {
    let me = process::id();
    let mut generation = &FIRST;
    loop {
        match generation.inbox.get() {
            Some(inbox) if inbox.host == me => return Ok(Arc::clone(inbox)),
            Some(_) => generation = generation.next.get_or_init(|| Box::new(Generation::new())),
            None => {
                let inbox = keeper::start(me).map_err(|error| {
                    Error::new(
                        ErrorKind::SpawnFailed,
                        "the thread that looks after processes could not be started",
                    )
                    .operation("spawn")
                    .caused_by(&error)
                })?;
                // Two may start one at once: one stays, the other is sent home.
                if let Err(surplus) = generation.inbox.set(inbox) {
                    surplus.send(Request::Quit);
                }
            }
        }
    }
}

/// A panic elsewhere leaves nothing half done that matters here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
