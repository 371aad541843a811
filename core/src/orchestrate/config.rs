//! What an orchestrator is told, checked before anything starts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Candidate;
use crate::{
    Error, ErrorKind, Options, Result,
    auth::AuthSource,
    pool::PoolConfig,
    resilience::{
        Adaptive, AdmissionConfig, Budget, Circuit, Hedge, MemoryLimit, RateLimit, RetryPolicy, Shedding,
    },
};

/// How an orchestrator is made. On the wire an object with these fields; what is left out has its default, and unknown fields are
/// refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrchestratorConfig {
    /// How many tasks run at a time, over all calls; 1 or more. Default 5.
    pub max_concurrent: usize,
    /// Who gives the programs their credential. Not on the wire.
    #[serde(skip)]
    pub auth: AuthSource,
    /// How many may wait to be let in; one more is refused as `overloaded`. A call takes no more tasks than may run at a time, so this
    /// is met only by many calls at once. Default 1000.
    pub max_waiting: u32,
    /// How many programs may be starting at the same time: let in, and not yet ready. Default: no limit of its own.
    pub max_starting: Option<u32>,
    /// How much memory must be left for another program to start: `{"min_available_mb": 1024, "run_mb": 150}`. Default: nobody looks. Linux only.
    pub memory: Option<MemoryLimit>,
    /// Lets the number of places follow what the API says: `{"min": 1, "decrease": 0.7, "cooldown_ms": 5000}`. Default: it stays
    /// `max_concurrent`.
    pub adaptive: Option<Adaptive>,
    /// Drops tasks of the class `sheddable` when everybody waits for too long: `{"target_ms": 5000, "interval_ms": 30000}`. Default: they wait like
    /// all others.
    pub shedding: Option<Shedding>,
    /// How often tasks may start. Default 60 a minute and 1000 an hour for each provider, credential and model; `None`: as often as they like.
    pub rate_limit: Option<RateLimit>,
    /// When to stop asking somebody who fails. Default: after 5 failures in a row, for a minute; `None`: never.
    pub circuit_breaker: Option<Circuit>,
    /// How much may be spent. Default: no limit. With one, a task that has no `max_budget_usd` may spend ten elevenths of
    /// `run_usd`, or a tenth of the smallest other limit; the program is told, and stops after the request that passes it. A tenth more is held for
    /// that request.
    pub budget: Option<Budget>,
    /// What is tried again, how often and when.
    pub retry: RetryPolicy,
    /// How long a task may take that has no time of its own, in milliseconds. Default 300 000.
    pub timeout_ms: u64,
    /// The options of tasks that bring none.
    pub options: Options,
    /// What a task falls back to, one after the other, when it fails and something else may do better; at most 5. Default: nothing.
    pub fallbacks: Vec<Candidate>,
    /// Keeps programs ready for tasks, started before there is a prompt. Default: none.
    pub pool: Option<PoolConfig>,
    /// Starts a second attempt beside one whose first token is late, for tasks that may run twice: those that are `idempotent`, and those
    /// whose `tools` are given and only read. Default: never.
    pub hedge: Option<Hedge>,
    /// How long the tasks of one call wait at most for the first of them that is asked the same way (same options): until the model
    /// begins to answer that one, so that the others find their common beginning in the cache of the API. In milliseconds, 1 or
    /// more. Default: they do not wait.
    pub prefix_wait_ms: Option<u64>,
}

/// The most fallbacks: each may take as long as the first (LiteLLM stops at the same number).
const MOST_FALLBACKS: usize = 5;

impl Default for OrchestratorConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 5,
            auth: AuthSource::default(),
            max_waiting: 1_000,
            max_starting: None,
            memory: None,
            adaptive: None,
            shedding: None,
            rate_limit: Some(RateLimit::default()),
            circuit_breaker: Some(Circuit::default()),
            budget: None,
            retry: RetryPolicy::default(),
            timeout_ms: 300_000,
            options: Options::default(),
            fallbacks: Vec::new(),
            pool: None,
            hedge: None,
            prefix_wait_ms: None,
        }
    }
}

impl OrchestratorConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `invalid_options`, naming the field.
    ///
    /// ```
    /// use madrigal::orchestrate::OrchestratorConfig;
    /// let config = OrchestratorConfig::from_json(r#"{"max_concurrent": 8, "options": {"model": "sonnet"}}"#).unwrap();
    /// assert_eq!(config.max_concurrent, 8);
    /// let error = OrchestratorConfig::from_json(r#"{"options": {"modle": "sonnet"}}"#).unwrap_err();
    /// assert!(error.to_string().contains("options.modle"), "{error}");
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let config: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            invalid(&path, &error.inner().to_string())
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        if self.max_concurrent == 0 {
            return Err(invalid("max_concurrent", "expected 1 or more"));
        }
        if self.timeout_ms == 0 {
            return Err(invalid("timeout_ms", "expected 1 or more milliseconds"));
        }
        if self.fallbacks.len() > MOST_FALLBACKS {
            return Err(invalid("fallbacks", &format!("expected at most {MOST_FALLBACKS}")));
        }
        if self.prefix_wait_ms == Some(0) {
            return Err(invalid("prefix_wait_ms", "expected 1 or more milliseconds, or nothing"));
        }
        if let Some(pool) = &self.pool {
            pool.validate(&self.options)?;
        }
        if let Some(hedge) = &self.hedge {
            hedge.validate()?;
        }
        self.retry.validate()?;
        self.admission().validate()?;
        self.options.validate()
    }

    pub(super) fn admission(&self) -> AdmissionConfig {
        AdmissionConfig {
            max_concurrent: u32::try_from(self.max_concurrent).unwrap_or(u32::MAX),
            max_waiting: self.max_waiting,
            max_starting: self.max_starting,
            memory: self.memory.clone(),
            adaptive: self.adaptive.clone(),
            shedding: self.shedding.clone(),
            rate_limit: self.rate_limit.clone(),
            circuit_breaker: self.circuit_breaker.clone(),
            budget: self.budget.clone(),
            ..AdmissionConfig::default()
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

pub(super) fn invalid(field: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{field}: {expected}"))
        .operation("orchestrator")
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_page_is_a_configuration() {
        let page = include_str!("../../../docs/orchestrator.md");
        let example = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = OrchestratorConfig::from_json(example).unwrap();
        assert_eq!((config.max_concurrent, config.fallbacks.len()), (8, 1));
    }
}
