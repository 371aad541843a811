//! How much may be spent, by whom, in which time.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Cost, FileLedger, Ledger};
use crate::{
    Result,
    resilience::{
        Key,
        reading::{invalid, read},
    },
};

/// Limits of money. What is absent is not limited; the default limits nothing.
///
/// ```
/// use madrigal::resilience::Budget;
/// let budget = Budget::from_json(r#"{"key_hour_usd": 10, "run_usd": 0.5}"#).unwrap();
/// assert_eq!(budget, Budget { run_usd: Some(0.5), ..Budget::standard() });
/// let error = Budget::from_json(r#"{"run_usd": 0}"#).unwrap_err();
/// assert_eq!(error.to_string(), "budget.run_usd: expected an amount above 0 and up to 1000000, in US dollars");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// For one run, with all its attempts. US dollars.
    pub run_usd: Option<f64>,
    /// For all runs of one flow (a pipeline, a parallel call). US dollars.
    pub flow_usd: Option<f64>,
    /// For each key in any hour. US dollars.
    pub key_hour_usd: Option<f64>,
    /// For each key in any day. US dollars.
    pub key_day_usd: Option<f64>,
    /// For everything, ever. US dollars.
    pub total_usd: Option<f64>,
    /// How long the charge of a run whose cost is not known stays open to correction, in milliseconds. Default an hour.
    pub uncertain_ttl_ms: u64,
    /// The path of a file in which everything that is held and spent is written down, so that limits go on where they were when the host
    /// comes back: see [`FileLedger`](super::FileLedger). Flows and runs whose names begin with `#` are not written: they end with their
    /// process. Default: none, and everything is forgotten with the process.
    pub ledger: Option<PathBuf>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            run_usd: None,
            flow_usd: None,
            key_hour_usd: None,
            key_day_usd: None,
            total_usd: None,
            uncertain_ttl_ms: 3_600_000,
            ledger: None,
        }
    }
}

impl Budget {
    /// 10 US dollars an hour for each key: what an unattended program may lose before somebody looks.
    pub fn standard() -> Self {
        Self { key_hour_usd: Some(10.0), ..Self::default() }
    }

    /// Reads it from JSON and checks it. Fails with `invalid_options`, naming the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let budget: Self = read("budget", text)?;
        budget.validate()?;
        Ok(budget)
    }

    /// Checks what types cannot. Fails with `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        for (field, amount) in [
            ("run_usd", self.run_usd),
            ("flow_usd", self.flow_usd),
            ("key_hour_usd", self.key_hour_usd),
            ("key_day_usd", self.key_day_usd),
            ("total_usd", self.total_usd),
        ] {
            if amount.is_some_and(|usd| !(usd > 0.0 && usd <= 1e6)) {
                return Err(invalid(
                    &format!("budget.{field}"),
                    "expected an amount above 0 and up to 1000000, in US dollars",
                ));
            }
        }
        if self.ledger.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(invalid("budget.ledger", "expected the path of a file"));
        }
        Ok(())
    }

    pub(crate) fn open_ledger(&self) -> Result<Option<Arc<dyn Ledger>>> {
        let Some(path) = &self.ledger else { return Ok(None) };
        // Before there is a file: a path that names none would leave its lock in the working directory.
        self.validate()?;
        Ok(Some(Arc::new(FileLedger::open(path)?)))
    }

    pub(super) fn limit(usd: Option<f64>) -> Option<Cost> {
        usd.map(Cost::from_usd)
    }
}

/// On whose account something is spent: the run, which belongs to a flow, which uses a key.
///
/// ```
/// use madrigal::resilience::{Key, Spender};
/// let spender = Spender::new(Key::default()).flow("nightly").run("nightly-7");
/// assert_eq!(spender.flow.as_deref(), Some("nightly"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spender {
    /// The key.
    pub key: Key,
    /// The flow, by a name of its own; `None`: not part of one.
    pub flow: Option<String>,
    /// The run, by a name of its own; `None`: no limit for the run.
    pub run: Option<String>,
}

impl Spender {
    /// As a ledger knows it: without what ends with this process.
    pub(super) fn lasting(&self) -> Self {
        let lasts = |name: &Option<String>| name.clone().filter(|name| !name.starts_with('#'));
        Self { key: self.key.clone(), flow: lasts(&self.flow), run: lasts(&self.run) }
    }

    /// A key alone.
    pub fn new(key: Key) -> Self {
        Self { key, flow: None, run: None }
    }

    /// As part of a flow.
    #[must_use]
    pub fn flow(mut self, flow: impl Into<String>) -> Self {
        self.flow = Some(flow.into());
        self
    }

    /// As a run.
    #[must_use]
    pub fn run(mut self, run: impl Into<String>) -> Self {
        self.run = Some(run.into());
        self
    }
}
