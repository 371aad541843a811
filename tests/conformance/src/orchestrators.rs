//! The steps of an orchestrator: calls through the public interface, with what a host decides on the way as data.

use std::{collections::VecDeque, future::Future, time::Duration};

use madrigal::{
    Error, ErrorKind, Prompt, Result,
    auth::AuthManager,
    orchestrate::{OnError, Orchestrator, Outcome, Quorum, Step, Task, Verdict},
    testing::matches,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Outcome as Checked, authority::Managers};

/// How long progress may take to come.
const LATE: Duration = Duration::from_secs(10);

/// An orchestrator and its progress so far.
pub(crate) struct Conductor {
    orchestrator: Orchestrator,
    managers: Managers,
    progress: madrigal::orchestrate::ProgressStream,
    seen: Vec<Value>,
}

impl Conductor {
    /// Opens one. `auth` gives the credential where nobody is named, `managers` where somebody is.
    pub(crate) fn new(config: &Value, auth: Option<&AuthManager>, managers: Managers) -> Result<Self> {
        let orchestrator = Orchestrator::new(managers.config(config, auth)?)?;
        Ok(Self { progress: orchestrator.subscribe(), orchestrator, managers, seen: Vec::new() })
    }

    /// Makes a call; `None` when it was given up.
    pub(crate) async fn flow(&mut self, flow: &Value, cancel_when: Option<&Value>) -> Result<Option<Value>> {
        let call = async { perform(&self.orchestrator, &self.managers, flow).await.and_then(refused) };
        let Some(pattern) = cancel_when else { return call.await.map(Some) };
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                progress = self.progress.next() => {
                    let progress = json!(progress);
                    let wanted = matches(pattern, &progress);
                    self.seen.push(progress);
                    if wanted {
                        return Ok(None);
                    }
                }
                done = &mut call => return done.map(Some),
            }
        }
    }

    pub(crate) fn stats(&self) -> Value {
        json!(self.orchestrator.stats())
    }

    pub(crate) fn reset_stats(&self) {
        self.orchestrator.reset_stats();
    }

    /// Waits until these stages were seen in this order.
    pub(crate) async fn stages(&mut self, patterns: &[Value]) -> Checked {
        let mut at = 0;
        for (number, pattern) in patterns.iter().enumerate() {
            loop {
                if at == self.seen.len() {
                    let Ok(Some(progress)) = timeout(LATE, self.progress.next()).await else {
                        return Err(format!(
                            "stages[{number}] was not among the progress behind the one before: {:#}",
                            json!(self.seen)
                        ));
                    };
                    self.seen.push(json!(progress));
                }
                at += 1;
                if matches(pattern, &self.seen[at - 1]) {
                    break;
                }
            }
        }
        match self.seen.iter().enumerate().find(|(number, progress)| progress["sequence"] != *number) {
            Some((number, progress)) => {
                Err(format!("progress {number} has the number {}", progress["sequence"]))
            }
            None => Ok(()),
        }
    }
}

async fn perform(orchestrator: &Orchestrator, managers: &Managers, flow: &Value) -> Result<Value> {
    let raw = || flow["tasks"].as_array().cloned().unwrap_or_default();
    let tasks = || raw().into_iter().map(|task| managers.task(task)).collect::<Result<Vec<_>>>();
    Ok(match flow["kind"].as_str().unwrap_or_default() {
        "run" => json!({"outcome": orchestrator.run(managers.task(flow["task"].clone())?).await.to_json()}),
        "parallel" => {
            let mut call = orchestrator.parallel_stream(Given {
                tasks: raw().into(),
                managers: managers.clone(),
                lazy: flow["lazy"] == true,
            });
            if let Some(limit) = flow["max_concurrent"].as_u64() {
                call = call.max_concurrent(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            let tolerated = flow["on_error"]["tolerate"].as_u64().and_then(|most| usize::try_from(most).ok());
            call = call.on_error(match (flow["on_error"].as_str(), tolerated) {
                (Some("fail_fast"), _) => OnError::FailFast,
                (_, Some(most)) => OnError::Tolerate(most),
                _ => OnError::Collect,
            });
            if flow["each"] == true {
                let mut count = 0;
                call.for_each(|_| count += 1).await;
                json!({ "count": count })
            } else {
                json!({"outcomes": all(&call.await)})
            }
        }
        "pipeline" => {
            let steps = flow["steps"].as_array().cloned().unwrap_or_default();
            let call = orchestrator
                .pipeline(steps.into_iter().map(|one| step(one, managers.clone())))
                .use_context(flow["use_context"] != false)
                .stop_on_error(flow["stop_on_error"] != false);
            json!({"outcomes": all(&call.await)})
        }
        "race" => {
            let mut call = orchestrator.race(tasks()?);
            if let Some(after) = flow["stagger_ms"].as_u64() {
                call = call.stagger(Duration::from_millis(after));
            }
            if let Some(accept) = flow.get("accept").cloned() {
                call = call.accept(move |outcome| {
                    ready(decided(&accept[&*outcome.text()]).map(|said| said == true))
                });
            }
            let race = call.await;
            if let Some(error) = race.error {
                return Err(error);
            }
            json!({"winner": race.winner, "outcomes": all(&race.outcomes)})
        }
        "vote" => {
            let mut call = orchestrator.vote(tasks()?).quorum(match flow["quorum"].as_str() {
                Some("unanimous") => Quorum::Unanimous,
                Some("plurality") => Quorum::Plurality,
                _ => Quorum::Majority,
            });
            if let Some(ballot) = flow.get("ballot").cloned() {
                call = call.ballot(move |outcome| {
                    let said =
                        decided(&ballot[&*outcome.text()]).map(|said| said.as_str().map(str::to_owned));
                    ready(said)
                });
            }
            let vote = call.await;
            if let Some(error) = vote.error.clone().filter(|error| error.kind() == ErrorKind::Callback) {
                return Err(error);
            }
            json!({"ballot": vote.ballot, "winner": vote.winner, "agreement": vote.agreement, "counts": vote.counts,
                "outcomes": all(&vote.outcomes), "error": vote.error.map(|error| error.to_json())})
        }
        "map_reduce" => {
            let reduce = flow["reduce"].clone();
            let tasks = tasks()?;
            let fan_in =
                flow["fan_in"].as_u64().map_or(8, |number| usize::try_from(number).unwrap_or(usize::MAX));
            let managers = managers.clone();
            let reduced = orchestrator
                .map_reduce(tasks, fan_in, move |_| {
                    ready(decided(&reduce).and_then(|task| managers.task(task)))
                })
                .await;
            json!({"outcome": reduced.outcome.map(|outcome| outcome.to_json()), "mapped": all(&reduced.mapped),
                "reduced": all(&reduced.reduced), "error": reduced.error.map(|error| error.to_json())})
        }
        "until" => {
            let rounds =
                flow["rounds"].as_u64().map_or(0, |number| usize::try_from(number).unwrap_or(usize::MAX));
            let verdicts = flow["judge"].as_array().cloned().unwrap_or_default();
            let mut round = 0;
            let judge = move |_| {
                round += 1;
                ready(verdict(verdicts.get(round - 1).or(verdicts.last()).unwrap_or(&Value::Null)))
            };
            let until = orchestrator.until(managers.task(flow["task"].clone())?, rounds, judge).await;
            json!({"done": until.done, "outcomes": all(&until.outcomes), "error": until.error.map(|error| error.to_json())})
        }
        other => {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("flow.kind: {other:?} is no call")));
        }
    })
}

/// A call whose own numbers cannot work fails in the other languages; here what it gives says so: each of its outcomes, or beside them.
fn refused(gave: Value) -> Result<Value> {
    let beside = std::iter::once(&gave["error"]);
    let mut errors = beside.chain(gave["outcomes"].as_array().into_iter().flatten().map(|one| &one["error"]));
    let wrong = |error: &&Value| {
        let field = error["context"]["field"].as_str().unwrap_or_default();
        error["code"] == "invalid_argument" && ["max_concurrent", "fan_in", "rounds"].contains(&field)
    };
    match errors.find(wrong) {
        Some(error) => {
            Err(Error::new(ErrorKind::InvalidArgument, error["message"].as_str().unwrap_or_default()))
        }
        None => Ok(gave),
    }
}

fn ready<T: Send + 'static>(value: T) -> impl Future<Output = T> + Send {
    std::future::ready(value)
}

fn all(outcomes: &[Outcome]) -> Vec<Value> {
    outcomes.iter().map(Outcome::to_json).collect()
}

/// What the host decides, or its failure.
fn decided(value: &Value) -> Result<Value> {
    match value["raise"].as_str() {
        Some(text) => Err(Error::new(ErrorKind::Callback, text)),
        None => Ok(value.clone()),
    }
}

fn step(value: Value, managers: Managers) -> Step {
    if let Some(made) = value.get("make").cloned() {
        return Step::from_fn(move |_| ready(decided(&made).and_then(|task| managers.task(task))));
    }
    match decided(&value).and_then(|task| managers.task(task)) {
        Ok(task) => task.into(),
        Err(error) => Step::from_fn(move |_| ready(Err(error))),
    }
}

fn verdict(value: &Value) -> Result<Verdict> {
    let value = decided(value)?;
    if value["done"] == true {
        Ok(Verdict::Done)
    } else {
        Ok(Verdict::Again(Prompt::from_json(value["prompt"].clone())?))
    }
}

/// Tasks that are read when it is their turn.
struct Given {
    tasks: VecDeque<Value>,
    managers: Managers,
    /// Whether nobody is told how many there are.
    lazy: bool,
}

impl futures_core::Stream for Given {
    type Item = Result<Task>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let next = self.tasks.pop_front();
        std::task::Poll::Ready(next.map(|task| self.managers.task(task)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.lazy { (0, None) } else { (self.tasks.len(), Some(self.tasks.len())) }
    }
}
