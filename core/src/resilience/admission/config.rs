//! What admission keeps to: the settings of all policies in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Adaptive, MemoryLimit};
use crate::{
    Result,
    resilience::{
        Budget, Circuit, Class, Cost, Key, Moment, RateLimit, Shedding, Spender,
        reading::{invalid, read},
    },
};

/// The settings of an [`Admission`](super::Admission).
///
/// ```
/// use madrigal::resilience::AdmissionConfig;
/// let config = AdmissionConfig::from_json(r#"{"max_concurrent": 64, "rate_limit": {"per_minute": 500}}"#).unwrap();
/// assert_eq!((config.max_concurrent, config.budget), (64, None));
/// let error = AdmissionConfig::from_json(r#"{"rate_limit": {"per_hour": "many"}}"#).unwrap_err();
/// assert_eq!(error.context()["field"], "admission.rate_limit.per_hour");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionConfig {
    /// How many may run at the same time. Default 5: a machine with two cores starts about five programs a second, and each takes
    /// some 110 MB.
    pub max_concurrent: u32,
    /// How many of one key may run at the same time. Default: as many as of all.
    pub max_concurrent_per_key: Option<u32>,
    /// How many may wait. One more than that is shed, or sheds one of a lower class. Default 1000.
    pub max_waiting: u32,
    /// How often runs may start. Default [`RateLimit::default`]; `None`: as often as they like.
    pub rate_limit: Option<RateLimit>,
    /// The breaker of each key, and one for this machine. Default [`Circuit::default`]; `None`: none.
    pub circuit_breaker: Option<Circuit>,
    /// How much may be spent. Default: whatever it costs.
    pub budget: Option<Budget>,
    /// How many programs may be starting at the same time: let in, and not yet ready. Starting one takes about half a second of a core
    /// (measured), so more than twice the cores only makes all of them late. Default: no limit of its own.
    pub max_starting: Option<u32>,
    /// How much memory must be left for another program to start. Default: nobody looks.
    pub memory: Option<MemoryLimit>,
    /// Lets the number of places follow what the API says. Default: it stays `max_concurrent`.
    pub adaptive: Option<Adaptive>,
    /// Drops those of the class `sheddable` when everybody waits for too long. Default: they wait like all others.
    pub shedding: Option<Shedding>,
    /// How many runs in a row the keys of a tenant get when several wait. Default 1 for each.
    pub tenant_weights: BTreeMap<String, u32>,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 5,
            max_concurrent_per_key: None,
            max_waiting: 1_000,
            rate_limit: Some(RateLimit::default()),
            circuit_breaker: Some(Circuit::default()),
            budget: None,
            max_starting: None,
            memory: None,
            adaptive: None,
            shedding: None,
            tenant_weights: BTreeMap::new(),
        }
    }
}

impl AdmissionConfig {
    /// Reads it from JSON and checks it. Fails with `invalid_options`, naming the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let config: Self = read("admission", text)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks what types cannot. Fails with `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        let zero = |field: &str| Err(invalid(&format!("admission.{field}"), "expected at least 1"));
        if self.max_concurrent == 0 {
            return zero("max_concurrent");
        }
        if self.max_concurrent_per_key == Some(0) {
            return zero("max_concurrent_per_key");
        }
        if self.max_starting == Some(0) {
            return zero("max_starting");
        }
        self.shedding.as_ref().map_or(Ok(()), Shedding::validate)?;
        self.memory.as_ref().map_or(Ok(()), MemoryLimit::validate)?;
        self.adaptive.as_ref().map_or(Ok(()), |adaptive| adaptive.validate(self.max_concurrent))?;
        if self.tenant_weights.values().any(|weight| *weight == 0) {
            return zero("tenant_weights");
        }
        self.rate_limit.as_ref().map_or(Ok(()), RateLimit::validate)?;
        self.circuit_breaker.as_ref().map_or(Ok(()), Circuit::validate)?;
        self.budget.as_ref().map_or(Ok(()), Budget::validate)
    }
}

/// What an attempt asks for.
///
/// ```
/// use madrigal::resilience::{Class, Cost, Demand, Key};
/// let demand = Demand { cap: Cost::from_usd(0.5), class: Class::Critical, ..Demand::new(Key::default()) };
/// assert_eq!(demand.deadline, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Who asks: the key, and the flow and run whose budgets it uses.
    pub spender: Spender,
    /// What it may spend. Default nothing, which is never refused.
    pub cap: Cost,
    /// What is held beyond the cap, for the one request by which a program can overshoot it. Default nothing.
    pub margin: Cost,
    /// An estimate of its tokens, where tokens are limited. Default 0.
    pub tokens: u64,
    /// How much it matters. Default [`Class::Normal`].
    pub class: Class,
    /// When it is too late to start, on the clock of the admission. Default: never.
    pub deadline: Option<Moment>,
}

impl Demand {
    /// A demand of a key that asks for nothing special.
    pub fn new(key: Key) -> Self {
        Self { spender: Spender::new(key), ..Self::default() }
    }
}
