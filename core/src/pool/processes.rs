//! The pool itself: gives a run the process that fits it, and waits for one that is nearly there rather than start another.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::AbortHandle,
    time::Instant,
};

use super::{
    PoolConfig, Running, Start,
    kind::{Kind, Kinds},
    shelf::{Ready, Shelf},
    suits, tend,
    witness::{Facts, Witness},
};
use crate::{
    Options, Prompt, Result, Session,
    auth::AuthSource,
    session::{Ahead, Provided, SessionBuilder},
};

/// A process was taken out of the pool, and why.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) pid: Option<u32>,
    pub(crate) reason: String,
}

/// Processes for the runs of one orchestrator. Dropping it ends those that stand ready.
pub(crate) struct Pool(Arc<Shared>);

pub(super) struct Shared {
    config: PoolConfig,
    kinds: Arc<Kinds>,
    state: Mutex<State>,
    /// Something happened that may need tending.
    pub(super) poke: Arc<Notify>,
    /// A process came back, was started, or will not come.
    pub(super) changed: Notify,
    pub(super) ward: Arc<Ward>,
    /// Set when the pool closes; gone with it.
    pub(super) closing: watch::Sender<bool>,
    dropped: AtomicU64,
}

/// What outlives the pool until the last process is gone that was its own to end: so who hears of it hears the end then.
pub(super) struct Ward {
    /// How many there are.
    count: watch::Sender<usize>,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

/// What changes.
pub(super) struct State {
    pub(super) shelf: Shelf<Process, Arc<Ahead>>,
    /// Processes that forget a run just now.
    pub(super) returning: HashMap<Kind, usize>,
    /// Runs that wait for one that is on its way.
    waiting: HashMap<Kind, usize>,
    /// Kinds for which `/clear` was seen to work, or not to.
    pub(super) proven: HashSet<Kind>,
    pub(super) refused: HashSet<Kind>,
    pub(super) closed: bool,
    tending: Option<AbortHandle>,
}

impl State {
    pub(super) fn awaited(&self, kind: Kind) -> bool {
        self.waiting.get(&kind).is_some_and(|count| *count > 0)
    }
}

/// A process that stands ready.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) session: Session,
    /// What its session is, after it forgot another.
    pub(super) facts: Option<Facts>,
    pub(super) _alive: Alive,
}

/// Counts a process for as long as the pool has to end it.
pub(super) struct Alive(Arc<Ward>);

impl Alive {
    pub(super) fn new(ward: &Arc<Ward>) -> Self {
        ward.count.send_modify(|count| *count += 1);
        Self(Arc::clone(ward))
    }
}

impl std::fmt::Debug for Alive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alive")
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn recycles(&self) -> bool {
        self.config.recycle
    }

    /// Says that a process is taken out.
    pub(super) fn tell(&self, pid: Option<u32>, reason: &str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        tracing::info!(pid, "a process was taken out of the pool: {reason}");
        (self.ward.tell)(Event { pid, reason: reason.to_owned() });
    }
}

impl Pool {
    /// `at_once`: how many runs there may be at a time. `tell` hears of each process that is taken out.
    pub(crate) fn new(
        config: PoolConfig,
        at_once: usize,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            shelf: Shelf::new(&config, at_once),
            returning: HashMap::new(),
            waiting: HashMap::new(),
            proven: HashSet::new(),
            refused: HashSet::new(),
            closed: false,
            tending: None,
        };
        Self(Arc::new(Shared {
            config,
            kinds: Arc::default(),
            state: Mutex::new(state),
            poke: Arc::default(),
            changed: Notify::new(),
            ward: Arc::new(Ward { count: watch::Sender::new(0), tell: Box::new(tell) }),
            closing: watch::Sender::new(false),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Begins to start what runs with these options will take. Does nothing outside a runtime, nor for a manager, who might have to
    /// ask a person: then the first run begins.
    pub(crate) fn expect(&self, options: &Options, auth: &AuthSource) {
        if suits::not_ahead(options).is_some() || matches!(auth, AuthSource::Manager(_)) {
            return;
        }
        let (mut options, source) = (options.clone(), auth.clone());
        if let Ok(runtime) = Handle::try_current() {
            let shared = Arc::downgrade(&self.0);
            runtime.spawn(async move {
                if source.give(&mut options).await.is_err() {
                    return;
                }
                let Some(pool) = shared.upgrade().map(Pool) else { return };
                // As for a run, which has its credential before it comes to the pool.
                let auth = AuthSource::Off;
                let ahead =
                    Arc::new(Ahead { options, provided: Provided::default(), asks: Vec::new(), auth });
                if let Some(kind) = pool.kind(&ahead).await {
                    pool.asked(kind, &ahead, 2);
                    pool.0.poke.notify_one();
                }
            });
        }
    }

    /// Gives a prompt to a process that stands ready, or to one of its own when none does, or when it must be `fresh`.
    pub(crate) async fn begin(
        &self,
        builder: SessionBuilder,
        prompt: Prompt,
        fresh: bool,
    ) -> Result<Running> {
        let ahead = builder.ahead().filter(|ahead| suits::not_ahead(&ahead.options).is_none()).map(Arc::new);
        let kind = match &ahead {
            Some(ahead) => self.kind(ahead).await,
            None => None,
        };
        let (Some(ahead), Some(kind)) = (ahead, kind) else {
            return Ok(Running::alone(builder.query(prompt).await?.into_session()));
        };
        let again = self.may_serve_again(kind, &ahead, &prompt);
        let ready = if fresh { None } else { self.take(kind, &ahead).await };
        // Only now is one started for the next: this run would wait for it.
        self.0.poke.notify_one();
        let (session, start, served, born, facts) = match ready {
            Some(Ready { process, start, served, born, .. }) => {
                let Process { session, facts, .. } = process;
                session.mailbox().unset_wake();
                session.adopt(builder.into_host());
                (session, start, served, born, facts)
            }
            None if again => (builder.connect().await?, Start::Cold, 0, Instant::now(), None),
            None => return Ok(Running::alone(builder.query(prompt).await?.into_session())),
        };
        let uuid = prompt.uuid().to_owned();
        // What a session that is gone, or has seen this very prompt, says to it, the run is told when it listens.
        let sent = session.handle().send(prompt);
        let watched = again.then(|| {
            let place = Place { pool: Arc::downgrade(&self.0), kind, served: served + 1, born };
            (place, Witness::new(&uuid, facts))
        });
        if watched.is_none() {
            let _: Result<()> = session.finish();
        }
        Ok(Running::new(session, start, watched, sent))
    }

    async fn kind(&self, ahead: &Arc<Ahead>) -> Option<Kind> {
        let (kinds, ahead) = (self.0.kinds.clone(), ahead.clone());
        tokio::task::spawn_blocking(move || kinds.of(&ahead)).await.ok()
    }

    fn may_serve_again(&self, kind: Kind, ahead: &Ahead, prompt: &Prompt) -> bool {
        self.0.config.recycle
            && ahead.provided == Provided::default()
            // It could change what the session is.
            && (ahead.options.verbatim_prompts || !prompt.is_command())
            && suits::not_recycled(&ahead.options).is_none()
            && !self.0.lock().refused.contains(&kind)
    }

    fn asked(&self, kind: Kind, ahead: &Arc<Ahead>, times: u32) {
        let mut state = self.0.lock();
        state.shelf.asked(kind, || ahead.clone(), times, Instant::now());
        if !state.closed && state.tending.as_ref().is_none_or(AbortHandle::is_finished) {
            let tending = tokio::spawn(tend::tend(Arc::downgrade(&self.0), self.0.poke.clone()));
            state.tending = Some(tending.abort_handle());
        }
    }

    /// A process that stands ready, or one that is on its way and nobody waits for: that is there earlier than a new one.
    async fn take(&self, kind: Kind, ahead: &Arc<Ahead>) -> Option<Ready<Process>> {
        self.asked(kind, ahead, 1);
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let waits = {
                let mut state = self.0.lock();
                if state.closed {
                    return None;
                }
                if let Some(mut ready) = state.shelf.take(kind) {
                    drop(state);
                    match tend::unfit(&mut ready.process) {
                        None => return Some(ready),
                        Some(reason) => {
                            self.0.lock().shelf.failed(kind, Instant::now());
                            tend::retire(&self.0, ready.process, &reason);
                            continue;
                        }
                    }
                }
                let coming = state.shelf.starting(kind) + state.returning.get(&kind).copied().unwrap_or(0);
                let waiting = state.waiting.entry(kind).or_default();
                if coming <= *waiting {
                    if *waiting == 0 {
                        state.waiting.remove(&kind);
                    }
                    return None;
                }
                *waiting += 1;
                Waits { pool: &self.0, kind }
            };
            changed.await;
            drop(waits);
        }
    }

    /// A process that was given out turned out to be of no use.
    pub(crate) fn useless(&self, pid: Option<u32>, reason: &str) {
        self.0.tell(pid, reason);
    }

    /// How many stand ready, and how many were taken out so far.
    pub(crate) fn counts(&self) -> (usize, u64) {
        (self.0.lock().shelf.len(), self.0.dropped.load(Ordering::Relaxed))
    }

    /// Ends all that stand ready or are on their way and waits until they are gone. From then on every run starts its own program.
    pub(crate) async fn close(&self) {
        let ready = {
            let mut state = self.0.lock();
            state.closed = true;
            state.shelf.clear()
        };
        self.0.closing.send_replace(true);
        self.0.changed.notify_waiters();
        self.0.poke.notify_one();
        for Ready { process, .. } in ready {
            tend::end(process);
        }
        // The sender is ours.
        let _ = self.0.ward.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.poke.notify_one();
        // Elsewhere nobody can wait for them: they end all the same.
        if Handle::try_current().is_ok() {
            let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
            for Ready { process, .. } in state.shelf.clear() {
                tend::end(process);
            }
        }
    }
}

/// A run that waits for a process on its way.
struct Waits<'a> {
    pool: &'a Shared,
    kind: Kind,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(waiting) = state.waiting.get_mut(&self.kind) {
            *waiting -= 1;
            if *waiting == 0 {
                state.waiting.remove(&self.kind);
            }
        }
    }
}

/// Where a process may go behind the answer of a run.
#[derive(Debug)]
pub(super) struct Place {
    pool: Weak<Shared>,
    pub(super) kind: Kind,
    pub(super) served: u32,
    pub(super) born: Instant,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Place {
    /// The process may serve again, once it has forgotten.
    pub(super) fn keep(self, session: Session, facts: Facts) {
        if let Some(pool) = self.pool.upgrade() {
            tend::forget(&pool, self, session, facts);
        }
    }

    /// It may not.
    pub(super) fn give_up(self, pid: Option<u32>, reason: &str) {
        if let Some(pool) = self.pool.upgrade() {
            pool.tell(pid, &format!("not used again: {reason}"));
        }
    }
}
