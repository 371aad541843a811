//! A policy by itself: a number as sessions have it, with questions that are answered at once. What a host is given to hold (a
//! permit, a ticket, a reservation) is a number, too.

mod budget;
mod circuit;
mod rate;

use std::{collections::HashMap, sync::Arc};

use madrigal::{
    Error, ErrorKind, Result,
    resilience::{Budget, Circuit, RateLimit, Refusal},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{
    SessionId, Wake,
    asks::Asks,
    handles::{self, Entry, Running},
    runtime,
    signals::Signals,
};
pub(crate) use rate::Acquiring;

/// Which policy, and its settings.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Spec<'a> {
    #[serde(borrow)]
    RateLimiter(&'a RawValue),
    #[serde(borrow)]
    CircuitBreaker(&'a RawValue),
    #[serde(borrow)]
    CostBudget(&'a RawValue),
}

/// An open policy.
pub(crate) enum Policy {
    Rate(rate::Limiter),
    Circuit(circuit::Breaker),
    Budget(budget::Purse),
}

/// Checks the settings and opens a policy.
pub(crate) fn open(spec: &RawValue, wake: Arc<dyn Wake>) -> Result<SessionId> {
    let spec: Spec<'_> = serde_json::from_str(spec.get()).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("policy: {error}")).operation("open")
    })?;
    let runtime = runtime::handle()?;
    let _inside = runtime.enter();
    let session = handles::number();
    let signals = Arc::new(Signals::new(session, wake));
    let policy = match spec {
        Spec::RateLimiter(limit) => RateLimit::from_json(limit.get())
            .and_then(|limit| rate::Limiter::new(limit, signals.clone()))
            .map(Policy::Rate),
        Spec::CircuitBreaker(circuit) => {
            Circuit::from_json(circuit.get()).and_then(circuit::Breaker::new).map(Policy::Circuit)
        }
        Spec::CostBudget(budget) => Budget::from_json(budget.get())
            .and_then(|budget| budget::Purse::new(budget, &signals))
            .map(Policy::Budget),
    }
    .map_err(|error| error.operation("open"))?;
    let asks = Arc::new(Asks::new(Vec::new(), signals.clone()));
    handles::insert(session, Entry::new(Running::Policy(Arc::new(policy)), signals, asks));
    Ok(session)
}

impl Policy {
    /// Answers a question at once.
    pub(crate) fn decide(&self, question: &str) -> Result<Value> {
        // Timers of the runtime may be touched.
        let runtime = runtime::handle()?;
        let _inside = runtime.enter();
        match self {
            Self::Rate(limiter) => limiter.decide(read(question)?),
            Self::Circuit(breaker) => breaker.decide(read(question)?),
            Self::Budget(purse) => purse.decide(read(question)?),
        }
    }

    /// Waits for a start; the permit is the reply.
    pub(crate) fn acquire(&self, id: i64, wish: Acquiring) -> Result<()> {
        match self {
            Self::Rate(limiter) => limiter.acquire(id, wish),
            _ => Err(invalid("command", "only a rate limiter takes it")),
        }
    }

    /// Gives up a wait; its reply says `cancelled`.
    pub(crate) fn cancel(&self, run: i64) {
        if let Self::Rate(limiter) = self {
            limiter.cancel(run);
        }
    }

    /// Gives up all waits.
    pub(crate) fn stop(&self) {
        if let Self::Rate(limiter) = self {
            limiter.stop();
        }
    }
}

fn read<T: DeserializeOwned>(question: &str) -> Result<T> {
    serde_json::from_str(question).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("question: {error}")).operation("decide")
    })
}

fn invalid(field: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{field}: {expected}"))
        .operation("decide")
        .with("field", field)
}

/// A refusal as the error the host gets.
fn refused(refusal: Refusal, operation: &'static str) -> Error {
    Error::from(refusal).operation(operation)
}

/// What a host holds, by number. Numbers are never used again, so one that is held too long meets nothing.
struct Held<T> {
    next: u64,
    held: HashMap<u64, T>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { next: 1, held: HashMap::new() }
    }
}

impl<T> Held<T> {
    fn put(&mut self, what: T) -> u64 {
        let number = self.next;
        self.next += 1;
        self.held.insert(number, what);
        number
    }
}
