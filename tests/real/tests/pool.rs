//! The pool on the real program: what a run that is begun on a recycled process lets the model see, that one which stands ready
//! serves one run, and that nothing is left.

#![allow(clippy::unwrap_used, reason = "tests stop when they cannot go on")]

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use madrigal::{
    Options,
    orchestrate::{Orchestrator, OrchestratorConfig, Outcome, Stage, Task},
    pool::{PoolConfig, Start},
    testing::loopback::Script,
};
use madrigal_real::Place;
use serde_json::json;

fn orchestrator(place: &Place, pool: PoolConfig, max_concurrent: usize) -> Orchestrator {
    let options = Options { tools: Some(Vec::<String>::new().into()), ..place.options() };
    let config = OrchestratorConfig {
        options,
        pool: Some(pool),
        max_concurrent,
        rate_limit: None,
        ..OrchestratorConfig::default()
    };
    Orchestrator::new(config).unwrap()
}

/// Processes whose home is in this place.
fn living(place: &Place) -> Vec<u32> {
    let home = format!("CLAUDE_CONFIG_DIR={}", place.config().display());
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
    })
    .collect()
}

async fn ready(orchestrator: &Orchestrator) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while orchestrator.stats().idle == 0 {
        assert!(Instant::now() < deadline, "nothing stands ready: {:?}", orchestrator.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start(outcome: &Outcome) -> Start {
    assert!(outcome.is_success(), "{outcome:?}");
    outcome.run().start.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recycled_process_shows_the_model_nothing_of_the_runs_before() {
    const RUNS: usize = 24;
    let place = Place::with(Script::echo());
    let pool = PoolConfig { recycle: true, max_reuses: 100, ..PoolConfig::default() };
    let orchestrator = orchestrator(&place, pool, 2);
    let mut progress = orchestrator.subscribe();
    let prompts = (0..RUNS).map(|number| format!("The word of run {number} is CANARY-{number}-END."));
    let outcomes = orchestrator.parallel(prompts).await;
    let mut sessions = BTreeSet::new();
    for outcome in &outcomes {
        let run = outcome.run();
        start(outcome);
        assert!(sessions.insert(run.session_id.clone()), "each is a session of its own");
        let own = format!("CANARY-{}-END", run.index);
        let said: String = run.messages.iter().map(|message| message.raw()).collect();
        assert_eq!(said.matches("CANARY-").count(), said.matches(&own).count(), "{said}");
    }
    let stats = orchestrator.stats();
    let dropped = progress.take().into_iter().filter(|event| matches!(event.stage, Stage::Dropped { .. }));
    // How many are started beside them is a matter of time; that most runs need no start is not.
    assert!(stats.recycled > RUNS as u64 / 2, "{stats:?} {:?}", dropped.collect::<Vec<_>>());
    let requests = place.api.requests();
    assert_eq!(requests.len(), RUNS, "forgetting asks no model");
    for request in &requests {
        let text = json!(request).to_string();
        let words: BTreeSet<&str> =
            text.split("CANARY-").skip(1).filter_map(|rest| rest.split("-END").next()).collect();
        assert_eq!(words.len(), 1, "{text}");
        assert!(request.replies.is_empty(), "an answer of a run before: {text}");
    }
    orchestrator.close().await;
    assert_eq!(living(&place), Vec::<u32>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_ready_serves_one_run_that_is_started_the_same_way() {
    let place = Place::with(Script::echo());
    let orchestrator = orchestrator(&place, PoolConfig::default(), 1);
    let mut sessions = BTreeSet::new();
    for _ in 0..2 {
        ready(&orchestrator).await;
        let outcome = orchestrator.run("hello").await;
        assert_eq!(start(&outcome), Start::Prewarmed);
        assert!(sessions.insert(outcome.run().session_id.clone()));
    }
    let other = Options { append_system_prompt: Some("Be brief.".into()), ..Options::default() };
    assert_eq!(start(&orchestrator.run(Task::new("hello").options(other)).await), Start::Cold);
    ready(&orchestrator).await;
    orchestrator.close().await;
    assert_eq!(living(&place), Vec::<u32>::new());
}
