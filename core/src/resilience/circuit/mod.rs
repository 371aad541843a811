//! Stops asking a service that fails, and finds out with single probes when it works again.

mod config;
mod machine;
mod samples;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

pub use config::Circuit;
pub(crate) use machine::Machine;
use machine::Phase;
pub use machine::{Ticket, Verdict};

use super::{
    Clock, FailureKind, Moment, Refusal, RefusalReason, SystemClock, chance::Chance, refusal::millis_up,
};
use crate::Result;

/// A state that somebody wants, whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// Nothing passes.
    Open,
    /// All passes and nothing is counted.
    Disabled,
    /// All passes and is counted.
    MetricsOnly,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitPhase {
    /// All passes.
    Closed,
    /// Nothing passes.
    Open,
    /// One probe at a time passes.
    HalfOpen,
}

/// How a breaker stands and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CircuitState {
    /// `closed`, `open` or `half_open`.
    pub state: CircuitPhase,
    /// The state somebody forced, if any.
    pub forced: Option<Forced>,
    /// How long until something may pass, in milliseconds, rounded up; 0: now; `None`: not known.
    pub retry_after_ms: Option<u64>,
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// Successes within the window.
    pub successes: u32,
    /// Failures within the window.
    pub failures: u32,
    /// Openings since it was last healthy.
    pub openings: u32,
    /// What opened it.
    pub cause: Option<FailureKind>,
    /// Counts changes of state.
    pub generation: u64,
}

impl Machine {
    pub(crate) fn state(&mut self, now: Moment) -> CircuitState {
        let retry_after_ms = match self.check_counted(false, now) {
            Ok(()) => Some(0),
            Err(until) => until.map(|until| millis_up(until.since(now))),
        };
        let (successes, failures) = self.counts(now);
        CircuitState {
            state: match self.phase {
                Phase::Closed => CircuitPhase::Closed,
                Phase::Open { .. } => CircuitPhase::Open,
                Phase::HalfOpen { .. } => CircuitPhase::HalfOpen,
            },
            forced: self.forced,
            retry_after_ms,
            consecutive_failures: self.consecutive,
            successes,
            failures,
            openings: self.openings,
            cause: self.cause,
            generation: self.generation,
        }
    }
}

/// A circuit breaker: closed, open, half open. Cheap to clone; clones share the state.
///
/// Count what says something about the other side; what the caller did (a cancelled or malformed call) is
/// [`Verdict::Ignored`]. [`FailureKind::breaker`] says which is which.
///
/// ```
/// use madrigal::resilience::{Circuit, CircuitBreaker, CircuitPhase, VirtualClock};
/// use std::time::Duration;
/// let clock = VirtualClock::new();
/// let breaker = CircuitBreaker::with_clock(Circuit::default(), clock.clone())?;
/// for _ in 0..5 {
///     assert!(breaker.allow_request());
///     breaker.record_failure();
/// }
/// assert!(!breaker.allow_request(), "open");
/// clock.advance(Duration::from_secs(60));
/// for _ in 0..2 {
///     assert!(breaker.allow_request(), "one probe");
///     assert!(!breaker.allow_request(), "and not a second");
///     breaker.record_success();
/// }
/// assert_eq!(breaker.state().state, CircuitPhase::Closed);
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Breaker>);

struct Breaker {
    machine: Mutex<Machine>,
    clock: Arc<dyn Clock>,
}

impl CircuitBreaker {
    /// A closed breaker on the clock of the machine. Fails with `invalid_options`, naming the field.
    pub fn new(circuit: Circuit) -> Result<Self> {
        Self::build(circuit, SystemClock::shared(), Chance::new())
    }

    /// A closed breaker on a clock of your own, for tests; what is random in it is the same each time.
    pub fn with_clock(circuit: Circuit, clock: impl Clock) -> Result<Self> {
        Self::build(circuit, Arc::new(clock), Chance::seeded(0))
    }

    fn build(circuit: Circuit, clock: Arc<dyn Clock>, chance: Chance) -> Result<Self> {
        circuit.validate()?;
        let machine = Machine::new(Arc::new(circuit), chance, clock.now());
        Ok(Self(Arc::new(Breaker { machine: Mutex::new(machine), clock })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Machine, Moment) -> T) -> T {
        let now = self.0.clock.now();
        act(&mut self.0.machine.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Whether a call may be made now. When half open, the first to ask gets the probe and must
    /// [`record_success`](Self::record_success) or [`record_failure`](Self::record_failure); a probe that is never heard of counts as
    /// failed after `probe_ms`.
    pub fn allow_request(&self) -> bool {
        self.with(|machine, now| {
            let allowed = machine.check_counted(false, now).is_ok();
            if allowed {
                let ticket = machine.take(now);
                if matches!(machine.phase, Phase::Closed) {
                    machine.release(ticket, now);
                }
            }
            allowed
        })
    }

    /// Counts a success for the state as it is now.
    pub fn record_success(&self) {
        self.with(|machine, now| machine.record_plain(Verdict::Success, now));
    }

    /// Counts a failure for the state as it is now.
    pub fn record_failure(&self) {
        let verdict = Verdict::Failure { kind: FailureKind::Unknown, retry_after: None };
        self.with(|machine, now| machine.record_plain(verdict, now));
    }

    /// Like [`allow_request`](Self::allow_request), with a ticket: verdicts that come late, when the breaker has moved on, change
    /// nothing, and after it closed, permits grow from one. Give each ticket back with [`release`](Self::release).
    ///
    /// ```
    /// use madrigal::resilience::{Circuit, CircuitBreaker, FailureKind, RefusalReason, Verdict, VirtualClock};
    /// let circuit = Circuit { failure_threshold: 1, jitter: 0.0, ..Circuit::default() };
    /// let breaker = CircuitBreaker::with_clock(circuit, VirtualClock::new())?;
    /// let ticket = breaker.try_request().unwrap();
    /// breaker.record(ticket, Verdict::Failure { kind: FailureKind::Overloaded, retry_after: None });
    /// breaker.release(ticket);
    /// let refusal = breaker.try_request().unwrap_err();
    /// assert_eq!(refusal.reason, RefusalReason::CircuitOpen);
    /// assert_eq!(refusal.to_string(), "Circuit breaker open, service degraded: try again in 60 s");
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn try_request(&self) -> Result<Ticket, Refusal> {
        self.with(|machine, now| match machine.check(now) {
            Ok(()) => Ok(machine.take(now)),
            Err(until) => Err(refusal(until, now)),
        })
    }

    /// Takes note of what became of a call. A ticket may have many verdicts: a run makes many calls.
    pub fn record(&self, ticket: Ticket, verdict: Verdict) {
        self.with(|machine, now| machine.record(ticket, verdict, now));
    }

    /// Says that what a ticket let through is over. A probe without a verdict makes way for another.
    pub fn release(&self, ticket: Ticket) {
        self.with(|machine, now| machine.release(ticket, now));
    }

    /// Forces a state, or, with `None`, lets the breaker decide again.
    pub fn force(&self, forced: Option<Forced>) {
        self.with(|machine, _| machine.force(forced, None));
    }

    /// Closes it and forgets everything.
    pub fn reset(&self) {
        self.with(|machine, now| machine.reset(now));
    }

    /// How it stands.
    pub fn state(&self) -> CircuitState {
        self.with(|machine, now| machine.state(now))
    }
}

pub(crate) fn refusal(until: Option<Moment>, now: Moment) -> Refusal {
    Refusal::new(RefusalReason::CircuitOpen, "", until.map(|until| until.since(now)))
}

impl FailureKind {
    /// What a breaker for the other side is told about such a failure. A quarantined credential is not its business: see
    /// [`CircuitBreaker::force`].
    pub fn verdict(self, retry_after: Option<std::time::Duration>) -> Verdict {
        match self.breaker() {
            super::BreakerEffect::Failure => Verdict::Failure { kind: self, retry_after },
            _ => Verdict::Ignored,
        }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CircuitBreaker").field(&self.state()).finish()
    }
}
