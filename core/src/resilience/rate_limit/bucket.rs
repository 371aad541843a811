//! A token bucket that can take a start back. Written as the generic cell rate algorithm (ITU-T I.371): one number, the moment at
//! which the bucket would be full, instead of a count that has to be refilled.

use std::collections::VecDeque;

use crate::resilience::Moment;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bucket {
    /// Nanoseconds for one token to come back.
    interval: u64,
    burst: u64,
    /// When it would be full, before the starts in `recent`.
    base: u64,
    /// When it would be full.
    full_at: u64,
    /// Starts that could still be taken back exactly.
    recent: VecDeque<(Moment, u64)>,
}

impl Bucket {
    pub(super) fn new(interval: u64, burst: u32) -> Self {
        Self { interval, burst: u64::from(burst), base: 0, full_at: 0, recent: VecDeque::new() }
    }

    const fn depth(&self) -> u64 {
        self.interval.saturating_mul(self.burst)
    }

    /// When the next can start after `ahead` others, at the earliest.
    pub(super) fn earliest(&self, now: Moment, ahead: usize) -> Moment {
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX).saturating_add(1);
        let full_at = self.full_at.max(now.nanos()).saturating_add(self.interval.saturating_mul(ahead));
        Moment::from_nanos(full_at.saturating_sub(self.depth()).max(now.nanos()))
    }

    pub(super) fn take(&mut self, id: u64, now: Moment) {
        self.trim(now);
        self.recent.push_back((now, id));
        self.full_at = self.full_at.max(now.nanos()).saturating_add(self.interval);
    }

    /// As if it had never been taken. One that is older than a whole bucket takes to fill is kept: the bound comes first.
    pub(super) fn refund(&mut self, id: u64) {
        let Ok(at) = self.recent.binary_search_by_key(&id, |(_, id)| *id) else { return };
        self.recent.remove(at);
        self.full_at = self.base;
        for (at, _) in &self.recent {
            self.full_at = self.full_at.max(at.nanos()).saturating_add(self.interval);
        }
    }

    pub(super) fn trim(&mut self, now: Moment) {
        while let Some((at, _)) = self.recent.front()
            && at.nanos().saturating_add(self.depth()) <= now.nanos()
        {
            self.base = self.base.max(at.nanos()).saturating_add(self.interval);
            self.recent.pop_front();
        }
    }

    pub(super) const fn full(&self, now: Moment) -> bool {
        self.full_at <= now.nanos()
    }
}
