//! Many tasks side by side, their outcomes in the order of the tasks.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use futures_core::Stream;

use super::{
    Outcome, Task,
    flow::{Flow, Source, known},
    least::least,
    orchestrator::Shared,
};
use crate::{Error, ErrorKind, Result};

/// What a task that was not answered means for its siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Nothing: every task gets its outcome.
    #[default]
    Collect,
    /// The first one gives up the others.
    FailFast,
    /// More than this many give up the others.
    Tolerate(usize),
}

/// A call of [`Orchestrator::parallel`](super::Orchestrator::parallel); `.await` runs it.
#[must_use = "nothing is run before it is awaited"]
pub struct Parallel {
    shared: Arc<Shared>,
    source: Source,
    limit: Option<usize>,
    on_error: OnError,
}

impl Parallel {
    pub(super) fn new<I>(shared: &Arc<Shared>, tasks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Task>,
        I::IntoIter: Send + 'static,
    {
        Self::from_source(shared, known(tasks))
    }

    pub(super) fn from_source(shared: &Arc<Shared>, source: Source) -> Self {
        Self { shared: Arc::clone(shared), source, limit: None, on_error: OnError::default() }
    }

    /// How many run at a time in this call; at least 1, default `max_concurrent` of the orchestrator, whose own limit holds as
    /// well. With 0 no task is started: those that are known are `Skipped`, and say why.
    pub fn max_concurrent(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What a task that was not answered means for the others. Default: nothing.
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// Runs the tasks and hands over each outcome as it comes, in the order of their ends.
    pub async fn for_each(self, mut outcome: impl FnMut(Outcome)) {
        let flow = Flow::new(&self.shared, "parallel");
        let limit = self.limit.unwrap_or(self.shared.config.max_concurrent);
        let mut tolerated = match self.on_error {
            OnError::Collect => usize::MAX,
            OnError::FailFast => 0,
            OnError::Tolerate(count) => count,
        };
        let mut batch = flow.batch(self.source, limit, 0);
        if let Err(error) = least("max_concurrent", limit, 1) {
            batch.enough(error);
        }
        while let Some(ended) = batch.next().await {
            if !ended.is_success() {
                match tolerated.checked_sub(1) {
                    // With `Collect` it never runs out.
                    Some(left) => tolerated = left,
                    None => batch.enough(given_up(&ended)),
                }
            }
            outcome(ended);
        }
    }

    async fn collect(self) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        self.for_each(|outcome| outcomes.push(outcome)).await;
        outcomes.sort_by_key(|outcome| outcome.run().index);
        outcomes
    }
}

impl IntoFuture for Parallel {
    type Output = Vec<Outcome>;
    type IntoFuture = Pin<Box<dyn Future<Output = Vec<Outcome>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.collect())
    }
}

/// Takes tasks from a stream.
pub(super) fn from_stream(stream: impl Stream<Item = Result<Task>> + Send + 'static) -> Source {
    Box::pin(stream)
}

fn given_up(ended: &Outcome) -> Error {
    let run = ended.run();
    let who = run.name.clone().unwrap_or_else(|| format!("task {}", run.index));
    let mut error =
        Error::new(ErrorKind::Cancelled, format!("given up because {who} ended as `{}`", ended.status()))
            .operation("parallel")
            .with("because", run.index);
    if let Some(cause) = ended.error() {
        error = error.caused_by(cause);
    }
    error
}
