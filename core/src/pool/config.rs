//! How many processes are kept ready, for how long, and whether one may serve more than one run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::suits;
use crate::{Error, ErrorKind, Options, Result};

/// Keeps processes ready. On the wire an object with these fields; what is left out has its default.
///
/// ```
/// use madrigal::orchestrate::OrchestratorConfig;
/// let config = OrchestratorConfig::from_json(r#"{"pool": {"min_idle": 2}}"#).unwrap();
/// assert_eq!(config.pool.unwrap().min_idle, 2);
/// // What may use tools may leave something behind for the next.
/// let error = OrchestratorConfig::from_json(r#"{"pool": {"recycle": true}}"#).unwrap_err();
/// assert_eq!(error.context()["field"], "options.tools");
/// assert!(OrchestratorConfig::from_json(r#"{"pool": {"recycle": true}, "options": {"tools": []}}"#).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// How many are kept ready for each kind of start that repeats. 0: none are started ahead, which makes sense with `recycle`.
    /// Default 1.
    pub min_idle: u32,
    /// How many may be ready at a time, all kinds together; at least 1 and `min_idle`. Default: as many tasks as may run at a time,
    /// and `min_idle`.
    pub max_idle: Option<u32>,
    /// How old a process may become before it is replaced, in milliseconds. A kind of start that nobody asks for during this time is
    /// forgotten. What the program reads when it starts (instructions, the state of the repository) is up to this old. Default
    /// 600 000.
    pub max_age_ms: u64,
    /// How much memory those that are ready may take together, in MiB. Default 2048.
    pub max_memory_mb: u64,
    /// Whether a process may serve run after run, and forgets each by `/clear`. Only runs without tools can: the options of the
    /// orchestrator must say `tools: []` and have nothing else that acts. Default: no.
    pub recycle: bool,
    /// With `recycle`: after how many further runs a process is ended all the same; 1 or more. Default 50.
    pub max_reuses: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min_idle: 1,
            max_idle: None,
            max_age_ms: 600_000,
            max_memory_mb: 2_048,
            recycle: false,
            max_reuses: 50,
        }
    }
}

impl PoolConfig {
    /// Checks every field; `options` are those of tasks that bring none.
    ///
    /// # Errors
    /// `invalid_options`, naming the field.
    pub fn validate(&self, options: &Options) -> Result<()> {
        let positive = [
            ("pool.max_age_ms", self.max_age_ms),
            ("pool.max_memory_mb", self.max_memory_mb),
            ("pool.max_reuses", self.max_reuses.into()),
        ];
        if let Some((field, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(invalid(field, "expected 1 or more"));
        }
        if self.max_idle.is_some_and(|most| most < self.min_idle.max(1)) {
            return Err(invalid("pool.max_idle", "expected at least 1 and at least `pool.min_idle`"));
        }
        match suits::not_recycled(options).filter(|_| self.recycle) {
            Some((field, expected)) => {
                let expected = format!(
                    "{expected} with `pool.recycle`: a run that may act may leave something behind for the next"
                );
                Err(invalid(&format!("options.{field}"), &expected))
            }
            None => Ok(()),
        }
    }

    pub(super) fn max_age(&self) -> Duration {
        Duration::from_millis(self.max_age_ms)
    }
}

fn invalid(field: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{field}: {expected}"))
        .operation("orchestrator")
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_field() {
        let field = |text: &str| {
            let config: PoolConfig = serde_json::from_str(text).unwrap();
            let error = config.validate(&Options::default()).unwrap_err();
            error.context()["field"].as_str().unwrap().to_owned()
        };
        assert_eq!(field(r#"{"max_age_ms": 0}"#), "pool.max_age_ms");
        assert_eq!(field(r#"{"max_memory_mb": 0}"#), "pool.max_memory_mb");
        assert_eq!(field(r#"{"max_reuses": 0}"#), "pool.max_reuses");
        assert_eq!(field(r#"{"min_idle": 3, "max_idle": 2}"#), "pool.max_idle");
        assert_eq!(field(r#"{"min_idle": 0, "max_idle": 0}"#), "pool.max_idle");
        assert_eq!(field(r#"{"recycle": true}"#), "options.tools");
        assert!(serde_json::from_str::<PoolConfig>(r#"{"size": 2}"#).is_err());
    }
}
