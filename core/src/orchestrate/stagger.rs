//! Tasks that are begun one after the other, each a while after the one before it: as connections are tried in RFC 8305 and calls are hedged in
//! "The Tail at Scale" (Dean and Barroso, 2013).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use tokio::time::{Sleep, sleep};

use super::{Task, flow::Source};
use crate::Result;

/// How many tasks need not be waited for.
#[derive(Clone, Default)]
pub(super) struct Hurry(Arc<AtomicUsize>);

impl Hurry {
    /// One that was begun is of no use any more: the next may begin. Whoever says this asks the source again.
    pub(super) fn one(&self) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    }

    /// Nothing is waited for any more.
    pub(super) fn all(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| match count {
            0 => None,
            usize::MAX => Some(count),
            _ => Some(count - 1),
        });
        taken.is_ok()
    }
}

pub(super) struct Staggered {
    tasks: std::vec::IntoIter<Task>,
    after: Duration,
    wait: Option<Pin<Box<Sleep>>>,
    hurry: Hurry,
}

impl Staggered {
    pub(super) fn source(tasks: Vec<Task>, after: Duration, hurry: &Hurry) -> Source {
        Box::pin(Self { tasks: tasks.into_iter(), after, wait: None, hurry: hurry.clone() })
    }
}

impl Stream for Staggered {
    type Item = Result<Task>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.tasks.len() == 0 {
            return Poll::Ready(None);
        }
        let waits = this.wait.as_mut().is_some_and(|wait| wait.as_mut().poll(context).is_pending());
        if waits && !this.hurry.take() {
            return Poll::Pending;
        }
        this.wait = Some(Box::pin(sleep(this.after)));
        Poll::Ready(this.tasks.next().map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.tasks.size_hint()
    }
}
