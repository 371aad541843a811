//! Calls of every kind beside each other, some given up at a random moment, over programs that answer, fail, crash or never end.
//! Whatever the schedule is: nobody waits for ever, no task takes longer than its time and the stop of its program (D1), fallbacks are tried once
//! each and in their order (F1), every program is one attempt of an outcome, and in the end all places, starts and money are back, those of second
//! attempts, too (H3, and K1, K2 and X1 of admission, for the orchestrator as a whole).

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::*;
use crate::{
    Error, ErrorKind, Options, Result,
    resilience::{Admission, Budget, Circuit, Cost, Hedge, RateLimit, RetryPolicy, Spender, chance::Chance},
    testing::Script,
    transport::{BoxFuture, Connection, Exit, Launch, Process, Signal, StopLadder, Transport},
};

const PLACES: usize = 3;
/// So many that there is mostly one for a second attempt.
const MANY_PLACES: usize = 20;
const CALLS: usize = 14;
const SCHEDULES: u64 = 20;
const FALLBACKS: [&str; 2] = ["sonnet", "haiku"];
/// A task may take that much longer than its time: two programs that ignore everything are stopped beside each other.
const STOPS: Duration = Duration::from_secs(7);

/// The programs that run, and how many at most.
#[derive(Default)]
struct Census {
    processes: Mutex<Vec<Arc<dyn Process>>>,
    most: AtomicUsize,
    started: AtomicUsize,
    /// The models of the programs of each task, in the order of their starts.
    models: Mutex<BTreeMap<String, Vec<String>>>,
    /// How many milliseconds a program runs before anybody knows it.
    unknown_ms: AtomicU64,
}

impl Census {
    /// How many run at this moment.
    fn alive(&self) -> usize {
        let mut processes = self.processes.lock().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        processes.retain(|process| process.wait().as_mut().poll(&mut context).is_pending());
        processes.len()
    }
}

/// A program that is counted from its start until it is gone.
struct Counted {
    task: String,
    script: Script,
    census: Arc<Census>,
    admission: Admission,
    places: usize,
}

impl Transport for Counted {
    fn connect(&self, launch: Launch) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(async move {
            let running = self.admission.state(&Spender::default()).running;
            assert!(running as usize <= self.places, "{running} were let in");
            let flag = launch.args.iter().position(|arg| arg == "--model");
            let model = flag.and_then(|place| launch.args.get(place + 1)?.to_str().map(str::to_owned));
            self.census
                .models
                .lock()
                .unwrap()
                .entry(self.task.clone())
                .or_default()
                .push(model.unwrap_or_default());
            let Connection { input, output, process } = self.script.connect(launch).await?;
            self.census.processes.lock().unwrap().push(process.clone());
            let alive = self.census.alive();
            self.census.most.fetch_max(alive, Ordering::Relaxed);
            self.census.started.fetch_add(1, Ordering::Relaxed);
            let process = Arc::new(Owned(process));
            tokio::time::sleep(Duration::from_millis(self.census.unknown_ms.load(Ordering::Relaxed))).await;
            Ok(Connection { input, output, process })
        })
    }
}

/// A process that is stopped when its session lets go of it, although the census still looks at it.
struct Owned(Arc<dyn Process>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.stop(StopLadder::NOW);
    }
}

impl Process for Owned {
    fn id(&self) -> Option<u32> {
        self.0.id()
    }

    fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    fn stop(&self, ladder: StopLadder) {
        self.0.stop(ladder);
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        self.0.wait()
    }

    fn stderr_tail(&self) -> String {
        self.0.stderr_tail()
    }
}

fn script(steps: &Value) -> Script {
    Script::from_json(&json!({"cli": steps}).to_string()).unwrap()
}

fn says(text: &str, after_ms: u64) -> Script {
    script(
        &json!([{"await": {"type": "user"}}, {"init": {}}, {"pause_ms": after_ms}, {"text": {"text": text}},
        {"result": {"result": text, "total_cost_usd": 0.01}}]),
    )
}

fn fails(status: u16) -> Script {
    script(
        &json!([{"await": {"type": "user"}}, {"init": {}}, {"result": {"is_error": true, "result": "the API said no",
        "api_error_status": status, "terminal_reason": "api_error"}}]),
    )
}

/// Has to be killed.
fn stubborn() -> Script {
    script(
        &json!([{"ignore": ["SIGTERM"]}, {"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "never"}}, {"hang": true}]),
    )
}

fn any_program(chance: &mut Chance) -> Script {
    match chance.up_to(9) {
        0 => fails(529),
        1 => fails(500),
        2 => fails(400),
        // Never ends; the time of its task does.
        3 => script(&json!([{"await": {"type": "user"}}, {"init": {}}, {"hang": true}])),
        4 => script(&json!([{"await": {"type": "user"}}, {"exit": 1}])),
        5 => stubborn(),
        _ => says(if chance.one_in(2) { "yes" } else { "no" }, chance.up_to(900)),
    }
}

/// What the calls of one schedule share.
#[derive(Clone)]
struct World {
    orchestrator: Orchestrator,
    census: Arc<Census>,
    /// How often each task was started.
    starts: Arc<Mutex<BTreeMap<String, u32>>>,
    names: Arc<AtomicUsize>,
}

impl World {
    fn any(chance: &mut Chance) -> Self {
        let many = chance.one_in(2);
        let config = OrchestratorConfig {
            max_concurrent: if many { MANY_PLACES } else { PLACES },
            max_waiting: if !many && chance.one_in(2) { 4 } else { 1_000 },
            rate_limit: chance.one_in(2).then(|| RateLimit {
                per_minute: Some(if many { 60 } else { 30 }),
                min_gap_ms: 5,
                ..RateLimit::default()
            }),
            circuit_breaker: chance.one_in(2).then(|| Circuit {
                timeout_ms: 1_000,
                probe_ms: 2_000,
                ..Circuit::default()
            }),
            budget: chance.one_in(2).then(|| Budget {
                run_usd: (!many).then_some(0.5),
                total_usd: Some(1_000.0),
                key_hour_usd: (!many).then_some(3.0),
                ..Budget::default()
            }),
            retry: RetryPolicy {
                throttle_base_ms: 50,
                network_base_ms: 20,
                program_retries: 0,
                ..RetryPolicy::default()
            },
            hedge: (many || chance.one_in(3)).then_some(Hedge {
                percentile: 50,
                min_delay_ms: 100,
                min_samples: 1,
                max_share: 1.0,
            }),
            // Where a tenth of the whole is held for each, there is never room for so many.
            options: Options { max_budget_usd: many.then_some(0.4), ..Options::default() },
            fallbacks: FALLBACKS[..chance.up_to(2) as usize]
                .iter()
                .map(|model| Candidate::model(*model))
                .collect(),
            timeout_ms: 30_000,
            ..OrchestratorConfig::default()
        };
        Self::new(config)
    }

    fn new(config: OrchestratorConfig) -> Self {
        Self {
            orchestrator: Orchestrator::new(config).unwrap(),
            census: Arc::default(),
            starts: Arc::default(),
            names: Arc::default(),
        }
    }

    fn places(&self) -> usize {
        self.orchestrator.config().max_concurrent
    }

    fn playing(&self, script: Script) -> Task {
        let name = self.names.fetch_add(1, Ordering::Relaxed).to_string();
        let (starts, task) = (self.starts.clone(), name.clone());
        let (census, admission) = (self.census.clone(), self.orchestrator.admission().clone());
        let places = self.places();
        Task::new("hi").name(name).configure(move |session| {
            *starts.lock().unwrap().entry(task.clone()).or_default() += 1;
            let (script, census, admission) = (script.clone(), census.clone(), admission.clone());
            session.transport(Counted { task: task.clone(), script, census, admission, places })
        })
    }

    fn task(&self, chance: &mut Chance) -> Task {
        let task = self.playing(any_program(chance));
        let task = if chance.one_in(2) { task.idempotent() } else { task };
        if chance.one_in(3) { task.timeout(Duration::from_millis(1 + chance.up_to(600))) } else { task }
    }

    fn tasks(&self, chance: &mut Chance) -> Vec<Task> {
        (0..chance.up_to(6)).map(|_| self.task(chance)).collect()
    }

    /// One call of any kind, and the outcomes it gives.
    fn call(&self, chance: &mut Chance) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send>> {
        let world = self.clone();
        let (one, tasks, spare) = (self.task(chance), self.tasks(chance), self.task(chance));
        let (kind, limit, refuses) = (chance.up_to(7), chance.up_to(3), chance.one_in(4));
        Box::pin(async move {
            let orchestrator = &world.orchestrator;
            match kind {
                0 => vec![orchestrator.run(one).await],
                1 => {
                    let count = tasks.len();
                    let outcomes = orchestrator.parallel(tasks).await;
                    let indices = outcomes.iter().map(|outcome| outcome.run().index);
                    assert!(indices.eq(0..count), "one outcome for each task, in their order");
                    outcomes
                }
                2 => {
                    let on_error = if refuses { OnError::FailFast } else { OnError::Tolerate(1) };
                    let limit = usize::try_from(limit).unwrap();
                    orchestrator.parallel(tasks).max_concurrent(limit).on_error(on_error).await
                }
                3 => orchestrator.pipeline(tasks).stop_on_error(refuses).await,
                4 => orchestrator.race(tasks).accept(move |_| async move { Ok(!refuses) }).await.outcomes,
                5 => orchestrator.vote(tasks).await.outcomes,
                6 => {
                    // A step that itself makes a call: whoever waits for tasks holds no place.
                    let reduce = |group: Vec<Outcome>| {
                        let (world, inner) = (world.clone(), spare.clone());
                        async move {
                            world.orchestrator.run(inner).await;
                            let failed =
                                || Error::new(ErrorKind::Callback, "the function of the host raised");
                            if refuses {
                                Err(failed())
                            } else {
                                Ok(world.playing(says("both", group.len() as u64)))
                            }
                        }
                    };
                    let all = orchestrator.map_reduce(tasks, 2, reduce).await;
                    all.mapped.into_iter().chain(all.reduced).chain(all.outcome).collect()
                }
                _ => {
                    let judge = |_| async move {
                        if refuses {
                            Err(Error::new(ErrorKind::Callback, "the judge raised"))
                        } else {
                            Ok(Verdict::Again("better".into()))
                        }
                    };
                    orchestrator.until(one, 3, judge).await.outcomes
                }
            }
        })
    }

    /// What must hold of the outcomes of a call that was not given up.
    fn check(&self, outcomes: &[Outcome], place: &str) {
        let mut attempts: BTreeMap<&str, u32> = BTreeMap::new();
        for outcome in outcomes {
            let run = outcome.run();
            assert!(run.duration <= Duration::from_secs(30) + STOPS, "{place}: {outcome:?}");
            // One that could not be made has no name.
            let Some(name) = run.name.as_deref() else { continue };
            *attempts.entry(name).or_default() += run.attempts;
            if outcome.status() == "skipped" {
                assert_eq!(run.attempts, 0, "{place}: {outcome:?}");
            }
        }
        for (name, models) in &*self.census.models.lock().unwrap() {
            let place_of =
                |model: &String| FALLBACKS.iter().position(|one| one == model).map_or(0, |at| at + 1);
            let order: Vec<usize> = models.iter().map(place_of).collect();
            assert!(order.is_sorted(), "{place}: task {name} went back to one it had left: {models:?}");
        }
        let starts = self.starts.lock().unwrap();
        for (name, attempts) in attempts {
            // Above all: what was refused started no program.
            assert_eq!(starts.get(name).copied().unwrap_or(0), attempts, "{place}: task {name}");
        }
    }

    /// Nothing runs, waits or is held.
    fn check_at_rest(&self, place: &str) {
        assert_eq!(self.census.alive(), 0, "{place}: programs");
        let state = self.orchestrator.admission().state(&Spender::default());
        assert_eq!((state.running, state.starting, state.waiting), (0, 0, 0), "{place}: {state:?}");
        let held = state.budget.accounts.get("global").map_or(Cost::ZERO, |account| account.held);
        assert_eq!(held, state.budget.uncertain, "{place}: only what a lost run may have cost stays held");
    }
}

async fn schedule(seed: u64) -> (usize, u64) {
    let mut chance = Chance::seeded(seed);
    let world = World::any(&mut chance);
    world.census.unknown_ms.store(chance.up_to(20), Ordering::Relaxed);
    // What is usual is known: whoever takes longer is late.
    for _ in 0..8 {
        assert!(world.orchestrator.run(world.playing(says("fine", 1))).await.is_success());
    }
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let call = world.call(&mut chance);
        let begins = Duration::from_millis(chance.up_to(1_500));
        let given_up = chance.one_in(2).then(|| Duration::from_millis(chance.up_to(2_500)));
        let world = world.clone();
        calls.spawn(async move {
            tokio::time::sleep(begins).await;
            let place = format!("seed {seed} call {number}");
            match given_up {
                None => world.check(&call.await, &place),
                Some(after) => {
                    if let Ok(outcomes) = tokio::time::timeout(after, call).await {
                        world.check(&outcomes, &place);
                    }
                }
            }
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    let place = format!("seed {seed}");
    // The longest a program that ignores everything takes to be gone.
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.check_at_rest(&place);

    // Whatever happened, it works again: when windows, breakers and uncertain charges are over, all places are there.
    tokio::time::sleep(Duration::from_secs(3 * 3_600)).await;
    for number in 0..8 {
        let outcome = world.orchestrator.run(world.playing(says("fine", 1))).await;
        assert!(outcome.is_success(), "{place} run {number}: {outcome:?}");
    }
    world.census.most.store(0, Ordering::Relaxed);
    let places = world.places();
    let tasks: Vec<_> = (0..places + 2).map(|_| world.playing(says("fine", 500))).collect();
    let outcomes = world.orchestrator.parallel(tasks).await;
    assert!(outcomes.iter().all(Outcome::is_success), "{place}: {outcomes:?}");
    assert_eq!(
        world.census.most.load(Ordering::Relaxed),
        places,
        "{place}: all places can be used, and no more"
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.check_at_rest(&place);
    (world.census.started.load(Ordering::Relaxed), world.orchestrator.stats().hedged)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_calls_that_are_given_up_at_random() {
    let (mut programs, mut hedged) = (0, 0);
    for seed in 0..SCHEDULES {
        // On a clock that moves only when everybody waits: whoever waits for nobody would be seen here.
        let played = tokio::time::timeout(Duration::from_secs(24 * 3_600), schedule(seed)).await;
        let (started, beside) = played.unwrap_or_else(|_| panic!("seed {seed}: somebody waits for ever"));
        (programs, hedged) = (programs + started, hedged + beside);
    }
    assert!(programs > 500 && hedged > 5, "{programs} programs and {hedged} hedges show little");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_has_its_place_until_its_program_is_gone() {
    let world = World::new(OrchestratorConfig { max_concurrent: 1, ..OrchestratorConfig::default() });
    let mut progress = world.orchestrator.subscribe();
    let speaks = async {
        while let Some(event) = progress.next().await {
            if matches!(event.stage, Stage::Delta { .. }) {
                return;
            }
        }
    };
    tokio::select! {
        outcome = world.orchestrator.run(world.playing(stubborn())) => panic!("{outcome:?}"),
        () = speaks => {}
    }
    let outcome = world.orchestrator.run(world.playing(says("fine", 1))).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(world.census.most.load(Ordering::Relaxed), 1, "one place is one program");
    world.check_at_rest("behind a dropped call");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_while_its_program_starts_has_its_place_until_that_is_gone() {
    let world = World::new(OrchestratorConfig { max_concurrent: 1, ..OrchestratorConfig::default() });
    world.census.unknown_ms.store(1_000, Ordering::Relaxed);
    let deaf = || script(&json!([{"ignore": ["SIGTERM"]}, {"hang": true}]));
    let dropped = world.orchestrator.run(world.playing(deaf()));
    assert!(tokio::time::timeout(Duration::from_millis(500), dropped).await.is_err());
    let late = world.playing(deaf()).timeout(Duration::from_secs(8));
    let late = world.orchestrator.run(late).await;
    assert_eq!(late.status(), "timed_out", "{late:?}");
    let outcome = world.orchestrator.run(world.playing(says("fine", 1))).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(world.census.started.load(Ordering::Relaxed), 3);
    assert_eq!(world.census.most.load(Ordering::Relaxed), 1, "one place is one program");
    world.check_at_rest("behind starts that were given up");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_its_program_is_stopped_has_its_place_until_that_is_gone() {
    // The program is known already when its time is up, or it is still being started then.
    for unknown_ms in [0, 3_000] {
        let world = World::new(OrchestratorConfig { max_concurrent: 1, ..OrchestratorConfig::default() });
        world.census.unknown_ms.store(unknown_ms, Ordering::Relaxed);
        let deaf = script(&json!([{"ignore": ["SIGTERM"]}, {"hang": true}]));
        let late = world.orchestrator.run(world.playing(deaf).timeout(Duration::from_secs(1)));
        assert!(tokio::time::timeout(Duration::from_millis(1_500), late).await.is_err());
        let outcome = world.orchestrator.run(world.playing(says("fine", 1))).await;
        assert!(outcome.is_success(), "{unknown_ms} ms: {outcome:?}");
        let most = world.census.most.load(Ordering::Relaxed);
        assert_eq!(most, 1, "one place is one program, also when nobody knew it for {unknown_ms} ms");
        world.check_at_rest("behind a stop that nobody waited for");
    }
}
