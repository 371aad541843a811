//! The orchestrator itself: what all its calls share.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_core::Stream;

use super::{
    MapReduceOutcome, OrchestratorConfig, Outcome, Parallel, Pipeline, Progress, ProgressStream, Race, Stats,
    Step, Task, UntilOutcome, Verdict, Vote,
    flow::Flow,
    gate::Gate,
    map_reduce::MapReduce,
    parallel,
    progress::{Stage, Watchers},
    stats::Counter,
    totals::Totals,
    until,
};
use crate::{
    Result,
    pool::{Event, Pool},
    resilience::{Admission, Hedges},
};

/// Runs many queries under shared limits. A cheap clone of the same orchestrator.
///
/// ```
/// # use madrigal::testing::Script;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use madrigal::orchestrate::{Orchestrator, OrchestratorConfig, Task};
///
/// let orchestrator = Orchestrator::new(OrchestratorConfig { max_concurrent: 8, ..OrchestratorConfig::default() })?;
/// let tasks = ["Review a.py", "Review b.py"].map(Task::from);
/// # let tasks = tasks.map(|task| task.configure(|session| session.transport(Script::new().await_user().text("Fine.").result())));
/// for outcome in orchestrator.parallel(tasks).await {
///     println!("{}: {}", outcome.status(), outcome.text());
/// }
/// assert_eq!(orchestrator.stats().succeeded, 2);
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
///
/// Calls are futures: dropping one ends what it runs. They may run beside each other and inside each other; a call that waits
/// for its tasks holds no place of its own.
#[derive(Clone)]
pub struct Orchestrator {
    shared: Arc<Shared>,
}

/// What all calls share.
pub(super) struct Shared {
    pub(super) config: OrchestratorConfig,
    pub(super) gate: Gate,
    pub(super) pool: Option<Arc<Pool>>,
    pub(super) stats: Counter,
    pub(super) totals: Totals,
    /// Second attempts for those that are late, when they are asked for.
    pub(super) hedges: Option<Hedges>,
    flows: AtomicU64,
    /// The last to go: who watches is told the end when nothing else is left, such as the lock of a ledger.
    pub(super) watchers: Arc<Watchers>,
}

impl Shared {
    pub(super) fn next_flow(&self) -> u64 {
        self.flows.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Orchestrator {
    /// An orchestrator with these limits.
    ///
    /// # Errors
    /// `invalid_options`, naming the field.
    pub fn new(config: OrchestratorConfig) -> Result<Self> {
        config.validate()?;
        let gate = Gate::new(&config)?;
        let watchers = Arc::new(Watchers::default());
        let pool = config.pool.clone().map(|pool| {
            let told = watchers.clone();
            Arc::new(Pool::new(pool, config.max_concurrent, move |Event { pid, reason }| {
                told.tell(&Progress::of_the_pool(Stage::Dropped { pid, reason }));
            }))
        });
        if let Some(pool) = &pool {
            pool.expect(&gate.limited(config.options.clone(), None), &config.auth);
        }
        let shared = Shared {
            gate,
            hedges: config.hedge.clone().map(Hedges::new),
            config,
            watchers,
            pool,
            stats: Counter::default(),
            totals: Totals::default(),
            flows: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs tasks side by side; gives their outcomes in the order of the tasks. They are taken from the iterator only when one
    /// can start.
    pub fn parallel<I>(&self, tasks: I) -> Parallel
    where
        I: IntoIterator,
        I::Item: Into<Task>,
        I::IntoIter: Send + 'static,
    {
        Parallel::new(&self.shared, tasks)
    }

    /// The same for tasks that come over time. One that is an error has an outcome like any other.
    pub fn parallel_stream(&self, tasks: impl Stream<Item = Result<Task>> + Send + 'static) -> Parallel {
        Parallel::from_source(&self.shared, parallel::from_stream(tasks))
    }

    /// Runs steps one after the other, each told what the one before it said.
    ///
    /// ```
    /// # use madrigal::testing::Script;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use madrigal::orchestrate::{Orchestrator, OrchestratorConfig, Task};
    ///
    /// let orchestrator = Orchestrator::new(OrchestratorConfig::default())?;
    /// # let heard = Script::new().await_user().text("Done.").result();
    /// # let script = heard.clone();
    /// let steps = ["List the risks", "Rank them"].map(Task::from);
    /// # let steps = steps.map(|task| { let script = script.clone(); task.configure(move |session| session.transport(script.clone())) });
    /// let outcomes = orchestrator.pipeline(steps).await;
    /// assert!(outcomes.iter().all(|outcome| outcome.is_success()));
    /// # let second = heard.received().iter().filter_map(|frame| frame["message"]["content"].as_str().map(str::to_owned)).last();
    /// # assert_eq!(second.as_deref(), Some("Context from previous step:\nDone.\n\nNow: Rank them"));
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    pub fn pipeline<I>(&self, steps: I) -> Pipeline
    where
        I: IntoIterator,
        I::Item: Into<Step>,
    {
        Pipeline::new(&self.shared, steps)
    }

    /// Runs one task, as often as the configuration lets it be tried.
    pub async fn run(&self, task: impl Into<Task>) -> Outcome {
        Flow::new(&self.shared, "run").run(0, task.into()).await
    }

    /// Runs tasks side by side until one has an acceptable answer; the others are given up.
    pub fn race<I>(&self, tasks: I) -> Race
    where
        I: IntoIterator,
        I::Item: Into<Task>,
    {
        Race::new(&self.shared, tasks)
    }

    /// Asks several and takes what most of them say. Those that cannot change the result any more are given up.
    pub fn vote<I>(&self, tasks: I) -> Vote
    where
        I: IntoIterator,
        I::Item: Into<Task>,
    {
        Vote::new(&self.shared, tasks)
    }

    /// Runs tasks side by side and brings their answers together: `reduce` makes a task of at most `fan_in` outcomes (at least
    /// 2), whose answers are brought together in turn until one is left. Tasks that were not answered are left out; a group that is not
    /// ends the whole. With a smaller `fan_in` nothing is started, and the error says so.
    pub async fn map_reduce<I, F, R>(&self, tasks: I, fan_in: usize, reduce: F) -> MapReduceOutcome
    where
        I: IntoIterator,
        I::Item: Into<Task>,
        I::IntoIter: Send + 'static,
        F: FnMut(Vec<Outcome>) -> R + Send,
        R: Future<Output = Result<Task>> + Send,
    {
        let limit = self.shared.config.max_concurrent;
        MapReduce { tasks, reduce, fan_in, limit }.run(&self.shared).await
    }

    /// Asks, lets `judge` look at the answer, and asks the same session again what the judge says, at most `rounds` times in all
    /// (at least 1; with 0 nothing is started, and the error says so).
    pub async fn until<F, R>(&self, task: impl Into<Task>, rounds: usize, judge: F) -> UntilOutcome
    where
        F: FnMut(Outcome) -> R + Send,
        R: Future<Output = Result<Verdict>> + Send,
    {
        until::until(&self.shared, task.into(), rounds, judge).await
    }

    /// What happens from now on, to all tasks of all calls.
    pub fn subscribe(&self) -> ProgressStream {
        self.shared.watchers.subscribe()
    }

    /// Counts over everything so far.
    pub fn stats(&self) -> Stats {
        let (idle, dropped) = self.shared.pool.as_deref().map(Pool::counts).unwrap_or_default();
        Stats { idle: idle as u64, dropped, ..self.shared.stats.stats() }
    }

    /// Ends the programs that stand ready and waits until they are gone. What runs goes on; what is run later starts a program of its own.
    /// Without a pool there is nothing to do. Dropping the orchestrator and all its calls ends them, too, without waiting.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use madrigal::orchestrate::{Orchestrator, OrchestratorConfig};
    /// let orchestrator = Orchestrator::new(OrchestratorConfig::default())?;
    /// orchestrator.close().await;
    /// assert_eq!(orchestrator.stats().idle, 0);
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    pub async fn close(&self) {
        if let Some(pool) = &self.shared.pool {
            pool.close().await;
        }
    }

    /// Counts from nothing again. Limits and budgets are not touched.
    pub fn reset_stats(&self) {
        self.shared.stats.reset();
    }

    /// How the limits stand for a key: who runs and waits, the rate, the breakers, the budgets.
    pub fn admission(&self) -> &Admission {
        self.shared.gate.admission()
    }

    /// How it was made.
    pub fn config(&self) -> &OrchestratorConfig {
        &self.shared.config
    }
}

impl std::fmt::Debug for Orchestrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orchestrator").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
