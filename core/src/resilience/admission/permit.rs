//! A guard over all that an attempt was given: whatever becomes of it, everything is back when the guard is gone.

use std::{fmt, sync::Arc};

use super::desk::{Desk, Grant};
use crate::resilience::{
    Cost, Failure, Key, Refusal, Signal,
    line::{Resources, Shared},
};

/// The permission to make one attempt.
///
/// Dropped before [`started`](Self::started), it was never used and everything is given back, the start included. Dropped later without
/// [`settle`](Self::settle), its place is free, its cost stays charged as uncertain and the breakers learn nothing.
pub struct Permit {
    desk: Arc<Shared<Desk>>,
    grant: Option<Grant>,
    started: bool,
    seen: Cost,
}

impl Permit {
    pub(super) fn new(desk: &Arc<Shared<Desk>>, grant: Grant) -> Self {
        Self { desk: Arc::clone(desk), grant: Some(grant), started: false, seen: Cost::ZERO }
    }

    /// The prompt is about to be sent: from now on the attempt counts.
    pub fn started(&mut self) {
        self.started = true;
    }

    /// The key it was given for.
    pub fn key(&self) -> Option<&Key> {
        self.grant.as_ref().map(|grant| &grant.key)
    }

    /// Passes on what an [`OutcomeWatch`](crate::resilience::OutcomeWatch) says while the attempt goes on: breakers and limiter learn from
    /// every call of the API, not only from the end.
    pub fn signal(&self, signal: &Signal) {
        if let Some(grant) = &self.grant {
            let wall = self.desk.clock.wall();
            self.desk.with(|state, now| state.resources.signal(grant, signal, now, wall));
        }
    }

    /// The attempt was seen to have spent so much by now. Refused when that is more than is held and no budget has so much left: then the
    /// attempt should be interrupted.
    pub fn observe_cost(&mut self, so_far: Cost) -> Result<(), Refusal> {
        self.seen = self.seen.max(so_far);
        let Some(grant) = &self.grant else { return Ok(()) };
        self.desk.with(|state, now| state.resources.top_up(grant, so_far, now))
    }

    /// The attempt is over. `cost` is what it cost, for a resumed session the difference of its totals; `None`: nobody knows, and the larger
    /// of what was seen and its cap stays charged.
    pub fn settle(mut self, outcome: &Result<(), Failure>, cost: Option<Cost>) {
        if let Some(grant) = self.grant.take() {
            let (seen, wall) = (self.seen, self.desk.clock.wall());
            self.desk.with(|state, now| {
                state.resources.outcome(&grant, outcome, now);
                state.resources.finish(&grant, cost, seen, now, wall);
            });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            let (started, seen, wall) = (self.started, self.seen, self.desk.clock.wall());
            self.desk.with(|state, now| {
                if started {
                    state.resources.finish(&grant, None, seen, now, wall);
                } else {
                    state.resources.give_back(grant, now);
                }
            });
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("key", &self.key().map(ToString::to_string))
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
