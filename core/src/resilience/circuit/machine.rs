//! The breaker without a lock or a clock: states, and what moves between them.
//!
//! Every change of state begins a new generation. A verdict on something that was let through in an older one changes nothing, so
//! late answers cannot open or close what has moved on. A probe is a lease: one whose verdict never comes counts as failed
//! when its time is over, so the breaker cannot stay half open for ever.

use std::{sync::Arc, time::Duration};

use super::{Circuit, Forced, samples::Samples};
use crate::resilience::{FailureKind, Moment, chance::Chance};

/// The most permits at one time for which a slow start keeps count.
const RAMPED: u32 = 64;

/// What let something through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) generation: u64,
    id: u64,
}

/// What became of something that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The other side did its work.
    Success,
    /// It did not.
    Failure {
        /// How it failed, for people.
        kind: FailureKind,
        /// The wait it asked for: the breaker stays open at least so long.
        retry_after: Option<Duration>,
    },
    /// Nothing can be said: it was cancelled, or failed for reasons of its own.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Closed,
    Open { until: Moment },
    HalfOpen { successes: u32, probe: Option<(u64, Moment)> },
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    settings: Arc<Circuit>,
    pub(super) phase: Phase,
    pub(super) forced: Option<Forced>,
    pub(super) generation: u64,
    pub(super) consecutive: u32,
    samples: Samples,
    /// Openings since it was last healthy.
    pub(super) openings: u32,
    closed_since: Moment,
    ramp: Option<Ramp>,
    pub(super) cause: Option<FailureKind>,
    chance: Chance,
    next: u64,
}

/// A slow start: who is under way, and how many may be.
#[derive(Clone, Debug)]
struct Ramp {
    limit: u32,
    leases: Vec<(u64, Moment)>,
}

impl Machine {
    pub(crate) fn new(settings: Arc<Circuit>, chance: Chance, now: Moment) -> Self {
        Self {
            settings,
            phase: Phase::Closed,
            forced: None,
            generation: 0,
            consecutive: 0,
            samples: Samples::default(),
            openings: 0,
            closed_since: now,
            ramp: None,
            cause: None,
            chance,
            next: 0,
        }
    }

    /// What time alone changes: an open one becomes half open, a probe that was not heard of has failed.
    pub(super) fn tick(&mut self, now: Moment) {
        match self.phase {
            Phase::Open { until } if until <= now => {
                self.enter(Phase::HalfOpen { successes: 0, probe: None });
            }
            Phase::HalfOpen { probe: Some((_, lease)), .. } if lease <= now => self.open(None, None, now),
            Phase::Closed if self.openings > 0 && now.since(self.closed_since) >= self.healthy() => {
                self.openings = 0;
                self.ramp = None;
            }
            _ => {}
        }
    }

    fn healthy(&self) -> Duration {
        Duration::from_millis(self.settings.healthy_ms)
    }

    fn lease(&self, now: Moment) -> Moment {
        now + Duration::from_millis(self.settings.probe_ms)
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
        self.consecutive = 0;
        self.samples.clear();
    }

    fn open(&mut self, kind: Option<FailureKind>, retry_after: Option<Duration>, now: Moment) {
        let doubled = 1_u64.checked_shl(self.openings).unwrap_or(u64::MAX);
        let longest = self
            .settings
            .timeout_ms
            .saturating_mul(doubled)
            .min(self.settings.max_timeout_ms)
            .saturating_mul(1_000_000);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of it"
        )]
        let off = self.chance.up_to((longest as f64 * self.settings.jitter) as u64);
        let wait = Duration::from_nanos(longest - off.min(longest)).max(retry_after.unwrap_or_default());
        self.openings = self.openings.saturating_add(1);
        self.cause = kind.or(self.cause);
        self.ramp = None;
        self.enter(Phase::Open { until: now + wait });
    }

    fn close(&mut self, now: Moment) {
        self.closed_since = now;
        self.cause = None;
        self.ramp = self.settings.slow_start.then(|| Ramp { limit: 1, leases: Vec::new() });
        self.enter(Phase::Closed);
    }

    /// Whether something may pass now; otherwise when it is worth asking again (`None`: not known).
    pub(crate) fn check(&mut self, now: Moment) -> Result<(), Option<Moment>> {
        self.check_counted(true, now)
    }

    /// `counted`: whether those under way in a slow start are known, because they hold tickets.
    pub(super) fn check_counted(&mut self, counted: bool, now: Moment) -> Result<(), Option<Moment>> {
        self.tick(now);
        match self.forced {
            Some(Forced::Open) => return Err(None),
            Some(Forced::Disabled | Forced::MetricsOnly) => return Ok(()),
            None => {}
        }
        match self.phase {
            Phase::Open { until } => Err(Some(until)),
            Phase::HalfOpen { probe: Some((_, lease)), .. } => Err(Some(lease)),
            Phase::HalfOpen { probe: None, .. } => Ok(()),
            Phase::Closed => match &mut self.ramp {
                Some(ramp) if counted => {
                    ramp.leases.retain(|(_, lease)| *lease > now);
                    let free = ramp.leases.len() < ramp.limit as usize;
                    if free { Ok(()) } else { Err(ramp.leases.iter().map(|(_, lease)| *lease).min()) }
                }
                _ => Ok(()),
            },
        }
    }

    /// Lets something through. Only after `check` just said so.
    pub(crate) fn take(&mut self, now: Moment) -> Ticket {
        let id = self.next;
        self.next += 1;
        let lease = self.lease(now);
        match (&mut self.phase, &mut self.ramp) {
            (Phase::HalfOpen { probe, .. }, _) if self.forced.is_none() => *probe = Some((id, lease)),
            (Phase::Closed, Some(ramp)) => ramp.leases.push((id, lease)),
            _ => {}
        }
        Ticket { generation: self.generation, id }
    }

    /// Takes note of what became of something. More than one verdict may come for one ticket: a run makes many calls.
    pub(crate) fn record(&mut self, ticket: Ticket, verdict: Verdict, now: Moment) {
        self.tick(now);
        if ticket.generation != self.generation {
            return;
        }
        match self.phase {
            Phase::Closed => self.sample(verdict, now),
            Phase::HalfOpen { successes, probe: Some((id, _)) } if id == ticket.id => {
                self.probed(successes, verdict, now);
            }
            Phase::HalfOpen { .. } | Phase::Open { .. } => {}
        }
    }

    /// The same for somebody who holds no ticket: it counts for what is now.
    pub(super) fn record_plain(&mut self, verdict: Verdict, now: Moment) {
        self.tick(now);
        match self.phase {
            Phase::Closed => self.sample(verdict, now),
            Phase::HalfOpen { successes, .. } => self.probed(successes, verdict, now),
            Phase::Open { .. } => {}
        }
    }

    fn probed(&mut self, successes: u32, verdict: Verdict, now: Moment) {
        match verdict {
            Verdict::Ignored => self.phase = Phase::HalfOpen { successes, probe: None },
            Verdict::Success if successes + 1 >= self.settings.success_threshold => self.close(now),
            Verdict::Success => self.phase = Phase::HalfOpen { successes: successes + 1, probe: None },
            Verdict::Failure { kind, retry_after } => self.open(Some(kind), retry_after, now),
        }
    }

    fn sample(&mut self, verdict: Verdict, now: Moment) {
        if self.forced == Some(Forced::Disabled) {
            return;
        }
        let window = self.settings.window_ms;
        match verdict {
            Verdict::Ignored => {}
            Verdict::Success => {
                self.consecutive = 0;
                self.samples.add(true, window, now);
                if let Some(ramp) = &mut self.ramp {
                    ramp.limit *= 2;
                    if ramp.limit > RAMPED {
                        self.ramp = None;
                    }
                }
            }
            Verdict::Failure { kind, retry_after } => {
                self.consecutive += 1;
                self.samples.add(false, window, now);
                let (good, bad) = self.samples.count(window, now);
                let enough = good + bad >= self.settings.min_samples;
                let too_many = self
                    .settings
                    .failure_rate
                    .is_some_and(|rate| enough && f64::from(bad) >= rate * f64::from(good + bad));
                let opens = self.consecutive >= self.settings.failure_threshold || too_many;
                if opens && self.forced.is_none() {
                    self.open(Some(kind), retry_after, now);
                }
            }
        }
    }

    /// What was let through is over, with or without a verdict. A probe without one was no probe: the next may try.
    pub(crate) fn release(&mut self, ticket: Ticket, now: Moment) {
        self.tick(now);
        if ticket.generation != self.generation {
            return;
        }
        if let Some(ramp) = &mut self.ramp {
            ramp.leases.retain(|(id, _)| *id != ticket.id);
        }
        if let Phase::HalfOpen { successes, probe: Some((id, _)) } = self.phase
            && id == ticket.id
        {
            self.phase = Phase::HalfOpen { successes, probe: None };
        }
    }

    pub(crate) fn force(&mut self, forced: Option<Forced>, cause: Option<FailureKind>) {
        if self.forced != forced {
            self.generation += 1;
            if let Phase::HalfOpen { probe, .. } = &mut self.phase {
                *probe = None;
            }
            if let Some(ramp) = &mut self.ramp {
                ramp.leases.clear();
            }
        }
        self.forced = forced;
        self.cause = cause.or(self.cause);
    }

    pub(crate) fn reset(&mut self, now: Moment) {
        self.forced = None;
        self.openings = 0;
        self.close(now);
        self.ramp = None;
    }

    pub(super) fn counts(&self, now: Moment) -> (u32, u32) {
        self.samples.count(self.settings.window_ms, now)
    }

    /// Whether it is as good as new.
    pub(crate) fn idle(&mut self, now: Moment) -> bool {
        self.tick(now);
        self.phase == Phase::Closed
            && self.forced.is_none()
            && self.openings == 0
            && self.consecutive == 0
            && self.counts(now) == (0, 0)
    }

    /// Whether a refusal is one for long: nothing is tried just now.
    pub(crate) fn refuses(&self) -> bool {
        self.forced == Some(Forced::Open) || matches!(self.phase, Phase::Open { .. })
    }
}
