//! Several tasks for one answer: the first good one counts.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use super::{
    Outcome, Task,
    flow::{Flow, known},
    orchestrator::Shared,
};
use crate::{Error, ErrorKind};

type Accept = Box<dyn FnMut(Outcome) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send>;

/// A call of [`Orchestrator::race`](super::Orchestrator::race); `.await` runs it.
#[must_use = "nothing is run before it is awaited"]
pub struct Race {
    shared: Arc<Shared>,
    tasks: Vec<Task>,
    accept: Accept,
}

/// How a race ended.
#[derive(Clone, Debug)]
pub struct RaceOutcome {
    /// The position of the first acceptable answer; `None` when there was none.
    pub winner: Option<usize>,
    /// What became of each task, in the order of the tasks. Those that were beaten are `Cancelled`.
    pub outcomes: Vec<Outcome>,
}

impl RaceOutcome {
    /// The first acceptable answer.
    pub fn winner(&self) -> Option<&Outcome> {
        self.outcomes.get(self.winner?)
    }
}

impl Race {
    pub(super) fn new<I>(shared: &Arc<Shared>, tasks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Task>,
    {
        Self {
            shared: Arc::clone(shared),
            tasks: tasks.into_iter().map(Into::into).collect(),
            accept: Box::new(|_| Box::pin(std::future::ready(true))),
        }
    }

    /// Which answers count. Default: every one.
    pub fn accept<F, R>(mut self, mut accept: F) -> Self
    where
        F: FnMut(Outcome) -> R + Send + 'static,
        R: Future<Output = bool> + Send + 'static,
    {
        self.accept = Box::new(move |outcome| Box::pin(accept(outcome)));
        self
    }

    async fn run(mut self) -> RaceOutcome {
        let flow = Flow::new(&self.shared, "race");
        let places = self.tasks.len();
        let mut winner = None;
        let mut outcomes = Vec::with_capacity(places);
        let mut batch = flow.batch(known(self.tasks), places, 0);
        while let Some(outcome) = batch.next().await {
            let index = outcome.run().index;
            if winner.is_none() && outcome.is_success() && (self.accept)(outcome.clone()).await {
                winner = Some(index);
                let message = format!("task {index} was faster");
                batch.enough(
                    Error::new(ErrorKind::Cancelled, message).operation("race").with("because", index),
                );
            }
            outcomes.push(outcome);
        }
        outcomes.sort_by_key(|outcome| outcome.run().index);
        RaceOutcome { winner, outcomes }
    }
}

impl IntoFuture for Race {
    type Output = RaceOutcome;
    type IntoFuture = Pin<Box<dyn Future<Output = RaceOutcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
