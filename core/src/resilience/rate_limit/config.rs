//! How often something may start: the settings, and what they mean in windows of time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    resilience::{clock::nanos, reading},
};

/// How often runs may start, for each key, each tenant and all together.
///
/// Without `burst` a limit is exact: in *any* minute at most `per_minute` runs start, in any hour at most `per_hour`. With `burst` it is
/// a token bucket: up to `burst` start at once, then one each 60 s / `per_minute`; in any span T at most
/// burst + rate x T start, so in the first minute up to `burst - 1` more than `per_minute`.
///
/// The defaults, 60 a minute and 1000 an hour, stay below the lowest documented tier of the API in requests and keep an
/// unattended program from running away.
///
/// ```
/// use madrigal::resilience::RateLimit;
/// let limit = RateLimit::from_json(r#"{"per_minute": 100, "per_hour": null, "global": {"per_minute": 500}}"#).unwrap();
/// assert_eq!((limit.per_minute, limit.per_hour), (Some(100), None));
/// let error = RateLimit::from_json(r#"{"per_minute": 0}"#).unwrap_err();
/// assert_eq!(error.to_string(), "rate_limit.per_minute: expected at least 1, or null for no limit");
/// let error = RateLimit::from_json(r#"{"global": {"per_minute": "x"}}"#).unwrap_err();
/// assert_eq!(error.context()["field"], "rate_limit.global.per_minute");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Starts in any minute, for each key. Default 60; `None`: no limit.
    pub per_minute: Option<u32>,
    /// Starts in any hour, for each key. Default 1000; `None`: no limit.
    pub per_hour: Option<u32>,
    /// Tokens in any minute, for each key; exact in both modes. Default: no limit.
    pub tokens_per_minute: Option<u64>,
    /// `None`: exact windows. Otherwise the size of the token bucket, which is also the most that start at once. Default `None`.
    pub burst: Option<u32>,
    /// The least time between two starts, in milliseconds. Default 0.
    pub min_gap_ms: u64,
    /// A limit for all keys of a tenant together. Default: none.
    pub tenant: Option<Quota>,
    /// A limit for all keys together. Default: none.
    pub global: Option<Quota>,
}

/// A limit without defaults: what is absent is not limited. The fields are those of [`RateLimit`].
///
/// ```
/// use madrigal::resilience::Quota;
/// assert_eq!(Quota::default().per_minute, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Starts in any minute.
    pub per_minute: Option<u32>,
    /// Starts in any hour.
    pub per_hour: Option<u32>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// `None`: exact windows. Otherwise the size of the token bucket.
    pub burst: Option<u32>,
    /// The least time between two starts, in milliseconds.
    pub min_gap_ms: u64,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            per_minute: Some(60),
            per_hour: Some(1_000),
            tokens_per_minute: None,
            burst: None,
            min_gap_ms: 0,
            tenant: None,
            global: None,
        }
    }
}

impl RateLimit {
    /// No limit at all, to start from.
    pub fn unlimited() -> Self {
        Self { per_minute: None, per_hour: None, ..Self::default() }
    }

    /// Reads it from JSON and checks it. Fails with `invalid_options`, naming the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let limit: Self = reading::read("rate_limit", text)?;
        limit.validate()?;
        Ok(limit)
    }

    /// Checks what types cannot. Fails with `invalid_options`, naming the field.
    pub fn validate(&self) -> Result<()> {
        self.quota().validate("rate_limit")?;
        self.tenant.map_or(Ok(()), |quota| quota.validate("rate_limit.tenant"))?;
        self.global.map_or(Ok(()), |quota| quota.validate("rate_limit.global"))
    }

    /// The part that holds for each key.
    pub fn quota(&self) -> Quota {
        let Self { per_minute, per_hour, tokens_per_minute, burst, min_gap_ms, .. } = *self;
        Quota { per_minute, per_hour, tokens_per_minute, burst, min_gap_ms }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY_MS: u64 = 86_400_000;

impl Quota {
    fn validate(&self, path: &str) -> Result<()> {
        let counts = [
            ("per_minute", self.per_minute.map(u64::from)),
            ("per_hour", self.per_hour.map(u64::from)),
            ("tokens_per_minute", self.tokens_per_minute),
            ("burst", self.burst.map(u64::from)),
        ];
        for (field, count) in counts {
            if count == Some(0) {
                return Err(reading::invalid(
                    &format!("{path}.{field}"),
                    "expected at least 1, or null for no limit",
                ));
            }
        }
        if self.min_gap_ms > DAY_MS {
            return Err(reading::invalid(&format!("{path}.min_gap_ms"), "expected at most a day, 86400000"));
        }
        if self.burst.is_some() && self.per_minute.is_none() && self.per_hour.is_none() {
            return Err(reading::invalid(&format!("{path}.burst"), "needs `per_minute` or `per_hour`"));
        }
        Ok(())
    }

    pub(super) fn windows(&self) -> Vec<Window> {
        let mut windows = Vec::new();
        let exact = self.burst.is_none();
        for (count, length) in [(self.per_minute, MINUTE), (self.per_hour, HOUR)] {
            windows.extend(count.map(|count| Window { count, length: nanos(length), exact, fixed: false }));
        }
        if self.min_gap_ms > 0 {
            let length = nanos(Duration::from_millis(self.min_gap_ms));
            windows.push(Window { count: 1, length, exact: true, fixed: true });
        }
        windows
    }

    /// The nanoseconds between two tokens of each bucket, rounded up: never faster than said.
    pub(super) fn intervals(&self) -> Vec<(u64, u32)> {
        let Some(burst) = self.burst else { return Vec::new() };
        [(self.per_minute, MINUTE), (self.per_hour, HOUR)]
            .into_iter()
            .filter_map(|(count, length)| {
                let count = count?;
                Some((nanos(length).div_ceil(u64::from(count)), burst.min(count)))
            })
            .collect()
    }
}

/// At most `count` starts in any span of `length`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) count: u32,
    pub(super) length: u64,
    /// Whether it holds always; a token bucket has windows only for while a server wants fewer starts.
    pub(super) exact: bool,
    /// Whether a server's wish for fewer starts leaves it as it is.
    pub(super) fixed: bool,
}
