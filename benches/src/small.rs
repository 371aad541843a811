//! Small queries on the real program: how many a second with processes that serve run after run, and how long a person waits for
//! the first word when a process was started for the query, stood ready, or served another before.

use std::time::{Duration, Instant};

use madrigal::{
    Options,
    orchestrate::{Orchestrator, OrchestratorConfig, Stage},
    pool::{PoolConfig, Start},
};

/// How long a program may take to stand ready.
const PATIENCE: Duration = Duration::from_secs(60);

fn orchestrator(pool: Option<PoolConfig>, max_concurrent: usize) -> madrigal::Result<Orchestrator> {
    let options = Options {
        cli_path: std::env::var_os("BENCH_REAL_CLI").map(Into::into),
        include_partial_messages: true,
        tools: Some(Vec::<String>::new().into()),
        ..Options::default()
    };
    Orchestrator::new(OrchestratorConfig {
        options,
        pool,
        max_concurrent,
        rate_limit: None,
        ..OrchestratorConfig::default()
    })
}

/// So many queries, so many at a time; how long that took, in ms.
pub(crate) async fn many(count: usize, at_once: usize) -> madrigal::Result<f64> {
    let pool = PoolConfig { recycle: true, max_reuses: 1_000, ..PoolConfig::default() };
    let started = Instant::now();
    let orchestrator = orchestrator(Some(pool), at_once)?;
    let outcomes = orchestrator.parallel((0..count).map(|number| format!("query {number}"))).await;
    let took = started.elapsed().as_secs_f64() * 1e3;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.text(), format!("You said: query {number}"), "{outcome:?}");
    }
    orchestrator.close().await;
    Ok(took)
}

/// From the call to the first piece of text, in ms, for queries one after the other that began so.
pub(crate) async fn first_delta(start: Start, count: usize) -> madrigal::Result<Vec<f64>> {
    let pool = match start {
        Start::Cold => None,
        Start::Prewarmed => Some(PoolConfig::default()),
        Start::Recycled => {
            Some(PoolConfig { recycle: true, min_idle: 0, max_reuses: 1_000, ..PoolConfig::default() })
        }
    };
    let orchestrator = orchestrator(pool, 1)?;
    let mut times = Vec::new();
    let mut queries = 0;
    while times.len() < count {
        queries += 1;
        assert!(queries <= 10 * count + 10, "of {queries} queries {} began as they should", times.len());
        // What a service has: some time between one query and the next, and something ready by then.
        let wanted = u64::from(
            start == Start::Prewarmed || (start == Start::Recycled && orchestrator.stats().total > 0),
        );
        let until = Instant::now() + PATIENCE;
        while orchestrator.stats().idle < wanted {
            assert!(Instant::now() < until, "nothing stands ready after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut progress = orchestrator.subscribe();
        let started = Instant::now();
        let (outcome, first) = tokio::join!(orchestrator.run("hello"), async {
            while let Some(event) = progress.next().await {
                // One that ended without a word is looked at below.
                if matches!(event.stage, Stage::Delta { .. } | Stage::Done { .. }) {
                    break;
                }
            }
            started.elapsed().as_secs_f64() * 1e3
        });
        assert!(outcome.is_success(), "{outcome:?}");
        if outcome.run().start == Some(start) {
            times.push(first);
        }
    }
    orchestrator.close().await;
    Ok(times)
}
