//! Steps one after the other, each knowing what the one before it said.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use super::{Outcome, Task, flow::Flow, orchestrator::Shared};
use crate::{Error, ErrorKind, Result};

type Make = Box<dyn FnOnce(Option<Outcome>) -> Pin<Box<dyn Future<Output = Result<Task>> + Send>> + Send>;

/// A step of a pipeline: a task, or a function that makes one from the outcome before it.
pub struct Step(Kind);

enum Kind {
    Task(Box<Task>),
    Made(Make),
}

impl Step {
    /// A step that is made when it is its turn. It gets the outcome of the step before, `None` for the first, and nothing is
    /// put in front of its prompt. Where it fails, the pipeline ends there.
    pub fn from_fn<F, R>(make: F) -> Self
    where
        F: FnOnce(Option<Outcome>) -> R + Send + 'static,
        R: Future<Output = Result<Task>> + Send + 'static,
    {
        Self(Kind::Made(Box::new(|before| Box::pin(make(before)))))
    }
}

impl<T: Into<Task>> From<T> for Step {
    fn from(task: T) -> Self {
        Self(Kind::Task(Box::new(task.into())))
    }
}

/// A call of [`Orchestrator::pipeline`](super::Orchestrator::pipeline); `.await` runs it.
#[must_use = "nothing is run before it is awaited"]
pub struct Pipeline {
    shared: Arc<Shared>,
    steps: Vec<Step>,
    use_context: bool,
    stop_on_error: bool,
}

impl Pipeline {
    pub(super) fn new<I>(shared: &Arc<Shared>, steps: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Step>,
    {
        Self {
            shared: Arc::clone(shared),
            steps: steps.into_iter().map(Into::into).collect(),
            use_context: true,
            stop_on_error: true,
        }
    }

    /// Whether each task is told the text of the answer before it. Default: it is.
    pub fn use_context(mut self, tell: bool) -> Self {
        self.use_context = tell;
        self
    }

    /// Whether a step that was not answered ends the pipeline; the steps behind it are then skipped. Otherwise the next step is
    /// told what the last answer was. Default: it does.
    pub fn stop_on_error(mut self, stop: bool) -> Self {
        self.stop_on_error = stop;
        self
    }

    async fn run(self) -> Vec<Outcome> {
        let flow = Flow::new(&self.shared, "pipeline");
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(self.steps.len());
        // The last that was answered.
        let mut context: Option<usize> = None;
        let mut stopped: Option<Error> = None;
        for (index, step) in self.steps.into_iter().enumerate() {
            if let Some(why) = &stopped {
                let name = if let Step(Kind::Task(task)) = &step { task.name.clone() } else { None };
                let why = why.clone();
                outcomes
                    .push(flow.without_start(index, |run| Outcome::Skipped(super::Run { name, ..run }, why)));
                continue;
            }
            let task = match step.0 {
                Kind::Task(task) => Ok(match context.filter(|_| self.use_context) {
                    Some(before) => task.after(&outcomes[before].text()),
                    None => *task,
                }),
                Kind::Made(make) => make(outcomes.last().cloned()).await,
            };
            let outcome = match task {
                Ok(task) => flow.run(index, task).await,
                Err(error) => flow.without_start(index, |run| Outcome::Failed(run, error)),
            };
            if outcome.is_success() {
                context = Some(index);
            } else if self.stop_on_error {
                stopped = Some(stopped_by(&outcome));
            }
            outcomes.push(outcome);
        }
        outcomes
    }
}

impl IntoFuture for Pipeline {
    type Output = Vec<Outcome>;
    type IntoFuture = Pin<Box<dyn Future<Output = Vec<Outcome>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn stopped_by(outcome: &Outcome) -> Error {
    let index = outcome.run().index;
    let message = format!("never started: step {index} ended as `{}`", outcome.status());
    let error = Error::new(ErrorKind::Cancelled, message).operation("pipeline").with("because", index);
    match outcome.error() {
        Some(cause) => error.caused_by(cause),
        None => error,
    }
}
