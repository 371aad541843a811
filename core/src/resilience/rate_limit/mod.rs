//! How often runs may start. Written here rather than taken from a library because starts must be exact in any window, be
//! given back when nothing came of them, and be waited for in order (see `docs/adr/0012-a-rate-limiter-of-our-own.md`).

mod bucket;
mod chain;
mod config;
mod feedback;
mod starts;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use chain::Wish;
pub(crate) use chain::{Chain, Taken};
pub use config::{Quota, RateLimit};

use super::{
    Class, Clock, Decision, Key, Moment, Refusal, SystemClock,
    chance::Chance,
    line::{Shared, State},
    refusal::millis_up,
};
use crate::Result;

/// How to ask for a start.
///
/// ```
/// use madrigal::resilience::{Acquire, Class};
/// let ask = Acquire { tokens: 2_000, class: Class::Critical, ..Acquire::default() };
/// assert_eq!(ask.deadline, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acquire {
    /// An estimate of the tokens it will use, where tokens are limited. Default 0.
    pub tokens: u64,
    /// How much it matters. Default [`Class::Normal`].
    pub class: Class,
    /// When it is too late. Default: never.
    pub deadline: Option<Moment>,
}

/// What a server said about the rate.
///
/// ```
/// use madrigal::resilience::RateFeedback;
/// let said = serde_json::from_str::<RateFeedback>(r#"{"type":"throttled","retry_after_ms":1500}"#).unwrap();
/// assert_eq!(said, RateFeedback::Throttled { retry_after_ms: Some(1500) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RateFeedback {
    /// It answered.
    Answered,
    /// It wants fewer (429, 529): starts fall to 0.7 of the limit and come back within a minute; none happens before `retry_after_ms`.
    Throttled {
        /// The wait it asked for, in milliseconds.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// Nothing will be answered for so long (a subscription is used up): no start until then, and then one to see.
    Closed {
        /// The wait, in milliseconds.
        wait_ms: u64,
    },
}

/// How a key stands with its limiter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateState {
    /// Starts within the last minute, as far as a limit needs to know them.
    pub last_minute: usize,
    /// Starts within the last hour, as far as a limit needs to know them.
    pub last_hour: usize,
    /// How long until one could start if nobody else did, in milliseconds, rounded up; 0: now.
    pub next_start_ms: u64,
    /// The share of the limit that holds now: below 1 after a server wanted fewer.
    pub share: f64,
    /// How long a server wants none at all, in milliseconds; `None`: it does not.
    pub closed_ms: Option<u64>,
    /// How many wait, with all keys.
    pub waiting: usize,
}

/// Lets runs start no more often than a [`RateLimit`] says; who must wait does so in order. Cheap to clone; clones share the limits.
///
/// ```
/// use madrigal::resilience::{Key, RateLimit, RateLimiter};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let limiter = RateLimiter::new(RateLimit::default())?;
/// let key = Key::new("api", "3fa9", "sonnet");
/// limiter.check_and_wait(&key).await.expect("nobody gave up");
/// assert_eq!(limiter.state(&key).last_minute, 1);
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct RateLimiter(Arc<Shared<Chain>>);

impl RateLimiter {
    /// A limiter on the clock of the machine. Fails with `invalid_options`, naming the field.
    pub fn new(limit: RateLimit) -> Result<Self> {
        Self::build(&limit, SystemClock::shared(), Chance::new())
    }

    /// A limiter on a clock of your own, for tests; what is random in it is the same each time.
    pub fn with_clock(limit: RateLimit, clock: impl Clock) -> Result<Self> {
        Self::build(&limit, Arc::new(clock), Chance::seeded(0))
    }

    fn build(limit: &RateLimit, clock: Arc<dyn Clock>, chance: Chance) -> Result<Self> {
        limit.validate()?;
        Ok(Self(Shared::new(Chain::new(limit, chance), usize::MAX, clock)))
    }

    /// Waits until a run of this key may start, however long that is. Waits begin in the order of the calls; a call that is given
    /// up (dropped) leaves no trace.
    ///
    /// Refused with `rate_limited` only when it could never start.
    pub async fn check_and_wait(&self, key: &Key) -> Result<RatePermit, Refusal> {
        self.check_and_wait_with(key, &Acquire::default()).await
    }

    /// The same with a class, tokens and a deadline. One that cannot make its deadline is refused at once, with the wait after
    /// which a retry would succeed.
    pub async fn check_and_wait_with(&self, key: &Key, ask: &Acquire) -> Result<RatePermit, Refusal> {
        let taken = self.0.wait(Wish { key: key.clone(), ask: *ask }).await?;
        Ok(self.permit(taken))
    }

    /// Asks without waiting. Does not pass those who wait already.
    pub fn try_acquire(&self, key: &Key) -> Decision<RatePermit> {
        self.try_acquire_with(key, &Acquire::default())
    }

    /// The same with a class, tokens and a deadline.
    pub fn try_acquire_with(&self, key: &Key, ask: &Acquire) -> Decision<RatePermit> {
        self.0.ask(&Wish { key: key.clone(), ask: *ask }).map(|taken| self.permit(taken))
    }

    fn permit(&self, taken: Taken) -> RatePermit {
        RatePermit { limiter: self.clone(), taken }
    }

    /// Passes on what a server said about a key.
    ///
    /// ```
    /// use madrigal::resilience::{Key, RateFeedback, RateLimit, RateLimiter, VirtualClock};
    /// let limiter = RateLimiter::with_clock(RateLimit::default(), VirtualClock::new()).unwrap();
    /// let key = Key::default();
    /// limiter.feedback(&key, RateFeedback::Throttled { retry_after_ms: Some(2_000) });
    /// assert!(limiter.state(&key).next_start_ms >= 2_000);
    /// assert_eq!(limiter.state(&key).share, 0.7);
    /// ```
    pub fn feedback(&self, key: &Key, said: RateFeedback) {
        self.0.with(|state, now| match said {
            RateFeedback::Answered => state.resources.answered(key, now),
            RateFeedback::Throttled { retry_after_ms } => {
                state.resources.throttled(key, retry_after_ms.map(Duration::from_millis), now);
            }
            RateFeedback::Closed { wait_ms } => {
                state.resources.closed(key, Duration::from_millis(wait_ms), now);
            }
        });
    }

    /// How a key stands.
    pub fn state(&self, key: &Key) -> RateState {
        self.0.with(|State { resources, line }, now| {
            line.pump(resources, now);
            resources.state(key, line.len(), now)
        })
    }

    /// The clock that deadlines refer to.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }
}

impl Chain {
    pub(crate) fn state(&self, key: &Key, waiting: usize, now: Moment) -> RateState {
        let next = match self.check(key, 0, 0, now) {
            super::line::Check::Wait { until: Some(until), .. } => millis_up(until.since(now)),
            _ => 0,
        };
        let starts = self.look(key);
        let (last_minute, last_hour) = starts.map_or((0, 0), |starts| starts.counts(now));
        RateState {
            last_minute,
            last_hour,
            next_start_ms: next,
            share: starts.map_or(1.0, |starts| starts.share(now)),
            closed_ms: starts
                .and_then(|starts| starts.closed_until(now))
                .map(|until| millis_up(until.since(now))),
            waiting,
        }
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("waiting", &self.0.with(|state, _| state.line.len()))
            .finish_non_exhaustive()
    }
}

/// A start that was counted. Dropping it changes nothing: the run has started.
#[derive(Clone, Debug)]
pub struct RatePermit {
    limiter: RateLimiter,
    taken: Taken,
}

impl RatePermit {
    /// Takes the start back, because nothing was sent: the limits are as if it had not been. A second time changes nothing.
    ///
    /// ```
    /// use madrigal::resilience::{Key, RateLimit, RateLimiter, VirtualClock};
    /// let limit = RateLimit { per_minute: Some(1), ..RateLimit::default() };
    /// let limiter = RateLimiter::with_clock(limit, VirtualClock::new()).unwrap();
    /// limiter.try_acquire(&Key::default()).admitted().unwrap().refund();
    /// assert!(limiter.try_acquire(&Key::default()).is_admitted());
    /// ```
    pub fn refund(&self) {
        self.limiter.0.with(|state, _| state.resources.refund(&self.taken));
    }

    /// Corrects the estimate of tokens to those that counted. Reads from the prompt cache do not count towards the API's
    /// limits.
    pub fn settle_tokens(&self, tokens: u64) {
        self.limiter.0.with(|state, _| state.resources.settle(&self.taken, tokens));
    }
}
