//! The life of a program in memory: it can be signalled, ends once, and tells how.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use crate::{
    testing::{player::Event, scenario::Sig},
    transport::{BoxFuture, Exit, Process, Signal, StderrLine, StopLadder},
};

/// What is kept of stderr.
const TAIL: usize = 8 * 1024;

/// Shared by the program and those who watch it.
pub(super) struct Life {
    exit: watch::Sender<Option<Exit>>,
    events: UnboundedSender<Event>,
    deaf_to_int: AtomicBool,
    deaf_to_term: AtomicBool,
    stderr: Mutex<String>,
    on_stderr: Option<StderrLine>,
}

impl Life {
    pub(super) fn new(on_stderr: Option<StderrLine>) -> (Self, UnboundedReceiver<Event>) {
        let (events, receiver) = unbounded_channel();
        let life = Self {
            exit: watch::Sender::new(None),
            events,
            deaf_to_int: AtomicBool::new(false),
            deaf_to_term: AtomicBool::new(false),
            stderr: Mutex::new(String::new()),
            on_stderr,
        };
        (life, receiver)
    }

    /// Tells the program.
    pub(super) fn happens(&self, event: Event) {
        // A program that is gone hears nothing.
        let _ = self.events.send(event);
    }

    /// Ends it, unless it ended before.
    pub(super) fn end(&self, exit: Exit) {
        self.exit.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(exit);
            first
        });
    }

    /// Waits until it ended.
    pub(super) async fn over(&self) {
        // The sender is right here, so waiting does not fail.
        let _ = self.exit.subscribe().wait_for(Option::is_some).await;
    }

    pub(super) fn heeds(&self, signal: Sig) -> bool {
        !self.deafness(signal).load(Ordering::Acquire)
    }

    pub(super) fn ignore(&self, signal: Sig) {
        self.deafness(signal).store(true, Ordering::Release);
    }

    fn deafness(&self, signal: Sig) -> &AtomicBool {
        match signal {
            Sig::Int => &self.deaf_to_int,
            Sig::Term => &self.deaf_to_term,
        }
    }

    /// Writes to stderr.
    pub(super) fn complain(&self, text: &str) {
        if let Some(line) = &self.on_stderr {
            text.lines().for_each(|text| line(text));
        }
        let mut stderr = self.tail();
        stderr.push_str(text);
        let surplus = stderr.len().saturating_sub(TAIL);
        let cut = (surplus..=stderr.len()).find(|at| stderr.is_char_boundary(*at)).unwrap_or_default();
        stderr.drain(..cut);
    }

    fn tail(&self) -> MutexGuard<'_, String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        match signal {
            Signal::Interrupt => self.happens(Event::Interrupted),
            Signal::Terminate if self.heeds(Sig::Term) => self.end(Exit::Code(143)),
            Signal::Terminate => {}
            Signal::Kill => self.end(Exit::Signal(9)),
        }
    }
}

/// The process as the session sees it.
pub(super) struct MemoryProcess {
    life: Arc<Life>,
    runtime: Handle,
    ladder: Mutex<Ladder>,
}

/// When each signal is due, and who sends them.
#[derive(Default)]
struct Ladder {
    due: [Option<Instant>; 3],
    climbing: Option<AbortHandle>,
}

const RUNGS: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::Kill];

impl MemoryProcess {
    pub(super) fn new(life: Arc<Life>) -> Self {
        Self { life, runtime: Handle::current(), ladder: Mutex::default() }
    }
}

impl Process for MemoryProcess {
    fn id(&self) -> Option<u32> {
        None
    }

    fn signal(&self, signal: Signal) {
        self.life.signal(signal);
    }

    fn stop(&self, ladder: StopLadder) {
        let now = Instant::now();
        let after = [ladder.interrupt_after, ladder.terminate_after, Some(ladder.kill_after)];
        let mut current = self.ladder.lock().unwrap_or_else(PoisonError::into_inner);
        for (due, after) in current.due.iter_mut().zip(after) {
            let wanted = after.map(|after| now + after);
            *due = [*due, wanted].into_iter().flatten().min();
        }
        if let Some(climbing) = current.climbing.take() {
            climbing.abort();
        }
        let (due, life) = (current.due, self.life.clone());
        let climb = self.runtime.spawn(async move {
            for (due, signal) in due.into_iter().zip(RUNGS) {
                let Some(due) = due else { continue };
                tokio::select! {
                    () = sleep_until(due) => life.signal(signal),
                    () = life.over() => return,
                }
            }
        });
        current.climbing = Some(climb.abort_handle());
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        let mut exit = self.life.exit.subscribe();
        Box::pin(async move {
            let known = exit.wait_for(Option::is_some).await;
            known.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
        })
    }

    fn stderr_tail(&self) -> String {
        self.life.tail().clone()
    }
}

impl Drop for MemoryProcess {
    fn drop(&mut self) {
        self.life.signal(Signal::Terminate);
        self.life.signal(Signal::Kill);
    }
}
