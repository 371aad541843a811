//! One call of the orchestrator: it starts tasks side by side, as many as it may, and none of them outlives it.
//!
//! Tasks are taken from their source only when there is a place for one, so a source may be long, slow or without end.
//! Dropping the call drops the tasks, and with them their programs.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
};

use futures_core::Stream;
use tokio::{sync::watch, task::JoinSet};

use super::{
    Outcome, Task, gate,
    item::Item,
    orchestrator::Shared,
    outcome::Run,
    prefix::Prefixes,
    progress::{Progress, Stage},
};
use crate::{Error, ErrorKind, Result, resilience::Spender};

/// Where tasks come from. One that fails has an outcome like any other.
pub(super) type Source = Pin<Box<dyn Stream<Item = Result<Task>> + Send>>;

/// Tasks that are known already, or made as they are asked for.
pub(super) struct Known<I>(I);

impl<I: Iterator<Item: Into<Task>> + Unpin> Stream for Known<I> {
    type Item = Result<Task>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(Into::into).map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

pub(super) fn known<I>(tasks: I) -> Source
where
    I: IntoIterator,
    I::Item: Into<Task>,
    I::IntoIter: Send + 'static,
{
    Box::pin(Known(Box::new(tasks.into_iter())))
}

/// One call, and what its tasks share.
#[derive(Clone)]
pub(super) struct Flow {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) kind: &'static str,
    /// Set to the reason when what still runs is not needed any more.
    given_up: watch::Sender<Option<Error>>,
    /// Forgets what the limits know of the call when the last of it is gone.
    _account: Arc<Account>,
    /// Who goes first among tasks that are asked the same way.
    pub(super) prefixes: Prefixes,
}

struct Account {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Account {
    fn drop(&mut self) {
        let flow = Spender::default().flow(gate::local(self.id));
        self.shared.gate.admission().forget(&flow);
    }
}

impl Flow {
    pub(super) fn new(shared: &Arc<Shared>, kind: &'static str) -> Self {
        let id = shared.next_flow();
        let account = Account { shared: Arc::clone(shared), id };
        Self {
            id,
            shared: Arc::clone(shared),
            kind,
            given_up: watch::Sender::new(None),
            _account: Arc::new(account),
            prefixes: Prefixes::new(shared.config.prefix_wait_ms),
        }
    }

    pub(super) fn tell(&self, index: usize, name: Option<&Arc<str>>, stage: Stage) {
        if self.shared.watchers.any() {
            let name = name.cloned();
            self.shared.watchers.tell(&Progress {
                sequence: 0,
                flow: self.id,
                kind: self.kind,
                index,
                name,
                stage,
            });
        }
    }

    /// Ends what runs; the outcomes of those tasks name the reason.
    pub(super) fn give_up(&self, why: Error) {
        self.given_up.send_if_modified(|given_up| {
            let first = given_up.is_none();
            given_up.get_or_insert(why);
            first
        });
    }

    /// Waits until the call is given up. Never ends otherwise.
    pub(super) async fn given_up(&self) -> Error {
        let mut given_up = self.given_up.subscribe();
        let why = given_up.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // The sender lives in `self`.
            None => std::future::pending().await,
        }
    }

    /// Runs one task to its outcome.
    pub(super) fn run(&self, index: usize, task: Task) -> impl Future<Output = Outcome> + Send + 'static {
        Item::new(self.clone(), index, task).run()
    }

    /// The outcome of a task that could not be made, or was never started.
    pub(super) fn without_start(&self, index: usize, outcome: impl FnOnce(Run) -> Outcome) -> Outcome {
        let outcome = outcome(Run { index, ..Run::default() });
        self.finished(None, &outcome);
        outcome
    }

    /// Takes note of an outcome.
    pub(super) fn finished(&self, name: Option<&Arc<str>>, outcome: &Outcome) {
        self.shared.stats.count(outcome);
        let run = outcome.run();
        self.tell(
            run.index,
            name,
            Stage::Done {
                status: outcome.status(),
                cost_usd: run.cost_usd,
                duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            },
        );
    }

    /// All tasks of a source, at most `limit` at a time. The first is number `first`.
    pub(super) fn batch(&self, source: Source, limit: usize, first: usize) -> Batch {
        Batch {
            flow: self.clone(),
            source,
            limit: limit.max(1),
            running: JoinSet::new(),
            taken: first,
            open: true,
            enough: None,
        }
    }
}

/// Tasks that run side by side. Dropping it drops them.
pub(super) struct Batch {
    flow: Flow,
    source: Source,
    limit: usize,
    running: JoinSet<Outcome>,
    taken: usize,
    open: bool,
    enough: Option<Error>,
}

impl Batch {
    /// No more are wanted: what runs is given up, and its outcomes still come. Tasks that were known and not started are skipped;
    /// a source that may have no end is left.
    pub(super) fn enough(&mut self, why: Error) {
        if self.enough.is_none() {
            self.flow.give_up(why.clone());
            self.enough = Some(why);
            self.open = false;
        }
    }

    /// The next outcome, as it comes; `None` when all are there. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Option<Outcome> {
        loop {
            let source = &mut self.source;
            tokio::select! {
                // What is ready to start is started before outcomes are looked at.
                biased;
                task = poll_fn(|context| source.as_mut().poll_next(context)), if self.open && self.running.len() < self.limit => {
                    let index = self.taken;
                    match task {
                        None => self.open = false,
                        Some(Ok(task)) => {
                            self.taken += 1;
                            let run = self.flow.run(index, task);
                            self.running.spawn(run);
                        }
                        Some(Err(error)) => {
                            self.taken += 1;
                            return Some(self.flow.without_start(index, |run| Outcome::Failed(run, error)));
                        }
                    }
                }
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    return Some(ended.unwrap_or_else(|error| {
                        // Only a defect of ours gets here; it must not take the others with it.
                        let message = format!("a defect in Madrigal, please report it: {error}");
                        Outcome::Failed(Run::default(), Error::new(ErrorKind::Internal, message))
                    }));
                }
                else => break,
            }
        }
        let why = self.enough.clone()?;
        self.source.size_hint().1?;
        let source = &mut self.source;
        let task = poll_fn(|context| source.as_mut().poll_next(context)).await?;
        let name = task.ok().and_then(|task| task.name);
        let index = self.taken;
        self.taken += 1;
        Some(self.flow.without_start(index, |run| Outcome::Skipped(Run { name, ..run }, why)))
    }
}
