//! What one JavaScript environment (the main thread, or a worker) has of its own: its wake and its sessions. When it
//! ends, however it ends, its sessions end with it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madrigal_bridge::{self as bridge, Result, SessionId};
use napi::{Env, bindgen_prelude::Function};

use crate::wake::Bell;

/// The sessions of an environment.
pub(crate) struct Environment {
    pub(crate) bell: Arc<Bell>,
    open: Mutex<HashSet<SessionId>>,
}

impl Environment {
    /// Ties itself to the end of `env`.
    pub(crate) fn new(env: &Env, wake: &Function<'_, (), ()>) -> napi::Result<Arc<Self>> {
        let this = Arc::new(Self { bell: Arc::new(Bell::new(wake)?), open: Mutex::default() });
        env.add_env_cleanup_hook(Arc::clone(&this), |this| this.end())?;
        Ok(this)
    }

    pub(crate) fn open(&self, request: &str) -> Result<SessionId> {
        let session = bridge::open(request, Arc::<Bell>::clone(&self.bell))?;
        self.sessions().insert(session);
        Ok(session)
    }

    pub(crate) fn release(&self, session: SessionId) {
        self.sessions().remove(&session);
        bridge::release(session);
    }

    fn end(&self) {
        self.bell.silence();
        for session in std::mem::take(&mut *self.sessions()) {
            bridge::release(session);
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
