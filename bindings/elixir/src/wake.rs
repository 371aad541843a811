//! Who is woken when a session has something new.
//!
//! Usually one process; two when a session process answers questions while another process reads the messages. The lock
//! is held while sending, so a process that detached gets no wake afterwards and can empty its mailbox of old ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madrigal_bridge::{SessionId, Wake};
use rustler::{LocalPid, OwnedEnv};

use crate::atoms;

/// The processes to wake.
pub(crate) struct Targets(Mutex<Inner>);

struct Inner {
    // Kept, because allocating an environment costs more than sending.
    env: OwnedEnv,
    pids: Vec<LocalPid>,
}

impl Targets {
    pub(crate) fn new(first: LocalPid) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { env: OwnedEnv::new(), pids: vec![first] })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn attach(&self, pid: LocalPid) {
        let mut inner = self.lock();
        if !inner.pids.contains(&pid) {
            inner.pids.push(pid);
        }
    }

    pub(crate) fn detach(&self, pid: LocalPid) {
        self.lock().pids.retain(|known| *known != pid);
    }

    pub(crate) fn clear(&self) {
        self.lock().pids.clear();
    }

    fn send(&self, session: SessionId) {
        let mut inner = self.lock();
        let Inner { env, pids } = &mut *inner;
        // A process that is gone detaches by itself here.
        pids.retain(|pid| env.send_and_clear(pid, |_| (atoms::madrigal_wake(), session)).is_ok());
    }
}

/// What the bridge holds.
pub(crate) struct Waker(pub(crate) Arc<Targets>);

impl Wake for Waker {
    fn wake(&self, session: SessionId) {
        if rustler::thread::is_scheduler_thread() {
            // The BEAM lets its own threads send only with the environment of the running process. The bridge wakes from
            // threads of its runtime; this is for the wake it may give at once while a handle is being made.
            let targets = self.0.clone();
            std::thread::spawn(move || targets.send(session));
        } else {
            self.0.send(session);
        }
    }
}
