//! A circuit breaker for a host.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use madrigal::{
    Result,
    resilience::{Circuit, CircuitBreaker, FailureKind, Forced, Ticket, Verdict},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Held, refused};

/// What a host may ask.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Question {
    AllowRequest {},
    RecordSuccess {},
    RecordFailure {},
    TryRequest {},
    Finish {
        ticket: u64,
        verdict: Said,
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    Force {
        #[serde(default)]
        state: Option<Forced>,
    },
    Reset {},
    State {},
}

/// What became of a call.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    Success,
    Failure,
    Ignored,
}

pub(crate) struct Breaker {
    breaker: CircuitBreaker,
    tickets: Mutex<Held<Ticket>>,
}

impl Breaker {
    pub(super) fn new(circuit: Circuit) -> Result<Self> {
        Ok(Self { breaker: CircuitBreaker::new(circuit)?, tickets: Mutex::default() })
    }

    pub(super) fn decide(&self, question: Question) -> Result<Value> {
        let breaker = &self.breaker;
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        match question {
            Question::AllowRequest {} => return Ok(json!(breaker.allow_request())),
            Question::RecordSuccess {} => breaker.record_success(),
            Question::RecordFailure {} => breaker.record_failure(),
            Question::TryRequest {} => {
                let ticket = breaker.try_request().map_err(|refusal| refused(refusal, "try_request"))?;
                return Ok(json!({"ticket": tickets.put(ticket)}));
            }
            Question::Finish { ticket, verdict, retry_after_ms } => {
                if let Some(ticket) = tickets.held.remove(&ticket) {
                    breaker.record(
                        ticket,
                        match verdict {
                            Said::Success => Verdict::Success,
                            Said::Failure => Verdict::Failure {
                                kind: FailureKind::Unknown,
                                retry_after: retry_after_ms.map(Duration::from_millis),
                            },
                            Said::Ignored => Verdict::Ignored,
                        },
                    );
                    breaker.release(ticket);
                }
            }
            Question::Force { state } => breaker.force(state),
            Question::Reset {} => breaker.reset(),
            Question::State {} => return Ok(json!(breaker.state())),
        }
        Ok(Value::Null)
    }
}
