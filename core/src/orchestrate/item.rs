//! One task from being taken up to its outcome: wait to be let in, run, and where that fails decide whether to try again.
//!
//! Everything it holds while it waits is its place in the queue. Whatever ends it (its answer, its time, its siblings), the
//! program is gone before there is an outcome.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    Candidate, Outcome, Task,
    attempt::{Attempts, Program, Watch},
    flow::Flow,
    gate::{self, Asker},
    hedged::Ended,
    layer,
    orchestrator::Shared,
    outcome::Run,
    prefix::First,
    progress::{Stage, Watchers},
};
use crate::{
    Error, ErrorKind, Options, Prompt, Result, Retry, Session,
    auth::{AuthSource, Given},
    resilience::{
        Cost, Failure, FailureKind, Fallback, Permit, RefusalReason, RetryDecision, Signal, Spender,
    },
    session::{CONTINUE, resuming},
};

/// A task at its place in a call.
pub(super) struct Item {
    pub(super) flow: Flow,
    index: usize,
    pub(super) task: Task,
    name: Option<Arc<str>>,
    /// Whether it asks to be let in for the first time.
    asking: AtomicBool,
}

/// How much longer than its time a task may ask to be let in: the clock of the gate may be behind by the grain of a timer.
const ASKING: Duration = Duration::from_millis(100);

/// What a task has while it is worked on: its attempts one after the other, or those that ran beside them.
pub(super) struct Work {
    pub(super) attempts: Attempts,
    place: Option<Permit>,
    /// What the attempts before the last one cost, in US dollars.
    before: f64,
    /// How many messages of the model were counted before the last one.
    said: usize,
    /// Whoever watches is told the end when nothing is left, and a place is something: behind it stands the ledger.
    watchers: Arc<Watchers>,
}

impl Work {
    fn new(watchers: &Arc<Watchers>) -> Self {
        Self {
            attempts: Attempts::default(),
            place: None,
            before: 0.0,
            said: 0,
            watchers: Arc::clone(watchers),
        }
    }
}

/// What an attempt begins with.
pub(super) struct Begin {
    pub(super) permit: Permit,
    pub(super) options: Options,
    pub(super) prompt: Prompt,
    /// What the session had cost before, in US dollars.
    pub(super) total: f64,
    /// Of the one its siblings wait for, until the model answers it.
    pub(super) first: Option<First>,
}

impl Drop for Work {
    /// The call was dropped in the middle: its program is told to end, and has its place until it is gone.
    fn drop(&mut self) {
        let mut program = std::mem::take(&mut self.attempts.program);
        let (true, Some(place)) = (program.is_some(), self.place.take()) else { return };
        if let Program::Running(handle) = &program {
            handle.stop();
        }
        // Without a runtime nobody waits for anything any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let watchers = self.watchers.clone();
            runtime.spawn(async move {
                program.stop().await;
                drop(place);
                drop(watchers);
            });
        }
    }
}

/// How the work on a task ended.
enum Ending {
    Answered,
    Failed(Error),
    Rejected(Error),
    TimedOut,
    GivenUp(Error),
}

impl Item {
    pub(super) fn new(flow: Flow, index: usize, task: Task) -> Self {
        let name = task.name.as_deref().map(Arc::from);
        Self { flow, index, task, name, asking: AtomicBool::new(false) }
    }

    pub(super) async fn run(self) -> Outcome {
        let started = Instant::now();
        let limit = self.task.timeout.unwrap_or(self.flow.shared.config.timeout());
        // A time beyond what the clock can show never comes.
        let deadline = started.checked_add(limit);
        self.tell(Stage::Queued);
        let untold = Untold { item: &self, started, over: false };
        // Outlives the wait, so that nobody gets the place of a program that is not gone yet.
        let mut work = Work::new(&self.flow.shared.watchers);
        let mut beside = Work::new(&self.flow.shared.watchers);
        let ending = tokio::select! {
            biased;
            why = self.flow.given_up() => Ending::GivenUp(why),
            ending = self.perform((&mut work, &mut beside), deadline) => ending,
            () = self.time_is_up(deadline) => Ending::TimedOut,
        };
        tokio::join!(work.attempts.program.stop(), beside.attempts.program.stop());
        let mut attempts = std::mem::take(&mut work.attempts);
        attempts.meter.absorb(&beside.attempts.meter);
        attempts.run.attempts = attempts.run.attempts.max(beside.attempts.run.attempts);
        drop((work, beside));
        self.flow.shared.gate.admission().forget(&Spender::default().run(self.run_name()));
        self.tell_marks();
        let outcome = self.outcome(attempts, ending, started.elapsed(), limit);
        untold.over();
        self.flow.finished(self.name.as_ref(), &outcome);
        outcome
    }

    /// Who is not let in in time is refused by the gate, which knows what was missing and when to come back.
    async fn time_is_up(&self, deadline: Option<Instant>) {
        until(deadline).await;
        if self.asking.load(Ordering::Relaxed) {
            tokio::time::sleep(ASKING).await;
        }
    }

    fn outcome(&self, attempts: Attempts, ending: Ending, duration: Duration, limit: Duration) -> Outcome {
        let run = Run {
            index: self.index,
            name: self.task.name.clone(),
            cost_usd: attempts.meter.cost_usd(),
            usage: attempts.meter.usage(),
            duration,
            ..attempts.run
        };
        match ending {
            Ending::Answered => Outcome::Succeeded(run),
            Ending::Failed(error) => Outcome::Failed(run, error),
            Ending::Rejected(error) => Outcome::Rejected(run, error),
            Ending::GivenUp(why) => Outcome::Cancelled(run, why),
            Ending::TimedOut => {
                let what = if run.attempts == 0 { "it was never let in" } else { "it was not done" };
                let error = Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "no answer within {}: {what}; give it a longer `timeout`",
                        humantime::format_duration(limit)
                    ),
                )
                .operation("query")
                .with("limit_ms", u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
                Outcome::TimedOut(run, error)
            }
        }
    }
}

/// A task whose call is dropped has an outcome, too, for those who listen and count: what is taken up is always done.
struct Untold<'a> {
    item: &'a Item,
    started: Instant,
    over: bool,
}

impl Untold<'_> {
    fn over(mut self) {
        self.over = true;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if !self.over {
            let why = Error::new(ErrorKind::Cancelled, "the call was given up").operation("orchestrate");
            let ending = Ending::GivenUp(why);
            let outcome =
                self.item.outcome(Attempts::default(), ending, self.started.elapsed(), Duration::ZERO);
            self.item.flow.finished(self.item.name.as_ref(), &outcome);
        }
    }
}

impl Item {
    pub(super) fn tell(&self, stage: Stage) {
        self.flow.tell(self.index, self.name.as_ref(), stage);
    }

    /// Tells of the marks that budgets reached, whoever's money it was.
    fn tell_marks(&self) {
        let gate = &self.flow.shared.gate;
        if gate.limits_money() {
            for event in gate.admission().take_budget_events() {
                self.tell(Stage::from(event));
            }
        }
    }

    /// By which the limits of a run know it.
    fn run_name(&self) -> String {
        format!("{}.{}", gate::local(self.flow.id), self.index)
    }

    /// Starts the task as often as it takes and may.
    async fn perform(&self, (work, beside): (&mut Work, &mut Work), deadline: Option<Instant>) -> Ending {
        let Shared { config, gate, .. } = &*self.flow.shared;
        let base = match &self.task.options {
            None => config.options.clone(),
            Some(own) => match layer::over(&config.options, own) {
                Ok(options) => options,
                Err(error) => return Ending::Failed(error),
            },
        };
        let mut resumes: Option<String> = None;
        let mut last = None;
        for candidate in std::iter::once(None).chain(config.fallbacks.iter().map(Some)) {
            let options = candidate.map_or_else(|| base.clone(), |candidate| candidate.over(&base));
            let mut options = gate.limited(options, self.task.retry.as_ref());
            let given = match self.given(candidate, &mut options).await {
                Ok(given) => given,
                Err(error) => {
                    last = Some((error, FailureKind::Auth));
                    continue;
                }
            };
            if let Some((error, _)) = &last {
                work.attempts.run.fallback += 1;
                let error: &Error = error;
                self.tell(Stage::Fallback { model: options.model.clone(), error: error.to_json() });
            }
            let asker = self.asker(&options, candidate, given.as_ref(), deadline);
            match self.tries((&mut *work, &mut *beside), &options, &asker, &mut resumes).await {
                Ok(()) => return Ending::Answered,
                Err((ending, failure)) => {
                    if let Some(given) = given.filter(|_| failure == FailureKind::Auth) {
                        given.refused();
                    }
                    let elsewhere = failure.fallback() != Fallback::No;
                    let again = self.again(&work.attempts);
                    match (ending, again) {
                        (Ending::Failed(error) | Ending::Rejected(error), Some(again)) if elsewhere => {
                            resumes = again;
                            last = Some((error, failure));
                        }
                        (ending, _) => return ending,
                    }
                }
            }
        }
        match last {
            Some((error, kind)) if work.attempts.run.attempts == 0 || kind == FailureKind::CircuitOpen => {
                Ending::Rejected(error)
            }
            Some((error, _)) => Ending::Failed(error),
            None => Ending::GivenUp(Error::new(ErrorKind::Cancelled, "it was never tried")),
        }
    }

    /// Puts the credential into the options of a candidate: before the limits are asked, which count by it, and before the pool, which
    /// looks for a program that was started with it.
    async fn given(&self, candidate: Option<&Candidate>, options: &mut Options) -> Result<Option<Given>> {
        let candidate = candidate.and_then(|candidate| candidate.auth.as_ref()).map(AuthSource::from);
        candidate.as_ref().unwrap_or_else(|| self.auth()).give(options).await
    }

    fn auth(&self) -> &AuthSource {
        self.task.auth.as_ref().unwrap_or(&self.flow.shared.config.auth)
    }

    fn asker(
        &self,
        options: &Options,
        candidate: Option<&Candidate>,
        given: Option<&Given>,
        deadline: Option<Instant>,
    ) -> Asker {
        let provider = candidate.and_then(|candidate| candidate.provider.as_deref());
        let named = candidate.and_then(|candidate| candidate.credential.clone());
        let credential = named.or_else(|| given.map(Given::fingerprint));
        let credential = credential.as_deref();
        let spender = Spender::new(gate::key(options, provider, credential))
            .flow(gate::local(self.flow.id))
            .run(self.run_name());
        Asker { spender, class: self.task.class, deadline }
    }

    /// The attempts with one candidate. Where none is answered: how that ends the task, and the kind of failure.
    async fn tries(
        &self,
        (work, beside): (&mut Work, &mut Work),
        options: &Options,
        asker: &Asker,
        resumes: &mut Option<String>,
    ) -> Result<(), (Ending, FailureKind)> {
        let Shared { gate, totals, .. } = &*self.flow.shared;
        let mut tries = gate.begin(asker, self.task.retry.as_ref(), self.task.idempotent);
        loop {
            let first = self.flow.prefixes.enter(options, || self.tell(waits_for_its_sibling())).await;
            let spent = work.attempts.meter.cost_usd() + beside.attempts.meter.cost_usd();
            let options = &gate.left(options, spent);
            self.asking.store(work.attempts.run.attempts == 0, Ordering::Relaxed);
            let permit = gate.admit(asker, options, |stage| self.tell(stage)).await;
            self.asking.store(false, Ordering::Relaxed);
            let permit = permit.map_err(|refusal| {
                let kind = match refusal.reason {
                    RefusalReason::CircuitOpen => FailureKind::CircuitOpen,
                    RefusalReason::RateLimited => FailureKind::RateLimited,
                    RefusalReason::BudgetExceeded => FailureKind::BudgetExceeded,
                    _ => FailureKind::Shed,
                };
                (Ending::Rejected(gate::refused(&refusal)), kind)
            })?;
            let who = asker.spender.key.parts();
            let credential = Some(who.credential.clone()).filter(|credential| !credential.is_empty());
            for run in [&mut work.attempts.run, &mut beside.attempts.run] {
                run.credential.clone_from(&credential);
            }
            self.tell(Stage::Admitted { provider: who.provider.clone(), credential });
            let (options, prompt) = match resumes.as_deref() {
                None => (options.clone(), self.task.prompt.clone()),
                Some(session) => (resuming(options, session), Prompt::from(CONTINUE)),
            };
            let total = totals.before(options.resume.as_deref());
            let late = self.hedge_after(asker, &options, beside);
            let begin = Begin { permit, options, prompt, total, first };
            let ended = match late {
                None => self.attempt(begin, work, &Notify::new()).await,
                Some(late) => self.hedged(begin, late, asker, (&mut *work, &mut *beside)).await,
            };
            let (error, failure) = match ended {
                Ok(()) => {
                    self.settle(work, &Ok(())).await;
                    return Ok(());
                }
                Err((error, failure)) => (error, failure),
            };
            self.settle(work, &Err(failure.clone())).await;
            let (after, again) = match (tries.failed(&failure), self.again(&work.attempts)) {
                (RetryDecision::Again { after, .. }, Some(again)) => (after, again),
                (RetryDecision::GiveUp { retry_after: Some(wait), .. }, _) => {
                    return Err((Ending::Failed(error.retry(Retry::After(wait))), failure.kind));
                }
                _ => return Err((Ending::Failed(error), failure.kind)),
            };
            *resumes = again;
            self.tell(Stage::Retry {
                attempt: work.attempts.run.attempts + 1,
                after_ms: gate::millis(after),
                resume: resumes.is_some(),
                error: error.retry(Retry::After(after)).to_json(),
            });
            until(Instant::now().checked_add(after)).await;
        }
    }

    /// Starts a program for it and listens to the end. `heard` is told when the model begins to answer.
    pub(super) async fn attempt(&self, begin: Begin, work: &mut Work, heard: &Notify) -> Ended {
        let Begin { permit, options, prompt, total, first } = begin;
        let Work { attempts, place, before, said, .. } = work;
        let permit = place.insert(permit);
        permit.started();
        attempts.meter.begins(total);
        *before = attempts.meter.cost_usd();
        *said = attempts.meter.message_count();
        let builder = || {
            // The credential is in the options.
            let builder = Session::builder(options.clone()).auth(AuthSource::Off);
            match &self.task.configure {
                Some(configure) => configure(builder),
                None => builder,
            }
        };
        let mut told =
            Told { item: self, permit, before: *before, first, since: Some(Instant::now()), heard };
        attempts.attempt(builder, self.flow.shared.pool.as_ref(), prompt, &mut told).await
    }

    /// An attempt is over: its program is stopped, for whatever is left of it must not run beside the next, its cost is counted and its place
    /// given back.
    pub(super) async fn settle(&self, work: &mut Work, outcome: &Result<(), Failure>) {
        let Work { attempts, place, before, said, .. } = work;
        attempts.program.stop().await;
        self.flow.shared.totals.note(&attempts.run);
        let spent = attempts.run.result().map(|_| Cost::from_usd(attempts.meter.cost_usd() - *before));
        let never_ran = outcome.as_ref().is_err_and(|failure| match failure.kind {
            FailureKind::NotInstalled | FailureKind::SpawnFailed => true,
            // A refused call costs nothing, and there was no other.
            FailureKind::Auth => attempts.meter.message_count() == *said,
            _ => false,
        });
        if let Some(permit) = place.take() {
            permit.settle(outcome, spent.or(never_ran.then_some(Cost::ZERO)));
        }
        self.tell_marks();
    }

    /// How it can be started again: `Some(None)` afresh, `Some(Some(session))` by resuming, `None` not at all.
    #[expect(clippy::option_option, reason = "three answers to one question, used next to it")]
    fn again(&self, attempts: &Attempts) -> Option<Option<String>> {
        if !attempts.changed || self.task.idempotent {
            return Some(None);
        }
        attempts.run.session_id.clone().map(Some)
    }
}

/// Tells the watchers and the limits of one task what happens in an attempt.
struct Told<'a> {
    item: &'a Item,
    permit: &'a mut Permit,
    /// What the attempts before this one cost, in US dollars.
    before: f64,
    /// Of the one its siblings wait for, until the model answers it.
    first: Option<First>,
    /// Since when the model is waited for, until it answers.
    since: Option<Instant>,
    heard: &'a Notify,
}

impl Watch for Told<'_> {
    fn stage(&mut self, stage: Stage) {
        self.item.tell(stage);
    }

    fn signal(&mut self, signal: &Signal) {
        self.permit.signal(signal);
        if *signal != Signal::Answered {
            return;
        }
        self.heard.notify_one();
        if let (Some(since), Some(hedges)) = (self.since.take(), &self.item.flow.shared.hedges)
            && let Some(key) = self.permit.key()
        {
            hedges.heard(key, since.elapsed());
        }
        if let Some(first) = self.first.take() {
            first.answered();
        }
    }

    fn wants_text(&self) -> bool {
        self.item.flow.shared.watchers.any()
    }

    fn wants_cost(&self) -> bool {
        self.item.flow.shared.gate.limits_money()
    }

    fn spent(&mut self, cost_usd: f64) -> Result<()> {
        let now = cost_usd - self.before;
        self.permit.observe_cost(Cost::from_usd(now)).map_err(|refusal| gate::overspent(&refusal, now))
    }
}

fn waits_for_its_sibling() -> Stage {
    Stage::Waiting { reason: "prefix".to_owned(), retry_after_ms: None }
}

/// Ends at that time, or never.
pub(super) async fn until(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}
