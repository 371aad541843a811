//! The one bounded queue between a session and whoever reads it, in whatever language.
//!
//! The actor fills it in batches; the reader empties it in a plain, synchronous call. Waiting is separate from taking,
//! so a wait that is given up loses nothing, and a reader is woken once per empty-to-ready edge, not once per message.
//! The same queue serves the Rust stream (woken through a task's waker) and the bindings (through a callback).

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use super::End;
use crate::{Message, Result, redact::Known};

/// What a queued item costs beyond the bytes of its line.
const OVERHEAD: usize = 64;

/// A function called when the queue becomes ready. It runs on a thread of the session and must not block.
pub type WakeFn = Arc<dyn Fn() + Send + Sync>;

/// The message queue of a session.
pub struct Mailbox {
    state: Mutex<State>,
    room: Notify,
    over: Notify,
    limit: usize,
}

#[derive(Default)]
struct State {
    items: VecDeque<Result<Message>>,
    bytes: usize,
    end: Option<End>,
    task: Option<Waker>,
    wake: Option<WakeFn>,
    /// Known as long as somebody can hear of the session.
    secrets: Vec<Known>,
}

impl State {
    fn is_ready(&self) -> bool {
        !self.items.is_empty() || self.end.is_some()
    }

    /// Called when the queue turned from empty to ready, without the lock where that is possible.
    fn take_wakers(&mut self) -> (Option<Waker>, Option<WakeFn>) {
        (self.task.take(), self.wake.clone())
    }
}

fn cost(item: &Result<Message>) -> usize {
    OVERHEAD + item.as_ref().map_or(0, |message| message.raw().len())
}

impl Mailbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), room: Notify::new(), over: Notify::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread cannot leave the queue half changed: each change is one statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hides these in all errors and log lines of this process until nobody holds the session any more.
    pub(crate) fn hide(&self, secrets: Known) {
        self.lock().secrets.push(secrets);
    }

    /// Calls `wake` on each empty-to-ready edge from now on, and at once when the queue is ready already.
    pub fn set_wake(&self, wake: WakeFn) {
        let mut state = self.lock();
        let ready = state.is_ready();
        state.wake = Some(wake.clone());
        drop(state);
        if ready {
            wake();
        }
    }

    /// Calls nobody any more.
    pub(crate) fn unset_wake(&self) {
        self.lock().wake = None;
    }

    /// Takes up to `max` items, in order, and the end of the session once everything before it was taken.
    ///
    /// Never waits. After a batch that is smaller than `max` the queue is empty and the next item wakes the reader.
    pub fn drain(&self, max: usize) -> (Vec<Result<Message>>, Option<End>) {
        let mut state = self.lock();
        let was_full = state.bytes >= self.limit;
        let items: Vec<_> = if state.items.len() <= max {
            std::mem::take(&mut state.items).into()
        } else {
            state.items.drain(..max).collect()
        };
        let freed: usize = if state.items.is_empty() { state.bytes } else { items.iter().map(cost).sum() };
        state.bytes -= freed;
        let end = if state.items.is_empty() { state.end.clone() } else { None };
        let has_room = state.bytes < self.limit;
        drop(state);
        if was_full && has_room {
            self.room.notify_one();
        }
        (items, end)
    }

    /// Waits until there is something to take.
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.is_ready() {
            return Poll::Ready(());
        }
        if !state.task.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.task = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Adds items, emptying `batch`.
    pub(crate) fn push(&self, batch: &mut Vec<Result<Message>>) {
        if batch.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.end.is_some() {
            batch.clear();
            return;
        }
        let edge = state.items.is_empty();
        state.bytes += batch.iter().map(cost).sum::<usize>();
        state.items.extend(batch.drain(..));
        let wakers = if edge { state.take_wakers() } else { (None, None) };
        drop(state);
        fire(wakers);
    }

    /// Ends the queue: what is in it can still be taken, nothing is added. Only the first end counts.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        let edge = state.items.is_empty();
        state.end = Some(end);
        let wakers = if edge { state.take_wakers() } else { (None, None) };
        drop(state);
        fire(wakers);
        self.over.notify_waiters();
    }

    /// Waits for the end of the session, whether or not anybody reads.
    pub(crate) async fn over(&self) -> End {
        loop {
            let over = self.over.notified();
            if let Some(end) = self.ended() {
                return end;
            }
            over.await;
        }
    }

    /// The end of the session, once it is known, even while items are unread.
    pub fn ended(&self) -> Option<End> {
        self.lock().end.clone()
    }

    /// Bytes waiting to be read.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    pub(crate) fn has_room(&self) -> bool {
        self.bytes() < self.limit
    }

    /// Waits until reading made room. May return early; check again.
    pub(crate) async fn room(&self) {
        let notified = self.room.notified();
        if !self.has_room() {
            notified.await;
        }
    }
}

fn fire((task, wake): (Option<Waker>, Option<WakeFn>)) {
    if let Some(task) = task {
        task.wake();
    }
    if let Some(wake) = wake {
        wake();
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Mailbox")
            .field("items", &state.items.len())
            .field("bytes", &state.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn message(n: usize) -> Result<Message> {
        Message::parse(&format!(r#"{{"type":"x","n":{n}}}"#))
    }

    fn counted(mailbox: &Mailbox) -> Arc<AtomicUsize> {
        let count = Arc::new(AtomicUsize::new(0));
        let wakes = count.clone();
        mailbox.set_wake(Arc::new(move || {
            wakes.fetch_add(1, Ordering::SeqCst);
        }));
        count
    }

    #[test]
    fn one_wake_per_edge() {
        let mailbox = Mailbox::new(1000);
        let wakes = counted(&mailbox);
        mailbox.push(&mut vec![message(0), message(1)]);
        mailbox.push(&mut vec![message(2)]);
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        assert_eq!(mailbox.drain(2).0.len(), 2);
        mailbox.push(&mut vec![message(3)]);
        assert_eq!(wakes.load(Ordering::SeqCst), 1, "it was not empty");
        assert_eq!(mailbox.drain(10).0.len(), 2);
        mailbox.push(&mut vec![message(4)]);
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn the_end_comes_after_everything_else_and_stays() {
        let mailbox = Mailbox::new(1000);
        mailbox.push(&mut vec![message(0), message(1)]);
        mailbox.end(End::default());
        mailbox.push(&mut vec![message(2)]);
        let (items, end) = mailbox.drain(1);
        assert_eq!((items.len(), end.is_some()), (1, false));
        let (items, end) = mailbox.drain(5);
        assert_eq!((items.len(), end.is_some()), (1, true), "nothing is added behind the end");
        assert!(mailbox.drain(5).1.is_some());
    }

    #[test]
    fn a_late_wake_function_hears_of_what_waits_already() {
        let mailbox = Mailbox::new(1000);
        mailbox.push(&mut vec![message(0)]);
        assert_eq!(counted(&mailbox).load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn room_opens_when_enough_was_read() {
        let mailbox = Mailbox::new(200);
        mailbox.push(&mut (0..10).map(message).collect());
        assert!(!mailbox.has_room());
        let waiting = async {
            while !mailbox.has_room() {
                mailbox.room().await;
            }
        };
        tokio::join!(waiting, async { drop(mailbox.drain(9)) });
        assert_eq!(mailbox.drain(9).0.len(), 1);
        assert_eq!(mailbox.bytes(), 0);
    }
}
