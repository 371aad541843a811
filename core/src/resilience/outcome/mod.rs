//! What became of an attempt, said once for all policies. The program says "success" for failures of the API and retries on its
//! own, so nobody should read its frames for this a second time.

mod classify;
mod kind;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use kind::{BreakerEffect, FailureKind, Fallback, LimiterEffect, RetryClass, Scope};
pub use watch::{OutcomeWatch, READ_ONLY_TOOLS, Signal};

/// How work that failed may be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Replay {
    /// From the start: nothing was changed by it.
    Fresh,
    /// Only by resuming its session: a tool that may change something has run, and must not run twice.
    ResumeOnly,
}

/// A failure, with what policies need to know of it.
///
/// ```
/// use madrigal::resilience::{Failure, FailureKind, Replay};
/// let failure = Failure::new(FailureKind::Overloaded);
/// assert_eq!(failure.replay, Replay::Fresh);
/// let wire = serde_json::to_value(&failure).unwrap();
/// assert_eq!(wire["kind"], "overloaded");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How it failed.
    pub kind: FailureKind,
    /// How long the other side asked to wait, in whole milliseconds.
    #[serde(rename = "retry_after_ms", with = "millis", default)]
    pub retry_after: Option<Duration>,
    /// How it may be done again.
    pub replay: Replay,
    /// The HTTP status, when there was an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// For people, without secrets.
    #[serde(default)]
    pub message: String,
}

impl Failure {
    /// A failure of which no more is known than its kind.
    pub fn new(kind: FailureKind) -> Self {
        Self { kind, retry_after: None, replay: Replay::Fresh, status: None, message: String::new() }
    }

    /// The same, with a wait that the other side asked for.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, after a tool ran that may have changed something.
    #[must_use]
    pub fn resume_only(mut self) -> Self {
        self.replay = Replay::ResumeOnly;
        self
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::resilience::refusal::millis_up;

    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
        value.map(millis_up).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}
