//! Everything that goes wrong with programs, at once and again and again, through one orchestrator: programs that crash, hang, write
//! nonsense, do not read, are refused by the API, and a hand that kills and stops them at random. However that goes, each
//! task has one outcome with a known reason, in its time; nothing is left behind and nothing is spent beyond the limits.
//!
//! `MADRIGAL_CHAOS_SECONDS` says for how long (default 30), `MADRIGAL_CHAOS_SEED` in which order (default: another one each time, which is
//! printed). The kinds of tasks follow from the seed; which program the hand meets does not.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on should stop")]

use std::{
    collections::BTreeMap,
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use madrigal::{
    Options,
    orchestrate::{Orchestrator, OrchestratorConfig, Stage, Task},
    resilience::{Budget, Circuit, RateLimit, RetryPolicy, Spender},
};
use serde_json::{Value, json};

const BIN: &str = env!("CARGO_BIN_EXE_madrigal");
/// The time of a task, and what ending its program may take beyond it.
const LIMIT: Duration = Duration::from_secs(3);
const GRACE: Duration = Duration::from_secs(7);
const ROUND: usize = 48;
const PARALLEL: usize = 6;
/// US dollars: of a round, of a run, and of the dearest request a program makes after its cap is passed.
const FLOW: f64 = 0.45;
const RUN: f64 = 0.022;
const DEAREST: f64 = 0.03;

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// What programs do, each as the steps of a script.
fn program(kind: &str) -> Vec<Value> {
    let asked = json!({"await": {"type": "user"}});
    let refused = |status: u16| {
        vec![
            asked.clone(),
            json!({"init": {}}),
            json!({"result": {"is_error": true, "result": "the API said no",
            "api_error_status": status, "terminal_reason": "api_error", "total_cost_usd": 0.001}}),
        ]
    };
    let paid = |usd: f64| json!({"result": {"total_cost_usd": usd}});
    match kind {
        "good" => {
            vec![asked, json!({"init": {}}), json!({"text": {"text": "Fine.", "deltas": 3}}), paid(0.015)]
        }
        "thinks" => vec![
            asked,
            json!({"init": {}}),
            json!({"pause_ms": 400}),
            json!({"text": {"text": "Fine."}}),
            paid(0.015),
        ],
        "dear" => vec![asked, json!({"init": {}}), paid(DEAREST)],
        "garbage" => vec![
            asked,
            json!({"init": {}}),
            json!({"emit_raw": "not a frame\n{\"half\": \n"}),
            json!({"emit_hex": "ff00fe0a"}),
            paid(0.015),
        ],
        "flood" => vec![
            asked,
            json!({"init": {}}),
            json!({"flood": {"count": 2000, "frame": {"type": "system", "subtype": "status", "n": "$i"}}}),
            paid(0.015),
        ],
        "limited" => refused(429),
        "overloaded" => refused(529),
        "denied" => refused(401),
        "exits" => vec![asked, json!({"stderr": "out of luck\n"}), json!({"exit": 3})],
        "dies" => vec![
            asked,
            json!({"init": {}}),
            json!({"text": {"text": "I am", "deltas": 2, "open": true}}),
            json!({"kill_self": 9}),
        ],
        "deaf" => vec![json!({"hang": true})],
        "stubborn" => vec![
            json!({"ignore": ["SIGTERM", "SIGINT"]}),
            asked,
            json!({"spawn": {"ignore": ["SIGTERM"]}}),
            json!({"init": {}}),
            json!({"hang": true}),
        ],
        other => panic!("no program {other}"),
    }
}

const KINDS: [&str; 20] = [
    "good",
    "good",
    "good",
    "good",
    "good",
    "good",
    "thinks",
    "thinks",
    "thinks",
    "thinks",
    "dear",
    "garbage",
    "flood",
    "limited",
    "overloaded",
    "denied",
    "exits",
    "dies",
    "deaf",
    "stubborn",
];

fn task(kind: &'static str, mark: &str) -> Task {
    let script = json!({"name": kind, "cli": program(kind)}).to_string();
    // What the API thinks of one credential says nothing about the others.
    let credential = match kind {
        "denied" => "test-denied",
        "limited" | "overloaded" => "test-strained",
        _ => "test",
    };
    let env = [
        ("MADRIGAL_SIMULATE", script.as_str()),
        ("MADRIGAL_CHAOS_MARK", mark),
        ("ANTHROPIC_API_KEY", credential),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    // More than a pipe holds, so that a program that does not read is felt.
    let prompt = if kind == "deaf" { "x".repeat(300_000) } else { kind.to_owned() };
    Task::new(prompt).name(kind).timeout(LIMIT).options(Options {
        cli_path: Some(BIN.into()),
        env: env.into(),
        ..Options::default()
    })
}

/// Living processes that were started here, wherever they hang in the tree.
fn started(mark: &str) -> Vec<String> {
    let wanted = format!("MADRIGAL_CHAOS_MARK={mark}");
    let entries =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    entries
        .filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| {
            // A process that ended and was not yet collected has no environment any more.
            let env = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            env.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
        })
        .collect()
}

/// Kills, stops and wakes programs until it is told to rest. Returns how often.
fn hand(
    mark: String,
    seed: u64,
    every: Duration,
    rest: Arc<AtomicBool>,
) -> thread::JoinHandle<BTreeMap<&'static str, u64>> {
    thread::spawn(move || {
        let mut dice = Dice(seed);
        let mut done = BTreeMap::new();
        while !rest.load(Ordering::Relaxed) {
            thread::sleep(every);
            let programs = started(&mark);
            if programs.is_empty() {
                continue;
            }
            let signal = ["-KILL", "-STOP", "-CONT"][dice.below(3)];
            let pid = &programs[dice.below(programs.len())];
            // It may be gone by now.
            if Command::new("kill").args([signal, pid]).output().unwrap().status.success() {
                *done.entry(signal).or_default() += 1;
            }
        }
        done
    })
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_programs_every_task_ends_well_defined() {
    let time = Duration::from_secs(number("MADRIGAL_CHAOS_SECONDS", 30));
    let seed = number("MADRIGAL_CHAOS_SEED", u64::from(std::process::id()));
    let mark = std::process::id().to_string();
    let orchestrator = Orchestrator::new(OrchestratorConfig {
        max_concurrent: PARALLEL,
        rate_limit: Some(RateLimit::unlimited()),
        circuit_breaker: Some(Circuit {
            failure_threshold: 8,
            failure_rate: None,
            timeout_ms: 200,
            max_timeout_ms: 400,
            ..Circuit::default()
        }),
        budget: Some(Budget { flow_usd: Some(FLOW), run_usd: Some(RUN), ..Budget::default() }),
        retry: RetryPolicy {
            throttle_base_ms: 20,
            network_base_ms: 20,
            spawn_base_ms: 20,
            program_retries: 0,
            ..RetryPolicy::default()
        },
        ..OrchestratorConfig::default()
    })
    .unwrap();
    let mut progress = orchestrator.subscribe();
    let rest = Arc::new(AtomicBool::new(false));
    let every =
        if time > Duration::from_secs(60) { Duration::from_secs(1) } else { Duration::from_millis(200) };
    let hand = hand(mark.clone(), seed, every, rest.clone());

    let mut dice = Dice(seed);
    let (mut ends, mut tasks, mut spent, mut most, mut slowest) =
        (BTreeMap::new(), 0, 0.0, 0.0_f64, Duration::ZERO);
    let (mut sequence, mut done) = (0, 0);
    let began = Instant::now();
    // A round of which everything is refused is over at once: without a pause nothing else would be seen.
    let mut pace = tokio::time::interval(Duration::from_millis(500));
    while began.elapsed() < time {
        pace.tick().await;
        let kinds: Vec<&'static str> = (0..ROUND).map(|_| KINDS[dice.below(KINDS.len())]).collect();
        let round: Vec<Task> = kinds.iter().map(|kind| task(kind, &mark)).collect();
        // Even if all of them went one after the other to the end of their time.
        let hung = (LIMIT + GRACE) * u32::try_from(ROUND / PARALLEL + 1).unwrap();
        let outcomes = tokio::time::timeout(hung, orchestrator.parallel(round))
            .await
            .unwrap_or_else(|_| panic!("seed {seed}: a round hangs"));
        assert_eq!(outcomes.len(), ROUND);
        for (outcome, kind) in outcomes.iter().zip(&kinds) {
            let run = outcome.run();
            let code = outcome.error().map_or("", |error| error.kind().code());
            assert_eq!(run.name.as_deref(), Some(*kind));
            assert!(run.duration <= LIMIT + GRACE, "{kind}: {} after {:?}", outcome.status(), run.duration);
            assert_eq!(outcome.is_success(), code.is_empty(), "{kind}: {outcome:?}");
            assert_ne!(code, "internal", "{kind}: {:?}", outcome.error());
            assert!(
                !outcome.is_success() || !["denied", "exits", "dies", "deaf", "stubborn"].contains(kind),
                "{kind}"
            );
            slowest = slowest.max(run.duration);
            *ends.entry(format!("{} {code}", outcome.status())).or_insert(0_u64) += 1;
        }
        let cost: f64 = outcomes.iter().map(|outcome| outcome.run().cost_usd).sum();
        // Each that runs may pass its cap by the request that is under way.
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let bound = FLOW + PARALLEL as f64 * DEAREST;
        assert!(cost <= bound, "a round cost {cost}, the bound is {bound}");
        (most, spent, tasks) = (most.max(cost), spent + cost, tasks + ROUND);

        let state = orchestrator.admission().state(&Spender::default());
        assert_eq!(
            (state.running, state.starting, state.waiting),
            (0, 0, 0),
            "places and turns are given back"
        );
        let booked = state.budget.total_spent.usd() + state.budget.uncertain.usd();
        assert!(booked + 1e-6 >= spent, "{spent} was spent, {booked} is booked");
        assert_eq!(started(&mark), Vec::<String>::new(), "programs outlive their call");
        for event in progress.take() {
            assert_eq!(event.sequence, sequence);
            sequence += 1;
            done += usize::from(matches!(event.stage, Stage::Done { .. }));
        }
        assert_eq!(done, tasks);
    }
    rest.store(true, Ordering::Relaxed);
    let blows = tokio::task::spawn_blocking(|| hand.join().unwrap()).await.unwrap();
    println!("seed {seed}, {:.0?}: {tasks} tasks, {sequence} events, blows {blows:?}", began.elapsed());
    println!("ends {ends:?}; slowest {slowest:.1?}; {spent:.3} USD, at most {most:.3} a round");
    assert_eq!(orchestrator.stats().total, tasks as u64);
    for status in ["succeeded", "failed", "rejected circuit_open", "rejected budget_exceeded"] {
        assert!(ends.keys().any(|end| end.starts_with(status)), "none {status}: {ends:?}");
    }
    // Otherwise little was tried.
    assert!(orchestrator.stats().attempts >= tasks as u64 / 4, "{:?}", orchestrator.stats());
    assert!(!blows.is_empty());
}
