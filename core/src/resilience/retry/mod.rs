//! Whether, when and how failed work is tried again. Decides and does not sleep: between attempts nothing is held, and the next one
//! asks for admission like any other.

mod allowance;
mod config;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use uuid::Uuid;

use allowance::Allowance;
pub use config::RetryPolicy;

use super::{
    Clock, Failure, FailureKind, Key, Moment, Replay, RetryClass, SystemClock, chance::Chance,
    refusal::millis_up,
};
use crate::Result;

/// Keys that wait to be looked through for idle ones, at least.
const SWEEP: usize = 256;

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GiveUp {
    /// Trying again cannot help.
    NotRetryable,
    /// The program has retried it already, and is the one to do so.
    OwnedByProgram,
    /// There were as many attempts as there may be.
    Attempts,
    /// The wait would end after the deadline.
    Deadline,
    /// The key had as many retries as it may within a minute.
    Budget,
    /// The caller gave up.
    Cancelled,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Wait so long, holding nothing, and try again.
    Again {
        /// The wait.
        after: Duration,
        /// From the start, or by resuming the session.
        how: Replay,
    },
    /// Do not.
    GiveUp {
        /// Why.
        why: GiveUp,
        /// How long a caller should wait who tries again nevertheless, where that is known.
        retry_after: Option<Duration>,
    },
}

impl Serialize for RetryDecision {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let wire = match self {
            Self::Again { after, how } => {
                serde_json::json!({"type": "again", "after_ms": millis_up(*after), "how": how})
            }
            Self::GiveUp { why, retry_after } => {
                serde_json::json!({"type": "give_up", "why": why, "retry_after_ms": retry_after.map(millis_up)})
            }
        };
        wire.serialize(out)
    }
}

/// Decides about further attempts, with a budget of retries for each key. Cheap to clone; clones share the budgets.
///
/// ```
/// use madrigal::resilience::{Failure, FailureKind, GiveUp, Key, Replay, Retrier, RetryDecision, RetryPolicy};
/// let retrier = Retrier::new(RetryPolicy::default())?;
/// let mut attempts = retrier.begin(&Key::default(), None);
/// // The program was killed after it had used a tool that writes: go on in its session, once.
/// let crash = Failure::new(FailureKind::CrashedMidRun).resume_only();
/// assert!(matches!(attempts.failed(&crash), RetryDecision::Again { how: Replay::ResumeOnly, .. }));
/// assert!(matches!(attempts.failed(&crash), RetryDecision::GiveUp { why: GiveUp::Attempts, .. }));
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone)]
pub struct Retrier(Arc<Shared>);

struct Shared {
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    budgets: HashMap<Key, Allowance>,
    chance: Chance,
    sweep_at: usize,
}

impl Retrier {
    /// On the clock of the machine. Fails with `invalid_options`, naming the field.
    pub fn new(policy: RetryPolicy) -> Result<Self> {
        Self::build(policy, SystemClock::shared(), Chance::new())
    }

    /// On a clock of your own, for tests; what is random in it is the same each time.
    pub fn with_clock(policy: RetryPolicy, clock: impl Clock) -> Result<Self> {
        Self::build(policy, Arc::new(clock), Chance::seeded(0))
    }

    fn build(policy: RetryPolicy, clock: Arc<dyn Clock>, chance: Chance) -> Result<Self> {
        policy.validate()?;
        let state = Mutex::new(State { budgets: HashMap::new(), chance, sweep_at: SWEEP });
        Ok(Self(Arc::new(Shared { policy, clock, state })))
    }

    /// The first attempt of a run begins. No wait will end after `deadline`.
    pub fn begin(&self, key: &Key, deadline: Option<Moment>) -> Attempts {
        self.begin_with(&self.0.policy, key, deadline)
    }

    /// The same under another policy, for work that has its own; the retries of a key are counted together all the same.
    pub fn begin_with(&self, policy: &RetryPolicy, key: &Key, deadline: Option<Moment>) -> Attempts {
        let now = self.0.clock.now();
        self.with_budget(key, now, |budget, _| budget.first(now));
        Attempts {
            retrier: self.clone(),
            policy: policy.clone(),
            key: key.clone(),
            deadline,
            id: Uuid::new_v4().to_string(),
            made: 1,
            of_class: HashMap::new(),
            changed: false,
            idempotent: false,
            cancelled: false,
        }
    }

    fn with_budget<T>(
        &self,
        key: &Key,
        now: Moment,
        act: impl FnOnce(&mut Allowance, &mut Chance) -> T,
    ) -> T {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { budgets, chance, sweep_at } = &mut *state;
        if budgets.len() >= *sweep_at {
            budgets.retain(|_, budget| !budget.idle(now));
            *sweep_at = SWEEP.max(budgets.len() * 2);
        }
        act(budgets.entry(key.clone()).or_insert_with(Allowance::new), chance)
    }
}

impl fmt::Debug for Retrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Retrier").field(&self.0.policy).finish()
    }
}

/// The attempts of one run.
#[derive(Debug)]
pub struct Attempts {
    retrier: Retrier,
    policy: RetryPolicy,
    key: Key,
    deadline: Option<Moment>,
    id: String,
    made: u32,
    of_class: HashMap<RetryClass, u32>,
    changed: bool,
    idempotent: bool,
    cancelled: bool,
}

impl Attempts {
    /// Says that the work may be done twice, also after a tool that writes has run.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// A name for the work, the same for all its attempts.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many attempts were begun.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Nothing is to be tried any more.
    pub fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// An attempt failed. With `Again`, the next one counts as begun.
    ///
    /// The wait is chosen by chance between nothing and base x 2^n (*full jitter*: Brooker, "Exponential Backoff And Jitter", 2015), and is
    /// never shorter than the other side asked for. Who was asked for fewer requests (429) and not told for how long waits at least half of
    /// that (*equal jitter*): that the wait was stated to the program does not mean that it passes it on.
    pub fn failed(&mut self, failure: &Failure) -> RetryDecision {
        let policy = &self.policy;
        let give_up = |why, retry_after| RetryDecision::GiveUp { why, retry_after };
        let asked = failure.retry_after;
        // What one attempt changed stays changed, whatever the next one did.
        self.changed |= failure.replay == Replay::ResumeOnly;
        let class = failure.kind.retry_class();
        let (base, most) = match class {
            _ if self.cancelled => return give_up(GiveUp::Cancelled, None),
            RetryClass::Never => return give_up(GiveUp::NotRetryable, asked),
            _ if failure.kind.retried_by_program() && policy.program_retries > 0 => {
                return give_up(GiveUp::OwnedByProgram, asked);
            }
            RetryClass::Throttle => (policy.throttle_base_ms, u32::MAX),
            RetryClass::Network => (policy.network_base_ms, u32::MAX),
            RetryClass::Spawn => (policy.spawn_base_ms, 2),
            RetryClass::ResumeOnce | RetryClass::Once => (policy.network_base_ms, 1),
        };
        let before = self.of_class.get(&class).copied().unwrap_or(0);
        if self.made >= policy.max_attempts || before >= most {
            return give_up(GiveUp::Attempts, asked);
        }
        let now = self.retrier.0.clock.now();
        let ceiling =
            base.saturating_mul(1_u64.checked_shl(before).unwrap_or(u64::MAX)).min(policy.max_delay_ms);
        let (after, granted) = self.retrier.with_budget(&self.key, now, |budget, chance| {
            let ceiling = ceiling.saturating_mul(1_000_000);
            let untold = failure.kind == FailureKind::RateLimited && asked.is_none();
            let least = if untold { ceiling / 2 } else { 0 };
            let jitter = Duration::from_nanos(least + chance.up_to(ceiling - least));
            let after = jitter.max(asked.unwrap_or_default());
            let in_time = self.deadline.is_none_or(|deadline| now + after <= deadline);
            (after, in_time.then(|| budget.take(policy, now)))
        });
        match granted {
            None => return give_up(GiveUp::Deadline, Some(after)),
            Some(false) => return give_up(GiveUp::Budget, asked),
            Some(true) => {}
        }
        self.made += 1;
        *self.of_class.entry(class).or_default() += 1;
        let how = if self.changed && !self.idempotent { Replay::ResumeOnly } else { Replay::Fresh };
        RetryDecision::Again { after, how }
    }
}
