//! The kinds of failure, and what each means to each policy: one table, read by all.

use serde::{Deserialize, Serialize};

/// How something failed. New kinds may be added, so match with a fallback.
///
/// ```
/// use madrigal::resilience::{BreakerEffect, FailureKind, RetryClass};
/// assert_eq!(FailureKind::Overloaded.breaker(), BreakerEffect::Failure);
/// assert_eq!(FailureKind::RateLimited.breaker(), BreakerEffect::Ignored);
/// assert_eq!(FailureKind::Auth.retry_class(), RetryClass::Never);
/// assert_eq!(serde_json::to_value(FailureKind::TlsCert).unwrap(), "tls_cert");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The API has no capacity (529).
    Overloaded,
    /// The API wants fewer requests (429), or a subscription is used up.
    RateLimited,
    /// The API failed (5xx).
    ServerError,
    /// No answer of the API: refused, reset, timed out (408).
    Network,
    /// The certificate of the other side was not accepted.
    TlsCert,
    /// Not logged in, or the credential was refused (401, 403).
    Auth,
    /// The account may not spend more.
    Billing,
    /// The request is wrong (400, 413), or the options are.
    InvalidRequest,
    /// There is no such model for this credential (404).
    ModelNotFound,
    /// The prompt is too long for the model.
    ContextOverflow,
    /// The answer was longer than the model may write.
    MaxOutputTokens,
    /// The model refused.
    Refusal,
    /// The run took as many turns as it may.
    MaxTurns,
    /// A budget is used up: that of the program, or one of ours.
    BudgetExceeded,
    /// No answer met the JSON Schema.
    StructuredInvalid,
    /// No usable `claude` program is installed.
    NotInstalled,
    /// The system refused to start the program.
    SpawnFailed,
    /// The program ended before it was ready.
    CrashedBeforeInit,
    /// The program was killed or failed in the middle of its work.
    CrashedMidRun,
    /// The program ended, in order, before its answer was complete.
    IncompleteResponse,
    /// Nothing was heard for too long.
    Stalled,
    /// The caller gave up.
    Cancelled,
    /// A time limit of the whole run is over.
    DeadlineExceeded,
    /// It was not started, because all is busy.
    Shed,
    /// It was not started, because a breaker is open.
    CircuitOpen,
    /// It was not started, because a policy of the host forbids it.
    Denied,
    /// A function of the host failed, or read too slowly.
    HostFailed,
    /// A failure this version cannot place.
    Unknown,
}

/// How far a failure reaches: what else would fail the same way now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// This run alone.
    Run,
    /// Runs with this model.
    Model,
    /// Runs with this credential.
    Credential,
    /// Runs with this provider.
    Provider,
    /// Runs on this machine.
    Local,
}

/// Whether and how trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryClass {
    /// It cannot.
    Never,
    /// After the long backoff, or when the server says.
    Throttle,
    /// After the middle backoff.
    Network,
    /// After the short backoff, at most twice: the failure is of this machine.
    Spawn,
    /// At most once, going on where it stopped.
    ResumeOnce,
    /// At most once more.
    Once,
}

/// What a circuit breaker makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BreakerEffect {
    /// It says nothing about the other side.
    Ignored,
    /// A failure of the other side.
    Failure,
    /// A failure of this machine: for the breaker of local processes.
    LocalFailure,
    /// The credential is of no use until it is changed.
    Quarantine,
}

/// What a rate limiter makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimiterEffect {
    /// Nothing.
    None,
    /// Start less often for a while.
    Slower,
    /// Start nothing until the stated time, and less often for a while.
    Gate,
}

/// Where else the same work could succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fallback {
    /// Nowhere.
    No,
    /// With any other model, credential or provider.
    Any,
    /// With another model.
    OtherModel,
    /// With another credential.
    OtherCredential,
    /// With another provider.
    OtherProvider,
    /// With a model that reads more.
    LargerContext,
}

impl FailureKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 28] = [
        Self::Overloaded,
        Self::RateLimited,
        Self::ServerError,
        Self::Network,
        Self::TlsCert,
        Self::Auth,
        Self::Billing,
        Self::InvalidRequest,
        Self::ModelNotFound,
        Self::ContextOverflow,
        Self::MaxOutputTokens,
        Self::Refusal,
        Self::MaxTurns,
        Self::BudgetExceeded,
        Self::StructuredInvalid,
        Self::NotInstalled,
        Self::SpawnFailed,
        Self::CrashedBeforeInit,
        Self::CrashedMidRun,
        Self::IncompleteResponse,
        Self::Stalled,
        Self::Cancelled,
        Self::DeadlineExceeded,
        Self::Shed,
        Self::CircuitOpen,
        Self::Denied,
        Self::HostFailed,
        Self::Unknown,
    ];

    /// The row of the table: scope, retry, breaker, limiter, fallback.
    const fn row(self) -> (Scope, RetryClass, BreakerEffect, LimiterEffect, Fallback) {
        use BreakerEffect::{Failure, Ignored, LocalFailure, Quarantine};
        use FailureKind as Kind;
        use LimiterEffect::{Gate, None, Slower};
        use RetryClass::{Network, Never, Once, ResumeOnce, Spawn, Throttle};
        use Scope::{Credential, Local, Model, Provider, Run};
        match self {
            Kind::Overloaded => (Model, Throttle, Failure, Slower, Fallback::Any),
            Kind::RateLimited => (Credential, Throttle, Ignored, Gate, Fallback::Any),
            Kind::ServerError => (Provider, Network, Failure, None, Fallback::Any),
            Kind::Network => (Provider, Network, Failure, None, Fallback::OtherProvider),
            Kind::TlsCert => (Provider, Never, Ignored, None, Fallback::No),
            Kind::Auth => (Credential, Never, Quarantine, None, Fallback::OtherCredential),
            Kind::Billing => (Credential, Never, Ignored, Gate, Fallback::OtherCredential),
            Kind::ModelNotFound => (Model, Never, Ignored, None, Fallback::OtherModel),
            Kind::ContextOverflow => (Run, Never, Ignored, None, Fallback::LargerContext),
            Kind::StructuredInvalid => (Run, Once, Ignored, None, Fallback::No),
            Kind::SpawnFailed | Kind::CrashedBeforeInit => (Local, Spawn, LocalFailure, None, Fallback::No),
            Kind::CrashedMidRun | Kind::IncompleteResponse => {
                (Local, ResumeOnce, LocalFailure, None, Fallback::No)
            }
            Kind::Stalled => (Provider, ResumeOnce, Failure, None, Fallback::Any),
            Kind::CircuitOpen => (Provider, Never, Ignored, None, Fallback::Any),
            Kind::NotInstalled | Kind::Shed => (Local, Never, Ignored, None, Fallback::No),
            Kind::InvalidRequest
            | Kind::MaxOutputTokens
            | Kind::Refusal
            | Kind::MaxTurns
            | Kind::BudgetExceeded
            | Kind::Cancelled
            | Kind::DeadlineExceeded
            | Kind::Denied
            | Kind::HostFailed
            | Kind::Unknown => (Run, Never, Ignored, None, Fallback::No),
        }
    }

    /// What else would fail the same way now.
    pub const fn scope(self) -> Scope {
        self.row().0
    }

    /// Whether and how trying again can help.
    pub const fn retry_class(self) -> RetryClass {
        self.row().1
    }

    /// What a circuit breaker makes of it.
    pub const fn breaker(self) -> BreakerEffect {
        self.row().2
    }

    /// What a rate limiter makes of it.
    pub const fn limiter(self) -> LimiterEffect {
        self.row().3
    }

    /// Where else the same work could succeed.
    pub const fn fallback(self) -> Fallback {
        self.row().4
    }

    /// Whether the program itself retries such failures inside a turn, as many times as `CLAUDE_CODE_MAX_RETRIES` says. Seen
    /// with 2.1.330 for 429, 500, 529, and lost connections.
    pub const fn retried_by_program(self) -> bool {
        matches!(self, Self::Overloaded | Self::RateLimited | Self::ServerError | Self::Network)
    }

    /// The stable word, the same in every language and in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Network => "network",
            Self::TlsCert => "tls_cert",
            Self::Auth => "auth",
            Self::Billing => "billing",
            Self::InvalidRequest => "invalid_request",
            Self::ModelNotFound => "model_not_found",
            Self::ContextOverflow => "context_overflow",
            Self::MaxOutputTokens => "max_output_tokens",
            Self::Refusal => "refusal",
            Self::MaxTurns => "max_turns",
            Self::BudgetExceeded => "budget_exceeded",
            Self::StructuredInvalid => "structured_invalid",
            Self::NotInstalled => "not_installed",
            Self::SpawnFailed => "spawn_failed",
            Self::CrashedBeforeInit => "crashed_before_init",
            Self::CrashedMidRun => "crashed_mid_run",
            Self::IncompleteResponse => "incomplete_response",
            Self::Stalled => "stalled",
            Self::Cancelled => "cancelled",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Shed => "shed",
            Self::CircuitOpen => "circuit_open",
            Self::Denied => "denied",
            Self::HostFailed => "host_failed",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_the_words_of_json() {
        let codes: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), FailureKind::ALL.len());
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
    }

    #[test]
    fn what_the_caller_did_is_never_retried_and_never_counted() {
        use FailureKind::{Cancelled, CircuitOpen, DeadlineExceeded, Denied, Shed};
        for kind in [Cancelled, DeadlineExceeded, Shed, CircuitOpen, Denied] {
            assert_eq!(
                (kind.retry_class(), kind.breaker()),
                (RetryClass::Never, BreakerEffect::Ignored),
                "{kind:?}"
            );
        }
    }
}
