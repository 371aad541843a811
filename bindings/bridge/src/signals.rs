//! The small queue beside the messages: asks, replies, stderr lines. The host takes it as soon as it is woken, so none of
//! it waits behind unread messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madrigal::{Error, ErrorKind, Result};
use serde_json::{Value, json};

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

/// The reply to a command that takes its time. It comes however that ends: also when it is given up, or panics.
pub(crate) struct Reply {
    signals: Arc<Signals>,
    id: i64,
    operation: &'static str,
    replied: bool,
}

impl Reply {
    pub(crate) fn new(signals: &Arc<Signals>, id: i64, operation: &'static str) -> Self {
        Self { signals: signals.clone(), id, operation, replied: false }
    }

    pub(crate) fn tell(mut self, result: Result<Value>) {
        self.push(result);
    }

    fn push(&mut self, result: Result<Value>) {
        self.replied = true;
        let id = self.id;
        self.signals.push(
            match result {
                Ok(result) => json!({"event": "reply", "id": id, "result": result}),
                Err(error) => json!({"event": "reply", "id": id, "error": error.to_json()}),
            }
            .to_string(),
        );
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.replied {
            let error = Error::new(ErrorKind::Cancelled, "the call was given up");
            self.push(Err(error.operation(self.operation)));
        }
    }
}
