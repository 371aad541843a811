//! Where an attempt asks to be let in: once for each attempt, with everything that limits it, and holding nothing while it waits.

use std::time::Duration;

use tokio::time::Instant;

use super::{OrchestratorConfig, progress::Stage};
use crate::{
    Error, ErrorKind, Options, Result, Retry,
    auth::Secret,
    resilience::{
        Admission, Attempts as Tries, Class, Cost, Decision, Demand, Key, Moment, Permit, Refusal,
        RefusalReason, Retrier, RetryPolicy, Spender,
    },
};

/// Variables of the program that choose a provider other than Anthropic's own API, and the word limits count it by.
const PROVIDERS: [(&str, &str); 3] = [
    ("CLAUDE_CODE_USE_BEDROCK", "bedrock"),
    ("CLAUDE_CODE_USE_VERTEX", "vertex"),
    ("CLAUDE_CODE_USE_FOUNDRY", "foundry"),
];

/// Variables that hold the credential, in the order in which the program looks at them.
const CREDENTIALS: [&str; 3] = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"];

/// The variable by which the program is told how often to retry a call of the API itself.
const PROGRAM_RETRIES: &str = "CLAUDE_CODE_MAX_RETRIES";

/// What is held beyond the cap of an attempt, as a share of it: the program stops only after the request that passes the cap.
const MARGIN: f64 = 0.1;

/// Rounded down: a cap is rounded to the nearest, so that both together are never more than the limit they were made from.
fn margin(cap: Cost) -> Cost {
    Cost::from_nanos(cap.nanos() / 10)
}

/// Lets attempts in, and decides about further ones.
pub(super) struct Gate {
    admission: Admission,
    retrier: Retrier,
    retry: RetryPolicy,
    /// What one attempt may spend that says nothing else; `None`: money is not limited.
    cap_usd: Option<f64>,
    run_usd: Option<f64>,
}

/// Who asks.
pub(super) struct Asker {
    pub(super) spender: Spender,
    pub(super) class: Class,
    pub(super) deadline: Option<Instant>,
}

impl Gate {
    pub(super) fn new(config: &OrchestratorConfig) -> Result<Self> {
        let limits = config.budget.as_ref();
        let smallest = limits.and_then(|budget| {
            [budget.flow_usd, budget.key_hour_usd, budget.key_day_usd, budget.total_usd]
                .into_iter()
                .flatten()
                .reduce(f64::min)
        });
        let run = limits.and_then(|budget| budget.run_usd);
        Ok(Self {
            admission: Admission::new(config.admission())?,
            retrier: Retrier::new(config.retry.clone())?,
            retry: config.retry.clone(),
            // Together with its margin a run fits into its limit; and one may not use up what is meant for many.
            run_usd: run,
            cap_usd: run.map(|limit| limit / (1.0 + MARGIN)).or(smallest.map(|limit| limit / 10.0)),
        })
    }

    pub(super) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Whether money is limited.
    pub(super) fn limits_money(&self) -> bool {
        self.cap_usd.is_some()
    }

    /// The options of an attempt with what the limits say of them: what it may spend, and who retries calls of the API.
    pub(super) fn limited(&self, mut options: Options, retry: Option<&RetryPolicy>) -> Options {
        if options.max_budget_usd.is_none() {
            options.max_budget_usd = self.cap_usd;
        }
        let retries = retry.unwrap_or(&self.retry).program_retries;
        if retries != 10 {
            options.env.entry(PROGRAM_RETRIES.to_owned()).or_insert(retries.to_string());
        }
        options
    }

    /// The options of an attempt of a run that has cost so much already: what is left of its budget, with room for the margin.
    pub(super) fn left(&self, options: &Options, spent_usd: f64) -> Options {
        if spent_usd == 0.0 {
            return options.clone();
        }
        // Amounts were rounded to whole nano-dollars one by one.
        let rounding = 1e-8;
        let left = self.run_usd.map(|limit| (limit - spent_usd - rounding) / (1.0 + MARGIN));
        let left = left.filter(|left| *left > 0.0);
        let max_budget_usd = match (options.max_budget_usd, left) {
            (Some(cap), Some(left)) => Some(cap.min(left)),
            (cap, _) => cap,
        };
        Options { max_budget_usd, ..options.clone() }
    }

    /// The attempts of a task with one candidate begin.
    pub(super) fn begin(&self, asker: &Asker, retry: Option<&RetryPolicy>, idempotent: bool) -> Tries {
        let (key, deadline) = (&asker.spender.key, self.moment(asker.deadline));
        let tries = self.retrier.begin_with(retry.unwrap_or(&self.retry), key, deadline);
        if idempotent { tries.idempotent() } else { tries }
    }

    /// Waits until the attempt may start.
    pub(super) async fn admit(
        &self,
        asker: &Asker,
        options: &Options,
        mut tell: impl FnMut(Stage),
    ) -> Result<Permit, Refusal> {
        let demand = self.demand(asker, options);
        let (decision, why) = self.admission.try_admit_why(&demand);
        match decision {
            Decision::Admitted(permit) => return Ok(permit),
            Decision::Rejected(refusal) => return Err(refusal),
            Decision::WaitUntil(until) => {
                let now = self.admission.clock().now();
                tell(Stage::Waiting {
                    reason: why.map_or("turn", |why| waits_for(&why)).to_owned(),
                    retry_after_ms: until.map(|until| millis(until.since(now))),
                });
            }
        }
        self.admission.admit(demand).await
    }

    /// Lets the attempt in if it may start at once.
    pub(super) fn at_once(&self, asker: &Asker, options: &Options) -> Option<Permit> {
        match self.admission.try_admit(&self.demand(asker, options)) {
            Decision::Admitted(permit) => Some(permit),
            _ => None,
        }
    }

    fn demand(&self, asker: &Asker, options: &Options) -> Demand {
        let cap = if self.cap_usd.is_some() { options.max_budget_usd.map(Cost::from_usd) } else { None };
        let cap = cap.unwrap_or_default();
        Demand {
            spender: asker.spender.clone(),
            cap,
            // The program stops after the request that passes the cap.
            margin: margin(cap),
            class: asker.class,
            deadline: self.moment(asker.deadline),
            ..Demand::default()
        }
    }

    /// A time of the runtime's clock on that of the admission.
    fn moment(&self, when: Option<Instant>) -> Option<Moment> {
        let left = when?.saturating_duration_since(Instant::now());
        Some(self.admission.clock().now() + left)
    }
}

/// What an attempt waits for, from what it would be refused with if its time were up.
fn waits_for(why: &Refusal) -> &'static str {
    match (why.reason, why.scope) {
        (RefusalReason::RateLimited, _) => "rate",
        (RefusalReason::BudgetExceeded, _) => "budget",
        (RefusalReason::CircuitOpen, _) => "circuit",
        (_, "slots" | "key_slots") => "slot",
        (_, "starts") => "start",
        (_, "memory") => "memory",
        _ => "turn",
    }
}

/// By what an attempt is counted: who answers, whose credential, which model. Of the credential its fingerprint.
pub(super) fn key(options: &Options, provider: Option<&str>, credential: Option<&str>) -> Key {
    let variable = |name: &str| -> Option<String> {
        options.env.get(name).cloned().or_else(|| std::env::var(name).ok()).filter(|value| !value.is_empty())
    };
    let named = PROVIDERS.iter().find(|(name, _)| variable(name).is_some()).map(|(_, word)| *word);
    let provider = provider.or(named).unwrap_or("anthropic");
    let credential = credential.map(str::to_owned).or_else(|| {
        let secret = CREDENTIALS.iter().find_map(|name| variable(name))?;
        Some(Secret::from(secret.as_str()).fingerprint())
    });
    Key::new(provider, credential.unwrap_or_default(), options.model.clone().unwrap_or_default())
}

/// By which the limits of a flow know it. Calls are counted anew by each process, so no ledger may take one for another.
pub(super) fn local(flow: u64) -> String {
    format!("#{flow}")
}

/// A refusal as an error.
pub(super) fn refused(refusal: &Refusal) -> Error {
    let kind = match refusal.reason {
        RefusalReason::RateLimited => ErrorKind::RateLimited,
        RefusalReason::BudgetExceeded => ErrorKind::BudgetExceeded,
        RefusalReason::CircuitOpen => ErrorKind::CircuitOpen,
        _ => ErrorKind::Overloaded,
    };
    let mut error = Error::new(kind, refusal.to_string())
        .operation("admit")
        .with("reason", refusal.reason.code())
        .with("scope", refusal.scope);
    if let Some(wait) = refusal.retry_after {
        error = error.retry(Retry::After(wait));
    }
    error
}

/// Why an attempt was stopped in the middle.
pub(super) fn overspent(refusal: &Refusal, cost_usd: f64) -> Error {
    let message =
        format!("{refusal}: it had cost {cost_usd:.4} USD and was stopped; give it a larger budget");
    Error::new(ErrorKind::BudgetExceeded, message)
        .operation("query")
        .with("reason", refusal.reason.code())
        .with("scope", refusal.scope)
        .with("cost_usd", cost_usd)
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
