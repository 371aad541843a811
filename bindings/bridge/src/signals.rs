//! The small queue beside the messages: asks, replies, stderr lines. The host takes it as soon as it is woken, so none of
//! it waits behind unread messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{SessionId, Wake};

pub(crate) struct Signals {
    session: SessionId,
    wake: Arc<dyn Wake>,
    queue: Mutex<Vec<String>>,
}

impl Signals {
    pub(crate) fn new(session: SessionId, wake: Arc<dyn Wake>) -> Self {
        Self { session, wake, queue: Mutex::default() }
    }

    fn queue(&self) -> MutexGuard<'_, Vec<String>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one, waking the host when there was none.
    pub(crate) fn push(&self, signal: String) {
        let mut queue = self.queue();
        let edge = queue.is_empty();
        queue.push(signal);
        drop(queue);
        if edge {
            self.wake.wake(self.session);
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.queue())
    }
}
