//! The steps of a policy by itself, through the public interface of the core.

use std::time::Duration;

use madrigal::{
    Error, ErrorKind, Result,
    resilience::{
        Acquire, Budget, Circuit, CircuitBreaker, Cost, CostBudget, Decision, FailureKind, Key, RateLimit,
        RateLimiter, RatePermit, Reservation, Spender, Ticket, Verdict,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The policy of a scenario, and what it gave last.
pub(crate) enum Policy {
    Rate(RateLimiter, Option<RatePermit>),
    Circuit(CircuitBreaker, Option<Ticket>),
    Budget(CostBudget, Option<Reservation>),
}

fn read<T: DeserializeOwned + Default>(value: &Value) -> Result<T> {
    if value.is_null() {
        return Ok(T::default());
    }
    serde_json::from_value(value.clone())
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))
}

fn gone<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "it gave none that is still open"))
}

impl Policy {
    pub(crate) fn new(given: &Value) -> Result<Self> {
        let (kind, config) = given.as_object().and_then(|one| one.iter().next()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "policy: an object with one policy was expected")
        })?;
        let config = config.to_string();
        Ok(match kind.as_str() {
            "rate_limiter" => Self::Rate(RateLimiter::new(RateLimit::from_json(&config)?)?, None),
            "circuit_breaker" => Self::Circuit(CircuitBreaker::new(Circuit::from_json(&config)?)?, None),
            _ => Self::Budget(CostBudget::new(Budget::from_json(&config)?)?, None),
        })
    }

    pub(crate) async fn decide(&mut self, with: &Value) -> Result<Value> {
        let call = with["command"].as_str().unwrap_or_default();
        let usd = |name: &str| Cost::from_usd(with[name].as_f64().unwrap_or_default());
        let unknown = || Error::new(ErrorKind::InvalidArgument, format!("{call} is no call of this policy"));
        Ok(match self {
            Self::Rate(limiter, last) => {
                let wish = &with["wish"];
                let key: Key = read(if wish.is_null() { &with["key"] } else { &wish["key"] })?;
                let deadline = wish["timeout_ms"]
                    .as_u64()
                    .map(|wait| limiter.clock().now() + Duration::from_millis(wait));
                let ask = Acquire {
                    tokens: wish["tokens"].as_u64().unwrap_or_default(),
                    class: read(&wish["class"])?,
                    deadline,
                };
                match call {
                    "try_acquire" => match limiter.try_acquire_with(&key, &ask) {
                        Decision::Admitted(permit) => {
                            *last = Some(permit);
                            json!({"permit": 1})
                        }
                        Decision::WaitUntil(_) => json!({"permit": null}),
                        Decision::Rejected(refusal) => return Err(refusal.into()),
                    },
                    "check_and_wait" => {
                        *last = Some(limiter.check_and_wait_with(&key, &ask).await?);
                        json!({"permit": 1})
                    }
                    "refund" => {
                        gone(last.take())?.refund();
                        Value::Null
                    }
                    "settle_tokens" => {
                        gone(last.take())?.settle_tokens(with["tokens"].as_u64().unwrap_or_default());
                        Value::Null
                    }
                    "feedback" => {
                        let said = serde_json::from_value(with["said"].clone());
                        limiter.feedback(
                            &key,
                            said.map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?,
                        );
                        Value::Null
                    }
                    "state" => json!(limiter.state(&key)),
                    _ => return Err(unknown()),
                }
            }
            Self::Circuit(breaker, last) => match call {
                "allow_request" => json!(breaker.allow_request()),
                "record_success" => json!(breaker.record_success()),
                "record_failure" => json!(breaker.record_failure()),
                "try_request" => {
                    *last = Some(breaker.try_request()?);
                    json!({"ticket": 1})
                }
                "finish" => {
                    let ticket = gone(last.take())?;
                    let retry_after = with["retry_after_ms"].as_u64().map(Duration::from_millis);
                    let verdict = match with["verdict"].as_str() {
                        Some("success") => Verdict::Success,
                        Some("failure") => Verdict::Failure { kind: FailureKind::Unknown, retry_after },
                        _ => Verdict::Ignored,
                    };
                    breaker.record(ticket, verdict);
                    breaker.release(ticket);
                    Value::Null
                }
                "force" => {
                    json!(breaker.force(serde_json::from_value(with["state"].clone()).unwrap_or_default()))
                }
                "reset" => json!(breaker.reset()),
                "state" => json!(breaker.state()),
                _ => return Err(unknown()),
            },
            Self::Budget(budget, last) => {
                let spender: Spender = read(&with["spender"])?;
                match call {
                    "reserve" => {
                        *last = Some(budget.reserve(&spender, usd("cap_usd"), usd("margin_usd"))?);
                        json!({"reservation": 1})
                    }
                    "observe" => {
                        gone(last.as_ref())?.observe(usd("so_far_usd"))?;
                        Value::Null
                    }
                    "settle" => {
                        gone(last.take())?.settle(usd("cost_usd"));
                        Value::Null
                    }
                    "uncertain" => {
                        gone(last.take())?.uncertain(usd("observed_usd"));
                        Value::Null
                    }
                    "limit_flow" => {
                        budget.limit_flow(
                            with["flow"].as_str().unwrap_or_default(),
                            with["limit_usd"].as_f64().map(Cost::from_usd),
                        );
                        Value::Null
                    }
                    "state" => json!(budget.state(&spender)),
                    _ => return Err(unknown()),
                }
            }
        })
    }
}
