//! A call of an orchestrator as a host describes it, and what it gives: data in, data out. Whatever a host decides on the way
//! (the next task, which answer is good) is a question like any other.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use madrigal::{
    Error, ErrorKind, Prompt, Result,
    hook::Hooks,
    orchestrate::{OnError, Orchestrator, Outcome, Quorum, Step, Task, Verdict},
    session::{Ask, AskKind, Host, Progress, Provided},
    tools::ServerSpec,
    transport::BoxFuture,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{asks::Asks, auth::Choice, open::ask_kind};

/// One call; see `docs/boundary.md`.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Flow {
    Run {
        task: Value,
    },
    Parallel {
        #[serde(default)]
        tasks: Option<Vec<Value>>,
        #[serde(default)]
        max_concurrent: Option<i64>,
        #[serde(default)]
        on_error: Failing,
        /// Each outcome as it comes, in place of all at the end.
        #[serde(default)]
        each: bool,
    },
    Pipeline {
        steps: Vec<Value>,
        #[serde(default = "yes")]
        use_context: bool,
        #[serde(default = "yes")]
        stop_on_error: bool,
    },
    Race {
        tasks: Vec<Value>,
        #[serde(default)]
        ask: bool,
        #[serde(default)]
        stagger_ms: Option<u64>,
    },
    Vote {
        tasks: Vec<Value>,
        #[serde(default)]
        quorum: Agreement,
        #[serde(default)]
        ask: bool,
    },
    MapReduce {
        tasks: Vec<Value>,
        #[serde(default = "eight")]
        fan_in: i64,
    },
    Until {
        task: Value,
        rounds: i64,
    },
}

fn yes() -> bool {
    true
}

fn eight() -> i64 {
    8
}

/// A number the call can work with. With a smaller one the call fails: what the core says of it in outcomes would reach nobody who gave no
/// tasks.
fn at_least(field: &'static str, given: i64, least: usize) -> Result<usize> {
    usize::try_from(given).ok().filter(|given| *given >= least).ok_or_else(|| {
        let message = format!("{field}: expected a whole number, {least} or more, not {given}");
        Error::new(ErrorKind::InvalidArgument, message).operation("orchestrate").with("field", field)
    })
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failing {
    #[default]
    Collect,
    FailFast,
    Tolerate(usize),
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Agreement {
    #[default]
    Majority,
    Unanimous,
    Plurality,
}

/// Who asks the host, in the name of one call.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) asks: Arc<Asks>,
    pub(crate) run: i64,
}

impl Caller {
    /// Asks the host to decide something.
    fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        kind: &'static str,
        mut request: Value,
    ) -> BoxFuture<'static, Result<T>> {
        request["run"] = self.run.into();
        let answer = self.asks.ask(kind, &request.to_string(), Progress::default());
        Box::pin(async move {
            serde_json::from_str(answer.await?.get()).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, format!("answer to {kind}: {error}"))
                    .operation("answer")
            })
        })
    }

    /// The task a host describes, with its callbacks.
    fn task(&self, mut value: Value) -> Result<Task> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Callbacks {
            asks: Vec<String>,
            hooks: Hooks,
            tool_servers: Vec<ServerSpec>,
            r#ref: Value,
            auth: Option<Choice>,
        }
        let mut callbacks = Callbacks::default();
        if let Some(fields) = value.as_object_mut().filter(|fields| fields.contains_key("prompt")) {
            let taken = ["asks", "hooks", "tool_servers", "ref", "auth"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), fields.remove(name)?)))
                .collect();
            callbacks = serde_json::from_value(Value::Object(taken)).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, format!("task: {error}")).operation("orchestrate")
            })?;
        }
        let kinds = callbacks.asks.iter().map(|name| ask_kind(name)).collect::<Result<Vec<_>>>()?;
        let provided = Provided { hooks: callbacks.hooks, tool_servers: callbacks.tool_servers };
        let host = Arc::new(TaskHost { asks: self.asks.clone(), kinds, reference: callbacks.r#ref });
        let task = Task::from_json(value)?.host(host, provided);
        Ok(match callbacks.auth {
            Some(auth) => task.auth(auth.source()?),
            None => task,
        })
    }

    fn tasks(&self, values: Vec<Value>) -> Result<Vec<Task>> {
        values.into_iter().map(|value| self.task(value)).collect()
    }
}

/// The host as one task sees it: its questions say whose they are.
struct TaskHost {
    asks: Arc<Asks>,
    kinds: Vec<AskKind>,
    reference: Value,
}

impl Host for TaskHost {
    fn asks(&self) -> &[AskKind] {
        &self.kinds
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let reference = (!self.reference.is_null()).then_some(&self.reference);
        let answer = self.asks.ask_of(reference, ask.kind.name(), ask.request.get(), ask.progress);
        Box::pin(async move { Ok(serde_json::from_str(answer.await?.get()).unwrap_or_default()) })
    }
}

impl Flow {
    /// Carries it out. `each` gets outcomes as they come, where the host wants them so.
    pub(crate) async fn perform(
        self,
        orchestrator: &Orchestrator,
        caller: Caller,
        mut each: impl FnMut(Value) + Send,
    ) -> Result<Value> {
        match self {
            Self::Run { task } => {
                Ok(json!({"outcome": orchestrator.run(caller.task(task)?).await.to_json()}))
            }
            Self::Parallel { tasks, max_concurrent, on_error, each: as_they_come } => {
                let limit = max_concurrent.map(|limit| at_least("max_concurrent", limit, 1)).transpose()?;
                let asked = Tasks { caller, given: tasks.map(Vec::into_iter), next: None, over: false };
                let mut call = orchestrator.parallel_stream(asked).on_error(match on_error {
                    Failing::Collect => OnError::Collect,
                    Failing::FailFast => OnError::FailFast,
                    Failing::Tolerate(most) => OnError::Tolerate(most),
                });
                if let Some(limit) = limit {
                    call = call.max_concurrent(limit);
                }
                if !as_they_come {
                    return Ok(json!({"outcomes": outcomes(&call.await)}));
                }
                let mut count = 0;
                call.for_each(|outcome| {
                    count += 1;
                    each(outcome.to_json());
                })
                .await;
                Ok(json!({"count": count}))
            }
            Self::Pipeline { steps, use_context, stop_on_error } => {
                let steps = steps.into_iter().enumerate().map(|(index, step)| step_of(&caller, index, step));
                let call = orchestrator.pipeline(steps).use_context(use_context).stop_on_error(stop_on_error);
                Ok(json!({"outcomes": outcomes(&call.await)}))
            }
            Self::Race { tasks, ask, stagger_ms } => {
                let mut call = orchestrator.race(caller.tasks(tasks)?);
                if let Some(after) = stagger_ms {
                    call = call.stagger(Duration::from_millis(after));
                }
                if ask {
                    call = call.accept(move |outcome| {
                        caller.ask::<bool>("accept", json!({"outcome": outcome.to_json()}))
                    });
                }
                let race = call.await;
                if let Some(error) = race.error {
                    return Err(error);
                }
                Ok(json!({"winner": race.winner, "outcomes": outcomes(&race.outcomes)}))
            }
            Self::Vote { tasks, quorum, ask } => {
                let mut call = orchestrator.vote(caller.tasks(tasks)?).quorum(match quorum {
                    Agreement::Majority => Quorum::Majority,
                    Agreement::Unanimous => Quorum::Unanimous,
                    Agreement::Plurality => Quorum::Plurality,
                });
                // As opposed to a vote that nothing won.
                let failed = Arc::new(AtomicBool::new(false));
                if ask {
                    let failed = failed.clone();
                    call = call.ballot(move |outcome| {
                        let said =
                            caller.ask::<Option<String>>("ballot", json!({"outcome": outcome.to_json()}));
                        let failed = failed.clone();
                        async move { said.await.inspect_err(|_| failed.store(true, Ordering::Relaxed)) }
                    });
                }
                let vote = call.await;
                if let Some(error) = vote.error.clone().filter(|_| failed.load(Ordering::Relaxed)) {
                    return Err(error);
                }
                Ok(json!({"ballot": vote.ballot, "winner": vote.winner, "agreement": vote.agreement,
                    "counts": vote.counts, "outcomes": outcomes(&vote.outcomes), "error": error(vote.error)}))
            }
            Self::MapReduce { tasks, fan_in } => {
                let fan_in = at_least("fan_in", fan_in, 2)?;
                let mapped = caller.tasks(tasks)?;
                let reduce = move |group: Vec<Outcome>| {
                    let caller = caller.clone();
                    async move {
                        let task =
                            caller.ask::<Value>("reduce", json!({"outcomes": outcomes(&group)})).await?;
                        caller.task(task)
                    }
                };
                let all = orchestrator.map_reduce(mapped, fan_in, reduce).await;
                Ok(
                    json!({"outcome": all.outcome.map(|outcome| outcome.to_json()), "mapped": outcomes(&all.mapped),
                    "reduced": outcomes(&all.reduced), "error": error(all.error)}),
                )
            }
            Self::Until { task, rounds } => {
                let rounds = at_least("rounds", rounds, 1)?;
                let task = caller.task(task)?;
                let mut round = 0;
                let judge = move |outcome: Outcome| {
                    round += 1;
                    let verdict = caller
                        .ask::<Judgement>("judge", json!({"outcome": outcome.to_json(), "round": round}));
                    async move {
                        Ok(match verdict.await? {
                            Judgement { done: true, .. } => Verdict::Done,
                            Judgement { prompt, .. } => Verdict::Again(Prompt::from_json(prompt)?),
                        })
                    }
                };
                let until = orchestrator.until(task, rounds, judge).await;
                Ok(
                    json!({"done": until.done, "outcomes": outcomes(&until.outcomes), "error": error(until.error)}),
                )
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    #[serde(default)]
    done: bool,
    #[serde(default)]
    prompt: Value,
}

fn outcomes(all: &[Outcome]) -> Vec<Value> {
    all.iter().map(Outcome::to_json).collect()
}

fn error(error: Option<Error>) -> Value {
    error.map_or(Value::Null, |error| error.to_json())
}

/// A step that is there, or one that the host makes when it is its turn: `{"ask": true}`.
fn step_of(caller: &Caller, index: usize, value: Value) -> Step {
    let caller = caller.clone();
    if value.get("ask") == Some(&Value::Bool(true)) {
        return Step::from_fn(move |before: Option<Outcome>| async move {
            let request = json!({"index": index, "before": before.map(|outcome| outcome.to_json())});
            caller.task(caller.ask("step", request).await?)
        });
    }
    match caller.task(value) {
        Ok(task) => task.into(),
        Err(error) => Step::from_fn(move |_| async move { Err(error) }),
    }
}

/// The tasks of a parallel call: those that were given, or what the host answers when there is a place for one more.
struct Tasks {
    caller: Caller,
    given: Option<std::vec::IntoIter<Value>>,
    next: Option<BoxFuture<'static, Result<Option<Value>>>>,
    over: bool,
}

impl Stream for Tasks {
    type Item = Result<Task>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(given) = &mut this.given {
            return Poll::Ready(given.next().map(|value| this.caller.task(value)));
        }
        if this.over {
            return Poll::Ready(None);
        }
        let caller = &this.caller;
        let next = this.next.get_or_insert_with(|| caller.ask("next_task", json!({})));
        let answer = std::task::ready!(next.as_mut().poll(context));
        this.next = None;
        Poll::Ready(match answer {
            Ok(None) => {
                this.over = true;
                None
            }
            Ok(Some(value)) => Some(this.caller.task(value)),
            // A source that fails once is not asked again: it might fail for ever.
            Err(error) => {
                this.over = true;
                Some(Err(error))
            }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.given.as_ref().map_or((0, None), Iterator::size_hint)
    }
}
