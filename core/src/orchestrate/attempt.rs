//! One start of a task's program, watched to its end.
//!
//! What is learned is written where it outlives the wait: when the time is up in the middle of an answer, the session, the
//! messages and the cost so far are still known.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::timeout};

use super::{
    item::until,
    outcome::{Run, failure},
    progress::Stage,
    spending::Spending,
};
use crate::{
    Error, ErrorKind, Message, MessageKind, Prompt, Result, SessionHandle,
    message::{Body, ContentBlock, SystemMessage, UsageMeter},
    pool::{Heard, Pool, Running},
    resilience::{Failure, FailureKind, OutcomeWatch, Replay, Signal},
    session::SessionBuilder,
};

/// What is known of the attempts of a task so far.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    pub(super) run: Run,
    pub(super) meter: UsageMeter,
    /// Whether a tool that may change something was started, in whatever attempt.
    pub(super) changed: bool,
    /// What is under way of the program.
    pub(super) program: Program,
}

/// A program from the moment somebody begins to start it. A start is not broken off: nobody would know when what it started is gone.
#[derive(Debug, Default)]
pub(super) enum Program {
    /// There is none, or it is not ours to stop.
    #[default]
    None,
    Starting(JoinHandle<Result<Running>>),
    Running(SessionHandle),
}

/// How long a start that nobody wants any more may take. Only one that hangs comes near it; what it starts then has no place.
const START_LIMIT: Duration = Duration::from_secs(5);

impl Program {
    /// Ends it and waits until it is gone. Until then it stays here: whoever drops the wait can wait again.
    pub(super) async fn stop(&mut self) {
        if let Self::Starting(start) = self {
            let started = match timeout(START_LIMIT, &mut *start).await {
                Ok(Ok(Ok(running))) => Self::Running(running.session.handle()),
                Ok(_) => Self::None,
                Err(_) => {
                    start.abort();
                    Self::None
                }
            };
            *self = started;
        }
        if let Self::Running(handle) = self {
            handle.stop();
            handle.gone().await;
        }
        *self = Self::None;
    }

    /// Whether there may be one.
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    fn pid(&self) -> Option<u32> {
        match self {
            Self::Running(handle) => handle.pid(),
            _ => None,
        }
    }

    /// Waits for its start to end.
    async fn started(
        &mut self,
        start: impl Future<Output = Result<Running>> + Send + 'static,
    ) -> Result<Running> {
        *self = Self::Starting(tokio::spawn(start));
        let Self::Starting(start) = self else { unreachable!() };
        // In words of our own: what a panic says is printed by the host's own hook and goes nowhere else.
        let started = start.await.unwrap_or_else(|lost| {
            let text = if lost.is_panic() {
                "a function of the host panicked while the program was started"
            } else {
                "starting the program came to no end"
            };
            Err(Error::new(ErrorKind::Internal, text))
        });
        *self = started.as_ref().map_or(Self::None, |running| Self::Running(running.session.handle()));
        started
    }
}

/// Whether the API refused the credential also after the program had another look at it: a login of its own is renewed behind the first 401. The
/// program would go on for as long as for a failure that may pass.
fn refused_again(message: &Message) -> Option<Error> {
    let Ok(Body::System(SystemMessage::ApiRetry(retry))) = message.body() else { return None };
    let status = retry.error_status.filter(|status| matches!(status, 401 | 403) && retry.attempt > 1)?;
    let text = format!(
        "the API refused the credential ({status}), also when it was asked again: log in anew, or give another key"
    );
    Some(Error::new(ErrorKind::Auth, text).operation("query").with("api_error_status", status))
}

/// A program that stood ready was of no use, and why.
struct Useless(String);

/// Who is told of what happens in an attempt.
pub(super) trait Watch: Send {
    fn stage(&mut self, stage: Stage);
    /// What a frame says to policies.
    fn signal(&mut self, signal: &Signal);
    /// Whether text is wanted.
    fn wants_text(&self) -> bool;
    /// Whether what it costs is wanted before it is over.
    fn wants_cost(&self) -> bool;
    /// All attempts together cost so many US dollars by now. An error: that is too much.
    fn spent(&mut self, cost_usd: f64) -> Result<()>;
}

impl Attempts {
    /// Starts the program, or takes one that stands ready, and reads all it says. Where there is no answer: why, for people and for
    /// policies.
    pub(super) async fn attempt(
        &mut self,
        builder: impl Fn() -> SessionBuilder,
        pool: Option<&Arc<Pool>>,
        prompt: Prompt,
        watch: &mut impl Watch,
    ) -> Result<(), (Error, Failure)> {
        let mut outcome = OutcomeWatch::new();
        let ended = self.read(builder, pool, prompt, &mut outcome, watch).await;
        self.changed |= outcome.replay() == Replay::ResumeOnly;
        ended.map_err(|error| {
            let failure = outcome.outcome(Some(&error), None).err();
            (error, failure.unwrap_or_else(|| Failure::new(FailureKind::Unknown)))
        })
    }

    async fn read(
        &mut self,
        builder: impl Fn() -> SessionBuilder,
        pool: Option<&Arc<Pool>>,
        prompt: Prompt,
        outcome: &mut OutcomeWatch,
        watch: &mut impl Watch,
    ) -> Result<()> {
        self.run.attempts += 1;
        let mut fresh = false;
        let mut spending = Spending::default();
        let failed = loop {
            self.run.messages.clear();
            let (pool_of_start, builder, prompt) = (pool.cloned(), builder(), prompt.clone());
            let start = async move {
                match pool_of_start {
                    Some(pool) => pool.begin(builder, prompt, fresh).await,
                    None => Ok(Running::alone(builder.query(prompt).await?.into_session())),
                }
            };
            let running = self.program.started(start).await?;
            self.run.start = Some(running.start);
            watch.stage(Stage::Started { attempt: self.run.attempts, start: running.start });
            match self.listen(running, outcome, watch, &mut spending).await {
                Ok(failed) => break failed,
                // What stood ready was of no use, and nothing came of it: the same attempt, with a program of its own.
                Err(Useless(reason)) => {
                    if let Some(pool) = pool {
                        pool.useless(self.program.pid(), &reason);
                    }
                    self.program.stop().await;
                    fresh = true;
                }
            }
        };
        match (self.run.result(), spending.into_refusal(), failed) {
            (Some(result), None, _) if result.is_error() => Err(failure(result, &self.run)),
            (Some(result), _, _) if !result.is_error() => Ok(()),
            (_, Some(over), _) => Err(over),
            (_, None, Some(error)) => Err(error),
            (_, None, None) => Err(Error::new(
                ErrorKind::ProcessExited,
                "the program ended without a result: look at its stderr, or run it by hand",
            )
            .operation("query")),
        }
    }

    /// Reads to the end, or to the answer when the program serves another run behind it. Gives the last error that came.
    async fn listen(
        &mut self,
        mut running: Running,
        outcome: &mut OutcomeWatch,
        watch: &mut impl Watch,
        spending: &mut Spending,
    ) -> Result<Option<Error>, Useless> {
        let handle = running.session.handle();
        let mut failed = None;
        let mut partial = false;
        loop {
            let last_word = spending.last_word();
            let heard = tokio::select! {
                heard = running.next() => heard,
                total = spending.total() => {
                    if let Some(total) = total {
                        self.meter.total(total);
                        if let Err(error) = watch.spent(self.meter.cost_usd()) {
                            spending.stop(&handle, error);
                        }
                    }
                    continue;
                }
                () = until(last_word) => return Ok(failed),
            };
            let (message, last) = match heard {
                Heard::Message(message) => (message, false),
                Heard::Last(message) => (message, true),
                // A callback that failed was told to the model, which goes on.
                Heard::Error(error) if error.kind() == ErrorKind::Callback => continue,
                Heard::Error(error) => {
                    failed = Some(error);
                    continue;
                }
                Heard::Useless(reason) => return Err(Useless(reason)),
                Heard::End => return Ok(failed),
            };
            self.meter.add(&message);
            if watch.wants_cost() {
                match message.kind() {
                    // Nothing more may come, so it is no time to stop it: what follows is looked at again.
                    MessageKind::Result => drop(watch.spent(self.meter.cost_usd())),
                    kind => spending.ask(&handle, kind, self.meter.message_count()),
                }
            }
            if let Some(signal) = outcome.observe(&message) {
                watch.signal(&signal);
            }
            if let Some(error) = refused_again(&message) {
                self.note(&message, partial, watch);
                self.run.messages.push(message);
                return Ok(Some(error));
            }
            partial |= self.note(&message, partial, watch);
            if message.kind() != MessageKind::StreamEvent {
                self.run.messages.push(message);
            }
            if last {
                // One that was interrupted is not given to another: the interrupt may come late.
                if spending.last_word().is_none() {
                    // It is not ours to stop any more.
                    self.program = Program::None;
                    running.hand_back();
                }
                return Ok(failed);
            }
        }
    }

    /// Takes note of what a message tells. Returns whether it was a piece of text.
    fn note(&mut self, message: &Message, partial: bool, watch: &mut impl Watch) -> bool {
        match message.kind() {
            MessageKind::StreamEvent => {
                let text = message.text();
                if text.is_empty() {
                    return false;
                }
                if watch.wants_text() {
                    watch.stage(Stage::Delta { text: text.into_owned() });
                }
                return true;
            }
            MessageKind::Assistant => {
                if let Ok(Body::Assistant(said)) = message.body() {
                    for block in said.message.content.blocks() {
                        if let ContentBlock::ToolUse(tool) = block {
                            watch.stage(Stage::Tool { tool: tool.name.clone(), id: tool.id.clone() });
                        }
                    }
                }
                // Where the pieces do not come, the whole text is the piece.
                let text = message.text();
                if !partial && !text.is_empty() && watch.wants_text() {
                    watch.stage(Stage::Delta { text: text.into_owned() });
                }
            }
            MessageKind::System => match message.body() {
                Ok(Body::System(SystemMessage::Init(init))) => {
                    self.run.session_id = Some(init.session_id.clone());
                    self.run.model = Some(init.model.clone());
                }
                Ok(Body::System(SystemMessage::ApiRetry(retry))) => watch.stage(Stage::ApiRetry {
                    attempt: retry.attempt.into(),
                    after_ms: retry.retry_delay_ms.max(0.0) as u64,
                    status: retry.error_status.map(u64::from),
                }),
                Ok(Body::System(SystemMessage::ModelFallback(other))) => {
                    self.run.model = Some(other.fallback_model.clone());
                }
                _ => {}
            },
            MessageKind::Result => {
                if let Ok(Body::Result(result)) = message.body()
                    && !result.session_id.is_empty()
                {
                    self.run.session_id = Some(result.session_id.clone());
                }
            }
            _ => {}
        }
        false
    }
}
