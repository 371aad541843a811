//! Several tasks for one answer: the first good one counts.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use super::{
    Outcome, Task,
    flow::{Flow, known},
    orchestrator::Shared,
    stagger::{Hurry, Staggered},
};
use crate::{Error, ErrorKind, Result};

type Accept = Box<dyn FnMut(Outcome) -> Pin<Box<dyn Future<Output = Result<bool>> + Send>> + Send>;

/// A call of [`Orchestrator::race`](super::Orchestrator::race); `.await` runs it.
#[must_use = "nothing is run before it is awaited"]
pub struct Race {
    shared: Arc<Shared>,
    tasks: Vec<Task>,
    accept: Accept,
    stagger: Option<Duration>,
}

/// How a race ended.
#[derive(Clone, Debug)]
pub struct RaceOutcome {
    /// The position of the first acceptable answer; `None` when there was none.
    pub winner: Option<usize>,
    /// What became of each task, in the order of the tasks. Those that were beaten are `Cancelled`.
    pub outcomes: Vec<Outcome>,
    /// Why it was given up: what was asked whether an answer counts failed. `None` when answers came to an end, whether one won or not.
    pub error: Option<Error>,
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
            accept: Box::new(|_| Box::pin(std::future::ready(Ok(true)))),
            stagger: None,
        }
    }

    /// Which answers count. Default: every one. Where it fails the race is given up, and what still runs is ended.
    pub fn accept<F, R>(mut self, mut accept: F) -> Self
    where
        F: FnMut(Outcome) -> R + Send + 'static,
        R: Future<Output = Result<bool>> + Send + 'static,
    {
        self.accept = Box::new(move |outcome| Box::pin(accept(outcome)));
        self
    }

    /// Takes up each task only when the one before it was taken up this long ago, or when one of them ended without an acceptable answer.
    /// With the same task twice this is a hedge: a second attempt for an answer that is late. Both may run to the end, so give it tasks that do no
    /// harm when they are done twice, such as those whose tools only read; what the beaten one cost counts.
    ///
    /// ```
    /// # use madrigal::testing::Script;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use madrigal::orchestrate::{Orchestrator, OrchestratorConfig, Task};
    ///
    /// let orchestrator = Orchestrator::new(OrchestratorConfig::default())?;
    /// let task = Task::new("What is 2 + 2?");
    /// # let task = task.configure(|session| session.transport(Script::new().await_user().text("4").result()));
    /// let race = orchestrator.race([task.clone(), task]).stagger(Duration::from_secs(10)).await;
    /// assert_eq!(race.outcomes[1].status(), "skipped", "the first was quick enough");
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    pub fn stagger(mut self, after: Duration) -> Self {
        self.stagger = Some(after);
        self
    }

    async fn run(mut self) -> RaceOutcome {
        let flow = Flow::new(&self.shared, "race");
        let places = self.tasks.len();
        let (mut winner, mut error) = (None, None);
        let mut outcomes = Vec::with_capacity(places);
        let hurry = Hurry::default();
        let source = match self.stagger {
            None => known(self.tasks),
            Some(after) => Staggered::source(self.tasks, after, &hurry),
        };
        let mut batch = flow.batch(source, places, 0);
        while let Some(outcome) = batch.next().await {
            let index = outcome.run().index;
            let open = winner.is_none() && error.is_none();
            let counts =
                if open && outcome.is_success() { (self.accept)(outcome.clone()).await } else { Ok(false) };
            let why = match counts {
                Ok(true) => {
                    winner = Some(index);
                    Some(format!("task {index} was faster"))
                }
                Ok(false) => None,
                Err(failed) => {
                    error = Some(failed);
                    Some(format!("whether the answer of task {index} counts could not be said"))
                }
            };
            match why {
                Some(why) => {
                    let why = Error::new(ErrorKind::Cancelled, why).operation("race").with("because", index);
                    batch.enough(why);
                    hurry.all();
                }
                None => hurry.one(),
            }
            outcomes.push(outcome);
        }
        outcomes.sort_by_key(|outcome| outcome.run().index);
        RaceOutcome { winner, outcomes, error }
    }
}

impl IntoFuture for Race {
    type Output = RaceOutcome;
    type IntoFuture = Pin<Box<dyn Future<Output = RaceOutcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
