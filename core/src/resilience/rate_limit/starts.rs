//! The starts of one key, and what they leave room for. All that is remembered is when they were: a ring of at most as many
//! entries as the limits allow, so every window is exact and a start can be taken back as if it had never been.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    bucket::Bucket,
    config::{Quota, Window},
    feedback::{Gate, Throttle},
};
use crate::resilience::{Moment, chance::Chance};

const MINUTE: u64 = 60_000_000_000;

/// What a quota means, worked out once for all keys.
#[derive(Debug)]
pub(super) struct Plan {
    windows: Vec<Window>,
    tokens: Option<u64>,
    intervals: Vec<(u64, u32)>,
    /// A start that is older than this says nothing any more.
    memory: u64,
}

impl Plan {
    pub(super) fn new(quota: &Quota) -> Arc<Self> {
        let windows = quota.windows();
        let tokens = quota.tokens_per_minute;
        let memory =
            windows.iter().map(|window| window.length).chain(tokens.map(|_| MINUTE)).max().unwrap_or(0);
        Arc::new(Self { windows, tokens, intervals: quota.intervals(), memory })
    }

    pub(super) const fn tokens(&self) -> Option<u64> {
        self.tokens
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Start {
    at: Moment,
    id: u64,
    /// Tokens of this and all before it.
    total: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Starts {
    plan: Arc<Plan>,
    ring: VecDeque<Start>,
    /// Tokens of those that left the ring.
    gone: u64,
    buckets: Vec<Bucket>,
    throttle: Throttle,
    gate: Gate,
}

impl Starts {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        let buckets = plan.intervals.iter().map(|&(interval, burst)| Bucket::new(interval, burst)).collect();
        Self {
            plan: Arc::clone(plan),
            ring: VecDeque::new(),
            gone: 0,
            buckets,
            throttle: Throttle::default(),
            gate: Gate::default(),
        }
    }

    /// When one with so many tokens can start after `ahead` others; exact with none ahead, otherwise perhaps too early. `None`: never.
    pub(super) fn earliest(&self, tokens: u64, ahead: usize, now: Moment) -> Option<Moment> {
        let mut earliest = self.gate.opens(now).max(self.tokens_free(tokens, now)?);
        for bucket in &self.buckets {
            earliest = earliest.max(bucket.earliest(now, ahead));
        }
        for window in self.plan.windows.iter().filter(|window| window.exact) {
            earliest = earliest.max(self.window_free(window, ahead, now));
        }
        if self.throttle.active() { Some(earliest.max(self.throttled(now))) } else { Some(earliest) }
    }

    /// The start that is `count` before the next must be `length` ago. One that is still to come is not before now.
    fn window_free(&self, window: &Window, ahead: usize, now: Moment) -> Moment {
        let (count, next) = (window.count as usize, self.ring.len() + ahead);
        let steps = ahead / count;
        let mut free = now + length(window, steps);
        if let Some(start) = next.checked_sub((steps + 1) * count).and_then(|at| self.ring.get(at)) {
            free = free.max(start.at + length(window, steps + 1));
        }
        free
    }

    /// When so many of the tokens in use have left the minute that these fit. `None`: they never will.
    fn tokens_free(&self, tokens: u64, now: Moment) -> Option<Moment> {
        let Some(limit) = self.plan.tokens else { return Some(now) };
        let room = limit.checked_sub(tokens)?;
        let Some(last) = self.ring.back() else { return Some(now) };
        // All up to and with the first of these must be gone.
        let last_total = last.total;
        let over = self.ring.partition_point(|start| last_total - start.total > room);
        let before = if over == 0 { self.gone } else { self.ring[over - 1].total };
        let leaves = if last_total - before > room { Some(over) } else { over.checked_sub(1) };
        Some(leaves.map_or(now, |at| (self.ring[at].at + MINUTE_LONG).max(now)))
    }

    /// While a server wants fewer starts, the windows are smaller and grow: the first moment at which they have room.
    fn throttled(&self, now: Moment) -> Moment {
        let has_room = |at: Moment| {
            let share = self.throttle.share(at);
            self.plan.windows.iter().filter(|window| !window.fixed).all(|window| {
                let old = self.ring.partition_point(|start| start.at + length(window, 1) <= at);
                self.ring.len() - old < smaller(window, share)
            })
        };
        if has_room(now) {
            return now;
        }
        // Room only grows while nothing starts, and when all have left there is some.
        let (mut none, mut some) = (now.nanos(), now.nanos().saturating_add(self.plan.memory));
        while some - none > 1 {
            let middle = none + (some - none) / 2;
            if has_room(Moment::from_nanos(middle)) { some = middle } else { none = middle }
        }
        Moment::from_nanos(some)
    }

    pub(super) fn take(&mut self, id: u64, tokens: u64, now: Moment) {
        self.trim(now);
        if self.plan.memory > 0 {
            let total = self.ring.back().map_or(self.gone, |start| start.total).saturating_add(tokens);
            self.ring.push_back(Start { at: now, id, total });
        }
        for bucket in &mut self.buckets {
            bucket.take(id, now);
        }
        self.gate.take(id, now);
    }

    /// Takes a start back.
    pub(super) fn refund(&mut self, id: u64) {
        if let Some(at) = self.find(id) {
            self.change_tokens(at, 0);
            self.ring.remove(at);
        }
        for bucket in &mut self.buckets {
            bucket.refund(id);
        }
        self.gate.refund(id);
    }

    /// Corrects the tokens of a start to what it really used.
    pub(super) fn settle(&mut self, id: u64, tokens: u64) {
        if let Some(at) = self.find(id) {
            self.change_tokens(at, tokens);
        }
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.ring.binary_search_by_key(&id, |start| start.id).ok()
    }

    fn change_tokens(&mut self, at: usize, tokens: u64) {
        let before = if at == 0 { self.gone } else { self.ring[at - 1].total };
        let was = self.ring[at].total - before;
        for start in self.ring.range_mut(at..) {
            start.total = (start.total - was).saturating_add(tokens);
        }
    }

    pub(super) fn trim(&mut self, now: Moment) {
        let memory = Duration::from_nanos(self.plan.memory);
        while let Some(start) = self.ring.front()
            && start.at + memory <= now
        {
            self.gone = start.total;
            self.ring.pop_front();
        }
        if self.ring.is_empty() {
            self.gone = 0;
        }
        for bucket in &mut self.buckets {
            bucket.trim(now);
        }
        self.throttle.settle(now);
    }

    pub(super) fn throttle(&mut self, now: Moment) {
        self.throttle.decrease(now);
    }

    pub(super) fn close(&mut self, until: Moment, now: Moment, chance: &mut Chance) {
        self.gate.close(until, now, chance);
    }

    pub(super) fn answered(&mut self, now: Moment) {
        self.gate.answered(now);
    }

    /// Starts within the last minute and hour.
    pub(super) fn counts(&self, now: Moment) -> (usize, usize) {
        let since = |nanos: u64| {
            let old = self.ring.partition_point(|start| start.at + Duration::from_nanos(nanos) <= now);
            self.ring.len() - old
        };
        (since(MINUTE), since(MINUTE * 60))
    }

    pub(super) fn share(&self, now: Moment) -> f64 {
        self.throttle.share(now)
    }

    pub(super) fn closed_until(&self, now: Moment) -> Option<Moment> {
        self.gate.closed_until(now)
    }

    /// Whether it is as if nothing had ever started.
    pub(super) fn idle(&mut self, now: Moment) -> bool {
        self.trim(now);
        self.ring.is_empty()
            && self.gate.idle()
            && !self.throttle.active()
            && self.buckets.iter().all(|bucket| bucket.full(now))
    }

    /// What decides about the future, for comparing.
    #[cfg(test)]
    pub(super) fn essence(&mut self, now: Moment) -> impl PartialEq + std::fmt::Debug + use<> {
        self.trim(now);
        let mut before = self.gone;
        let starts: Vec<_> = self
            .ring
            .iter()
            .map(|start| {
                let tokens = start.total - before;
                before = start.total;
                (start.at, start.id, tokens)
            })
            .collect();
        (starts, self.buckets.clone(), self.gate.clone(), self.throttle.clone())
    }
}

const MINUTE_LONG: Duration = Duration::from_nanos(MINUTE);

fn length(window: &Window, times: usize) -> Duration {
    Duration::from_nanos(window.length.saturating_mul(times as u64))
}

/// The count of a window at a share of its rate, but never less than one start a minute.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
fn smaller(window: &Window, share: f64) -> usize {
    let floor = (window.length / MINUTE).clamp(1, u64::from(window.count));
    (u64::from((f64::from(window.count) * share) as u32)).max(floor) as usize
}
