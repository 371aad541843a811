//! When a circuit breaker opens, for how long, and what closes it again.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    resilience::reading::{check_share, invalid, read},
};

/// The settings of a [`CircuitBreaker`](super::CircuitBreaker).
///
/// ```
/// use madrigal::resilience::Circuit;
/// let circuit = Circuit::from_json(r#"{"failure_threshold": 3, "timeout_ms": 1000}"#).unwrap();
/// assert_eq!((circuit.failure_threshold, circuit.success_threshold), (3, 2));
/// let error = Circuit::from_json(r#"{"success_threshold": 0}"#).unwrap_err();
/// assert_eq!(error.to_string(), "circuit_breaker.success_threshold: expected at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Circuit {
    /// Failures in a row that open it. Default 5: the number of Envoy's `consecutive_5xx`.
    pub failure_threshold: u32,
    /// Successes in a row, of one probe after the other, that close it again. Default 2.
    pub success_threshold: u32,
    /// How long it stays open the first time, in milliseconds. Doubles each time until it has been healthy. Default 60 000, as in
    /// resilience4j.
    pub timeout_ms: u64,
    /// The longest it stays open unless a server asks for more, in milliseconds. Default 300 000: the longest that Finagle marks a
    /// host dead.
    pub max_timeout_ms: u64,
    /// The share of the open time that chance may take away, so that not everybody probes in the same instant. Default 0.2.
    pub jitter: f64,
    /// The share of failures that opens it, among at least `min_samples` in `window_ms`; `None`: only failures in a row
    /// count. Default 0.5, as in resilience4j.
    pub failure_rate: Option<f64>,
    /// How many samples a share needs. Default 10: an agent makes few calls a minute.
    pub min_samples: u32,
    /// The time over which the share is counted, in milliseconds. Default 60 000.
    pub window_ms: u64,
    /// How long a probe may go without a verdict before it counts as failed, in milliseconds. Default 120 000: the time for a
    /// first token.
    pub probe_ms: u64,
    /// How long it must be closed for the next opening to be a first one again, in milliseconds. Default 60 000.
    pub healthy_ms: u64,
    /// Whether, after it closed, permits at one time grow from 1 with each success (1, 2, 4, ... 64) instead of all at once. Default true.
    pub slow_start: bool,
}

impl Default for Circuit {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            success_threshold: 2,
            timeout_ms: 60_000,
            max_timeout_ms: 300_000,
            jitter: 0.2,
            failure_rate: Some(0.5),
            min_samples: 10,
            window_ms: 60_000,
            probe_ms: 120_000,
            healthy_ms: 60_000,
            slow_start: true,
        }
    }
}

impl Circuit {
    /// Reads it from JSON and checks it. Fails with `invalid_options`, naming the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let circuit: Self = read("circuit_breaker", text)?;
        circuit.validate()?;
        Ok(circuit)
    }

    /// Checks what types cannot. Fails with `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in [
            ("failure_threshold", u64::from(self.failure_threshold)),
            ("success_threshold", u64::from(self.success_threshold)),
            ("timeout_ms", self.timeout_ms),
            ("min_samples", u64::from(self.min_samples)),
            ("window_ms", self.window_ms),
            ("probe_ms", self.probe_ms),
        ] {
            if value == 0 {
                return Err(invalid(&format!("circuit_breaker.{field}"), "expected at least 1"));
            }
        }
        if self.max_timeout_ms < self.timeout_ms {
            return Err(invalid("circuit_breaker.max_timeout_ms", "expected at least `timeout_ms`"));
        }
        check_share("circuit_breaker.jitter", self.jitter)?;
        match self.failure_rate {
            Some(rate) if rate > 0.0 => check_share("circuit_breaker.failure_rate", rate),
            Some(_) => {
                Err(invalid("circuit_breaker.failure_rate", "expected a share above 0, or null for none"))
            }
            None => Ok(()),
        }
    }
}
