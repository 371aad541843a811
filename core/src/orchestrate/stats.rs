//! Counts over everything an orchestrator did.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::Outcome;
use crate::pool::Start;

/// Counts since the orchestrator was made or [reset](super::Orchestrator::reset_stats).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Tasks that have an outcome.
    pub total: u64,
    /// Those that were answered.
    pub succeeded: u64,
    /// Those that failed or ran out of time.
    pub failed: u64,
    /// Those that were not let in.
    pub rejected: u64,
    /// Those that were given up or never started.
    pub cancelled: u64,
    /// How often something was started.
    pub attempts: u64,
    /// Second attempts that were started beside one that was late.
    pub hedged: u64,
    /// Those of them that went on because they were answered first.
    pub hedges_won: u64,
    /// Tasks whose last attempt found a program that was started ahead.
    pub prewarmed: u64,
    /// Tasks whose last attempt found a program that had served another.
    pub recycled: u64,
    /// Programs that stand ready now.
    pub idle: u64,
    /// Programs that were taken out of the pool since the orchestrator was made.
    pub dropped: u64,
    /// US dollars.
    pub cost_usd: f64,
    /// The sum of the durations of all tasks, in milliseconds.
    pub duration_ms: u64,
    /// US dollars a task.
    pub average_cost_usd: f64,
    /// Milliseconds a task.
    pub average_duration_ms: f64,
}

#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<(Stats, Duration)>);

impl Counter {
    fn lock(&self) -> MutexGuard<'_, (Stats, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, outcome: &Outcome) {
        let mut counted = self.lock();
        let (stats, duration) = &mut *counted;
        let run = outcome.run();
        stats.total += 1;
        match outcome {
            Outcome::Succeeded(_) => stats.succeeded += 1,
            Outcome::Failed(..) | Outcome::TimedOut(..) => stats.failed += 1,
            Outcome::Rejected(..) => stats.rejected += 1,
            Outcome::Cancelled(..) | Outcome::Skipped(..) => stats.cancelled += 1,
        }
        stats.attempts += u64::from(run.attempts);
        match run.start {
            Some(Start::Prewarmed) => stats.prewarmed += 1,
            Some(Start::Recycled) => stats.recycled += 1,
            Some(Start::Cold) | None => {}
        }
        stats.cost_usd += run.cost_usd;
        *duration += run.duration;
    }

    /// A second attempt was started beside a first one.
    pub(super) fn hedged(&self, won: bool) {
        let stats = &mut self.lock().0;
        stats.hedged += 1;
        stats.hedges_won += u64::from(won);
    }

    pub(super) fn stats(&self) -> Stats {
        let counted = self.lock();
        let (mut stats, duration) = counted.clone();
        stats.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if stats.total > 0 {
            stats.average_cost_usd = stats.cost_usd / stats.total as f64;
            stats.average_duration_ms = duration.as_secs_f64() * 1e3 / stats.total as f64;
        }
        stats
    }

    pub(super) fn reset(&self) {
        *self.lock() = Default::default();
    }
}
