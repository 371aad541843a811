//! When a line has stood for too long: then who can be dropped is dropped, so that what is left is answered in time.
//!
//! The rule of CoDel (Nichols and Jacobson, 2012; RFC 8289): a line that is long for a moment does its work; one in which for a whole interval
//! nobody waited less than a target only makes everybody late. CoDel drops one at a time because a sender slows down when it sees
//! that; those who wait here do not, so all who waited longer than the target go.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use super::Place;
use crate::{
    Result,
    resilience::{Moment, reading::invalid},
};

/// When those of the class `sheddable` are dropped. The defaults are a hundred times those of CoDel (50 ms and 300 ms would be
/// moments of a run of a model): 5 s and 30 s.
///
/// ```
/// use madrigal::resilience::AdmissionConfig;
/// let config = AdmissionConfig::from_json(r#"{"shedding": {"target_ms": 2000}}"#).unwrap();
/// assert_eq!(config.shedding.unwrap().interval_ms, 30_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shedding {
    /// A wait that is acceptable, in milliseconds. Default 5 000.
    pub target_ms: u64,
    /// For how long everybody must have waited longer than that, in milliseconds; more than `target_ms`. Default 30 000.
    pub interval_ms: u64,
}

impl Default for Shedding {
    fn default() -> Self {
        Self { target_ms: 5_000, interval_ms: 30_000 }
    }
}

impl Shedding {
    pub(crate) fn validate(&self) -> Result<()> {
        if self.target_ms == 0 || self.interval_ms <= self.target_ms {
            return Err(invalid(
                "admission.shedding",
                "expected a target_ms of at least 1 and an interval_ms above it",
            ));
        }
        Ok(())
    }
}

/// Watches how long those wait who are let in.
#[derive(Debug)]
pub(super) struct Shed {
    target: Duration,
    interval: Duration,
    /// When somebody last had waited less than the target, or nobody waited.
    well: Moment,
    /// Who can be dropped, by the time of coming.
    sheddable: BTreeSet<(Moment, Place)>,
}

impl Shed {
    pub(super) fn new(config: &Shedding, now: Moment) -> Self {
        Self {
            target: Duration::from_millis(config.target_ms),
            interval: Duration::from_millis(config.interval_ms),
            well: now,
            sheddable: BTreeSet::new(),
        }
    }

    /// Nobody waits, or one was let in who came then.
    pub(super) fn served(&mut self, came: Moment, now: Moment) {
        if now.since(came) < self.target {
            self.well = self.well.max(now);
        }
    }

    pub(super) fn overloaded(&self, now: Moment) -> bool {
        self.well + self.interval <= now
    }

    pub(super) fn came(&mut self, place: Place, now: Moment) {
        self.sheddable.insert((now, place));
    }

    pub(super) fn left(&mut self, came: Moment, place: Place) {
        self.sheddable.remove(&(came, place));
    }

    /// One who is to be dropped now.
    pub(super) fn next(&self, now: Moment) -> Option<Place> {
        let (came, place) = *self.sheddable.first()?;
        (self.overloaded(now) && came + self.target <= now).then_some(place)
    }

    /// When one who came then is dropped, when nothing changes.
    pub(super) fn drops_at(&self, came: Moment) -> Moment {
        (came + self.target).max(self.well + self.interval)
    }
}
