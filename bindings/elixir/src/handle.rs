//! A session as a resource of the BEAM. The process that opened it is its owner: when the owner dies, however it dies,
//! the program is stopped now; when nobody refers to the handle any more, it is forgotten.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use madrigal_bridge::{self as bridge, Close, Item, SessionId};
use rustler::{Env, LocalPid, Monitor, Resource};
use serde_json::Value;

use crate::wake::Targets;

/// What an Elixir process holds.
pub(crate) struct Handle {
    pub(crate) id: SessionId,
    pub(crate) targets: Arc<Targets>,
    /// Taken from the core, not yet given to the reader: the rest of a batch that was too big to decode in one call.
    pub(crate) taken: Mutex<Taken>,
}

#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) items: VecDeque<Item>,
    pub(crate) end: Option<Value>,
}

impl Handle {
    pub(crate) fn new(id: SessionId, targets: Arc<Targets>) -> Self {
        Self { id, targets, taken: Mutex::default() }
    }
}

#[rustler::resource_impl]
impl Resource for Handle {
    fn down<'a>(&'a self, _env: Env<'a>, _pid: LocalPid, _monitor: Monitor) {
        quietly(|| bridge::close(self.id, Close::Now));
    }
}

/// The BEAM runs these callbacks where nobody could receive an error.
fn quietly(body: impl FnOnce()) {
    let _ = bridge::catch(std::panic::AssertUnwindSafe(|| {
        body();
        Ok(())
    }));
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.targets.clear();
        quietly(|| bridge::release(self.id));
    }
}
