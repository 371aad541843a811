//! How often, how soon and by whom failed work is tried again.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    resilience::reading::{check_share, invalid, read},
};

/// The settings of a [`Retrier`](super::Retrier).
///
/// ```
/// use madrigal::resilience::RetryPolicy;
/// let policy = RetryPolicy::from_json(r#"{"max_attempts": 5, "program_retries": 0}"#).unwrap();
/// assert_eq!((policy.max_attempts, policy.throttle_base_ms), (5, 1_000));
/// let error = RetryPolicy::from_json(r#"{"max_attempts": 0}"#).unwrap_err();
/// assert_eq!(error.to_string(), "retry.max_attempts: expected at least 1, the first attempt");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts of a run, the first included. Default 3, as in the AWS SDKs.
    pub max_attempts: u32,
    /// The first backoff after the API wanted fewer requests, in milliseconds; after a 429 that names no wait at least half of it. Default 1000, as in
    /// the AWS SDKs.
    pub throttle_base_ms: u64,
    /// The first backoff after the API or the network failed, in milliseconds. Default 250.
    pub network_base_ms: u64,
    /// The first backoff after a program could not be started, in milliseconds. Default 50.
    pub spawn_base_ms: u64,
    /// The longest backoff, in milliseconds; a server may ask for more. Default 20 000, as in the AWS SDKs.
    pub max_delay_ms: u64,
    /// Retries for each first attempt of a key within a minute, as a share. Default 0.2, as in Finagle and Envoy.
    pub budget_share: f64,
    /// Retries of a key within a minute that are free. Default 12: 0.2 a second.
    pub budget_free: u32,
    /// Retries of a key within a minute, at most. Default 100.
    pub budget_cap: u32,
    /// How often the program itself retries a failed call of the API: what it was given as `CLAUDE_CODE_MAX_RETRIES`. Above 0 such failures are
    /// its business, and a run that still failed is not tried again; 0 makes them ours. One owner, because three attempts of ours
    /// over ten of its own are thirty-three. Default 10, the program's own.
    pub program_retries: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            throttle_base_ms: 1_000,
            network_base_ms: 250,
            spawn_base_ms: 50,
            max_delay_ms: 20_000,
            budget_share: 0.2,
            budget_free: 12,
            budget_cap: 100,
            program_retries: 10,
        }
    }
}

impl RetryPolicy {
    /// Reads it from JSON and checks it. Fails with `invalid_options`, naming the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let policy: Self = read("retry", text)?;
        policy.validate()?;
        Ok(policy)
    }

    /// Checks what types cannot. Fails with `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        if self.max_attempts == 0 {
            return Err(invalid("retry.max_attempts", "expected at least 1, the first attempt"));
        }
        check_share("retry.budget_share", self.budget_share)
    }
}
