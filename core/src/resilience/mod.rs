//! Policies that keep many agents under control. Each is usable alone and knows nothing of processes or the network: time is an
//! argument (a [`Clock`]), settings are plain data that can be read from JSON with errors that name the field, states
//! serialise.
//!
//! | Policy | Says | Settings |
//! |---|---|---|
//! | [`RateLimiter`] | how often runs may start | [`RateLimit`] |
//! | [`CircuitBreaker`] | whether the other side works | [`Circuit`] |
//! | [`CostBudget`] | how much may be spent | [`Budget`] |
//! | [`Admission`] | all of them in one step, and who goes first | [`AdmissionConfig`] |
//! | [`Retrier`] | whether, when and how to try again | [`RetryPolicy`] |
//! | [`Hedge`] | when a late attempt gets a second one beside it | [`Hedge`] |
//! | [`OutcomeWatch`] | what became of an attempt, once for all of them | |
//!
//! An attempt from start to end, with two of them:
//!
//! ```
//! use madrigal::{Message, resilience::{Circuit, CircuitBreaker, Key, OutcomeWatch, RateLimit, RateLimiter, Signal, Verdict}};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let (limiter, breaker) = (RateLimiter::new(RateLimit::default())?, CircuitBreaker::new(Circuit::default())?);
//! let key = Key::new("api", "3fa9", "sonnet");
//! let ticket = breaker.try_request().expect("closed");
//! limiter.check_and_wait(&key).await.expect("in time");
//! let mut watch = OutcomeWatch::new();
//! // For each message of the run:
//! let message = Message::parse(r#"{"type":"system","subtype":"api_retry","attempt":1,"error_status":529,"error":"overloaded"}"#)?;
//! if let Some(Signal::AttemptFailed { kind, retry_after }) = watch.observe(&message) {
//!     breaker.record(ticket, kind.verdict(Some(retry_after)));
//! }
//! assert_eq!(breaker.state().consecutive_failures, 1);
//! breaker.release(ticket);
//! # Ok::<_, madrigal::Error>(()) }).unwrap();
//! ```

mod admission;
mod budget;
pub(crate) mod chance;
mod circuit;
mod clock;
mod hedge;
mod key;
mod line;
mod outcome;
mod rate_limit;
mod reading;
mod refusal;
mod retry;

pub use admission::{Adaptive, Admission, AdmissionConfig, AdmissionState, Demand, MemoryLimit, Permit};
pub use budget::{
    AccountState, Budget, BudgetEvent, BudgetState, Cost, CostBudget, FileLedger, Ledger, LedgerEntry,
    MemoryLedger, Reservation, Spender,
};
pub use circuit::{Circuit, CircuitBreaker, CircuitPhase, CircuitState, Forced, Ticket, Verdict};
pub use clock::{Clock, Moment, Sleep, SystemClock, VirtualClock};
pub use hedge::Hedge;
pub(crate) use hedge::Hedges;
pub use key::{Key, KeyParts};
pub use line::{Class, Decision, Shedding};
pub use outcome::{
    BreakerEffect, Failure, FailureKind, Fallback, LimiterEffect, OutcomeWatch, READ_ONLY_TOOLS, Replay,
    RetryClass, Scope, Signal,
};
pub use rate_limit::{Acquire, Quota, RateFeedback, RateLimit, RateLimiter, RatePermit, RateState};
pub use refusal::{Refusal, RefusalReason};
pub use retry::{Attempts, GiveUp, Retrier, RetryDecision, RetryPolicy};
