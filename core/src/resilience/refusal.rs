//! A "no" that helps: which policy said it, at which level, and when asking again can help.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{Error, ErrorKind, error::Retry};

/// Which policy refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// A limit of starts or tokens, or a server that said so.
    RateLimited,
    /// A budget.
    BudgetExceeded,
    /// An open circuit breaker.
    CircuitOpen,
    /// Everything is busy: no place to run, or no place to wait.
    Shed,
    /// The deadline is over, or nothing could be admitted before it.
    DeadlineExceeded,
}

impl RefusalReason {
    /// The stable word, the same in every language.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::BudgetExceeded => "budget_exceeded",
            Self::CircuitOpen => "circuit_open",
            Self::Shed => "shed",
            Self::DeadlineExceeded => "deadline_exceeded",
        }
    }
}

/// Why something may not start, and when to ask again.
///
/// ```
/// use madrigal::resilience::{Key, RateLimit, RateLimiter, Moment, VirtualClock, Acquire};
/// let limit = RateLimit { per_minute: Some(1), ..RateLimit::default() };
/// let limiter = RateLimiter::with_clock(limit, VirtualClock::new()).unwrap();
/// let ask = Acquire { deadline: Some(Moment::from_nanos(1_000)), ..Acquire::default() };
/// assert!(limiter.try_acquire_with(&Key::default(), &ask).is_admitted());
/// let refusal = limiter.try_acquire_with(&Key::default(), &ask).refusal().unwrap();
/// assert_eq!(refusal.to_string(), "Rate limit exceeded (key): try again in 60 s");
/// assert_eq!(serde_json::to_value(&refusal).unwrap()["retry_after_ms"], 60_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which policy refused.
    pub reason: RefusalReason,
    /// The level: `key`, `tenant`, `global`, `run`, `flow`, `key_hour`, `key_day`, `ledger`, `slots`, `key_slots`,
    /// `starts`, `memory`, `queue`, `overload`, or `""`.
    pub scope: &'static str,
    /// The wait after which a retry alone would be admitted; `None` when no wait is known to help. For places (`slots`, `starts`, `queue`,
    /// `overload`) an estimate from how long they were kept of late.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) const fn new(
        reason: RefusalReason,
        scope: &'static str,
        retry_after: Option<Duration>,
    ) -> Self {
        Self { reason, scope, retry_after }
    }
}

/// Milliseconds, rounded up so that a wait is never too short.
pub(crate) fn millis_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RefusalReason::RateLimited => "Rate limit exceeded",
            RefusalReason::BudgetExceeded => "Budget exceeded",
            RefusalReason::CircuitOpen => "Circuit breaker open, service degraded",
            RefusalReason::Shed => "Everything is busy",
            RefusalReason::DeadlineExceeded => "Deadline exceeded",
        })?;
        if !self.scope.is_empty() {
            write!(f, " ({})", self.scope)?;
        }
        match self.retry_after {
            Some(wait) if wait.subsec_millis() == 0 => write!(f, ": try again in {} s", wait.as_secs()),
            Some(wait) => write!(f, ": try again in {:.1} s", wait.as_secs_f64()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The error that reaches a caller who asked for a run, not for a permit.
///
/// ```
/// # use madrigal::resilience::{Circuit, CircuitBreaker, Forced};
/// let breaker = CircuitBreaker::new(Circuit::default())?;
/// breaker.force(Some(Forced::Open));
/// let error = madrigal::Error::from(breaker.try_request().unwrap_err());
/// assert_eq!(error.kind().code(), "circuit_open");
/// # Ok::<_, madrigal::Error>(())
/// ```
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.reason {
            RefusalReason::RateLimited => ErrorKind::RateLimited,
            RefusalReason::BudgetExceeded => ErrorKind::BudgetExceeded,
            RefusalReason::CircuitOpen => ErrorKind::CircuitOpen,
            RefusalReason::Shed | RefusalReason::DeadlineExceeded => ErrorKind::Overloaded,
        };
        let retry = refusal.retry_after.map_or(Retry::Never, Retry::After);
        Self::new(kind, refusal.to_string())
            .retry(retry)
            .with("reason", refusal.reason.code())
            .with("scope", refusal.scope)
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Refusal", 4)?;
        out.serialize_field("reason", self.reason.code())?;
        out.serialize_field("scope", self.scope)?;
        out.serialize_field("retry_after_ms", &self.retry_after.map(millis_up))?;
        out.serialize_field("message", &self.to_string())?;
        out.end()
    }
}
