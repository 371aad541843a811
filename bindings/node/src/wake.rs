//! How an environment (the main thread, or a worker) learns that sessions have something for it.
//!
//! One function that other threads may call, for all its sessions, and a list of the sessions that are ready. It is
//! called once when the list turns from empty to non-empty; what is ready later joins the list. It is weak: waiting for
//! a wake keeps nobody alive, that is decided in JavaScript.

use std::sync::{Mutex, MutexGuard, PoisonError};

use madrigal_bridge::{SessionId, Wake};
use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};

type Callback = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The ready list of an environment and the way to tell it.
pub(crate) struct Bell {
    state: Mutex<State>,
}

struct State {
    ready: Vec<SessionId>,
    /// `None` once the environment ends.
    callback: Option<Callback>,
}

impl Bell {
    /// `callback` runs in its environment; it takes the list with [`take`](Self::take).
    pub(crate) fn new(callback: &Function<'_, (), ()>) -> napi::Result<Self> {
        let callback =
            callback.build_threadsafe_function().weak::<true>().callee_handled::<false>().build()?;
        Ok(Self { state: Mutex::new(State { ready: Vec::new(), callback: Some(callback) }) })
    }

    /// The sessions that became ready since the last call.
    pub(crate) fn take(&self) -> Vec<SessionId> {
        std::mem::take(&mut self.lock().ready)
    }

    /// The environment ends: nobody is told any more.
    pub(crate) fn silence(&self) {
        let callback = self.lock().callback.take();
        // Dropped without the lock: releasing it may wait for a thread that is about to take the lock.
        drop(callback);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(&self, session: SessionId) {
        let mut state = self.lock();
        let State { ready, callback } = &mut *state;
        let Some(callback) = callback else { return };
        let first = ready.is_empty();
        ready.push(session);
        if first {
            // Refused only while the environment ends, and then there is nobody to tell.
            callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
