//! What the pool does by itself: starts what is missing, ends what is old, dead or noisy, and lets processes forget.

use std::sync::{Arc, Weak};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Start,
    clear::clear,
    kind::Kind,
    memory,
    processes::{Alive, Place, Process, Shared, State},
    shelf::Ready,
    suits,
    witness::Facts,
};
use crate::{
    Session,
    session::{Ahead, Provided},
};

/// How many runs a process serves between two looks at its memory.
const LOOKS: u32 = 8;

/// Runs as long as the pool is there.
pub(super) async fn tend(pool: Weak<Shared>, poke: Arc<Notify>) {
    loop {
        let due = match pool.upgrade() {
            Some(pool) if !pool.lock().closed => tidy(&pool),
            _ => return,
        };
        tokio::select! {
            () = poke.notified() => {}
            () = async { match due { Some(due) => tokio::time::sleep_until(due).await, None => std::future::pending().await } } => {}
        }
    }
}

/// Does what is due; says when something will be.
fn tidy(pool: &Arc<Shared>) -> Option<Instant> {
    let now = Instant::now();
    let mut state = pool.lock();
    let out = state.shelf.sort_out(now, unfit);
    let State { shelf, returning, .. } = &mut *state;
    let (starts, room) = shelf.due_starts(now, returning);
    let due = shelf.due(now);
    drop(state);
    for (ready, reason) in out {
        retire(pool, ready.process, &reason);
    }
    for ready in room {
        retire(pool, ready.process, "others are asked for");
    }
    for (kind, ahead) in starts {
        tokio::spawn(start(
            Arc::downgrade(pool),
            kind,
            ahead,
            Alive::new(&pool.ward),
            pool.closing.subscribe(),
        ));
    }
    due
}

/// What speaks against a process that stands ready: nothing but the end of its last command may have come.
pub(super) fn unfit(process: &mut Process) -> Option<String> {
    let (unread, end) = process.session.unread();
    if let Some(end) = end {
        let how = end.error.map_or_else(|| "it ended".to_owned(), |error| error.to_string());
        return Some(format!("it died while it stood ready: {how}"));
    }
    unread.into_iter().find_map(|item| match item {
        Ok(message) if message.kind_name() == "command_lifecycle" => None,
        // Our own, about the options.
        Ok(message) if message.subtype() == Some("option_warning") => None,
        Ok(message) => {
            let subtype = message.subtype().map(|subtype| format!("/{subtype}")).unwrap_or_default();
            Some(format!("it said `{}{subtype}` while it stood ready", message.kind_name()))
        }
        Err(error) => Some(format!("it said what cannot be read while it stood ready: {error}")),
    })
}

/// Takes a process out of use, and says why.
pub(super) fn retire(pool: &Shared, process: Process, reason: &str) {
    pool.tell(process.session.pid(), reason);
    end(process);
}

/// Ends a process. It is counted until it is gone.
pub(super) fn end(process: Process) {
    process.session.stop();
    tokio::spawn(async move {
        process.session.gone().await;
        drop(process);
    });
}

/// Starts a process for a kind, and puts it on the shelf when it is ready.
async fn start(
    pool: Weak<Shared>,
    kind: Kind,
    ahead: Arc<Ahead>,
    alive: Alive,
    mut closing: watch::Receiver<bool>,
) {
    let born = Instant::now();
    let mut begun = Begun { pool: pool.clone(), kind, well: false };
    let prove = |pool: &Weak<Shared>| {
        pool.upgrade().is_some_and(|pool| {
            let state = pool.lock();
            pool.recycles()
                && !state.proven.contains(&kind)
                && !state.refused.contains(&kind)
                && suits::not_recycled(&ahead.options).is_none()
                && ahead.provided == Provided::default()
        })
    };
    let session = match ahead.builder().connect().await {
        Ok(session) => session,
        Err(error) => {
            if let Some(pool) = pool.upgrade() {
                pool.tell(None, &format!("none could be started ahead: {error}"));
            }
            return;
        }
    };
    let mut process = Process { session, facts: None, _alive: alive };
    let opened = tokio::select! {
        biased;
        // An error says that the pool is gone.
        _ = closing.wait_for(|closing| *closing) => None,
        opened = process.session.opened() => Some(opened.map(drop).map_err(|error| error.to_string())),
    };
    let Some(opened) = opened else { return end(process) };
    let mut refused = None;
    if opened.is_ok() && prove(&pool) {
        match clear(&mut process.session, None).await {
            Ok(facts) => process.facts = Some(facts),
            Err(reason) => refused = Some(reason),
        }
    }
    let megabytes = measured(&process.session).await;
    let Some(pool) = pool.upgrade() else { return end(process) };
    let now = Instant::now();
    let mut state = pool.lock();
    let well = opened.is_ok() && refused.is_none();
    if process.facts.is_some() {
        state.proven.insert(kind);
    }
    if refused.is_some() {
        state.refused.insert(kind);
    }
    // A refusal is an answer, not a failure to start: the next one starts at once, and is not asked.
    begun.well = opened.is_ok();
    let out = if well && !state.closed {
        wake_on_noise(&pool, &process.session);
        let awaited = state.awaited(kind);
        let ready = Ready { kind, process, start: Start::Prewarmed, served: 0, born, megabytes };
        state.shelf.put(ready, awaited, now).err()
    } else {
        let reason = match (opened, refused) {
            (Err(error), _) => format!("it did not become ready: {error}"),
            (_, Some(reason)) => format!("processes of its kind are not used again: {reason}"),
            _ => "the pool was closed".to_owned(),
        };
        Some((process, reason))
    };
    drop(state);
    if let Some((process, reason)) = out {
        retire(&pool, process, &reason);
    }
}

/// A start under way, however it ends.
struct Begun {
    pool: Weak<Shared>,
    kind: Kind,
    well: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        pool.lock().shelf.started(self.kind, self.well, Instant::now());
        pool.changed.notify_waiters();
        pool.poke.notify_one();
    }
}

fn wake_on_noise(pool: &Shared, session: &Session) {
    let poke = pool.poke.clone();
    session.mailbox().set_wake(Arc::new(move || poke.notify_one()));
}

async fn measured(session: &Session) -> u64 {
    let pid = session.pid();
    tokio::task::spawn_blocking(move || memory::megabytes(pid)).await.unwrap_or(memory::TYPICAL_MB)
}

/// Lets a process forget a run and puts it on the shelf again.
pub(super) fn forget(pool: &Arc<Shared>, place: Place, session: Session, facts: Facts) {
    let kind = place.kind;
    let mut process = Process { session, facts: None, _alive: Alive::new(&pool.ward) };
    {
        let mut state = pool.lock();
        if state.closed {
            drop(state);
            return end(process);
        }
        *state.returning.entry(kind).or_default() += 1;
    }
    let back = Back { pool: Arc::downgrade(pool), kind };
    let mut closing = pool.closing.subscribe();
    tokio::spawn(async move {
        let cleared = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return end(process),
            cleared = clear(&mut process.session, Some(&facts)) => cleared,
        };
        let megabytes = match place.served % LOOKS {
            1 => measured(&process.session).await,
            _ => memory::TYPICAL_MB,
        };
        let Some(pool) = back.pool.upgrade() else { return end(process) };
        let mut state = pool.lock();
        if state.closed {
            // While it was measured. Nobody would look at the shelf again, and whoever closes waits for it.
            drop(state);
            return end(process);
        }
        let out = match cleared {
            Ok(facts) => {
                process.facts = Some(facts);
                state.proven.insert(kind);
                wake_on_noise(&pool, &process.session);
                let awaited = state.awaited(kind);
                let Place { served, born, .. } = place;
                let ready = Ready { kind, process, start: Start::Recycled, served, born, megabytes };
                state.shelf.put(ready, awaited, Instant::now()).err()
            }
            Err(reason) => {
                // It never worked: it is not tried with every run again.
                if !state.proven.contains(&kind) {
                    state.refused.insert(kind);
                }
                Some((process, reason))
            }
        };
        drop(state);
        if let Some((process, reason)) = out {
            retire(&pool, process, &reason);
        }
        drop(back);
        pool.poke.notify_one();
    });
}

/// A process that forgets just now.
struct Back {
    pool: Weak<Shared>,
    kind: Kind,
}

impl Drop for Back {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        let mut state = pool.lock();
        if let Some(returning) = state.returning.get_mut(&self.kind) {
            *returning -= 1;
            if *returning == 0 {
                state.returning.remove(&self.kind);
            }
        }
        drop(state);
        pool.changed.notify_waiters();
    }
}
