//! Whole runs of the scripted program through the orchestrator.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use madrigal::{
    Options,
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
    resilience::RateLimit,
};

use crate::figures::{Row, cores, memory_mb, quantile};

/// A program that answers after so long.
fn thinks(for_ms: u64) -> Options {
    let script = format!(
        r#"{{"cli":[{{"await":{{"type":"user"}}}},{{"init":{{}}}},{{"pause_ms":{for_ms}}},{{"text":{{"text":"done"}}}},{{"result":{{"result":"done"}}}}]}}"#
    );
    Options {
        cli_path: Some(std::env::var_os("BENCH_CLI").expect("BENCH_CLI names the program").into()),
        env: [("MADRIGAL_SIMULATE".to_owned(), script)].into(),
        ..Options::default()
    }
}

fn orchestrator(max_concurrent: usize, think_ms: u64, rate_limit: Option<RateLimit>) -> Orchestrator {
    let config = OrchestratorConfig {
        max_concurrent,
        max_waiting: 100_000,
        rate_limit,
        options: thinks(think_ms),
        ..OrchestratorConfig::default()
    };
    Orchestrator::new(config).expect("a configuration that works")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Runs so many tasks, as many at a time as may; how long each took, in milliseconds.
async fn all(orchestrator: &Orchestrator, count: usize) -> Vec<f64> {
    let outcomes = orchestrator.parallel((0..count).map(|_| Task::new("hi"))).await;
    assert_eq!(outcomes.len(), count, "every task has an outcome");
    outcomes
        .iter()
        .map(|outcome| {
            assert!(outcome.is_success(), "{:?}", outcome.error());
            outcome.run().duration.as_secs_f64() * 1e3
        })
        .collect()
}

/// Tasks that think for a second, N at a time, against one after the other. Eight for each place: with one for each the time in which
/// the machine starts N programs at once is part of the result, and that is its own row.
pub(crate) fn speedup() -> Vec<Row> {
    block_on(async {
        let mut alone: Vec<f64> = all(&orchestrator(1, 1_000, None), 3).await;
        let alone = quantile(&mut alone, 0.5);
        let mut rows = Vec::new();
        for (width, turns) in [(1, 8), (8, 8), (32, 8), (64, 8), (64, 1)] {
            let orchestrator = orchestrator(width, 1_000, None);
            let started = Instant::now();
            all(&orchestrator, width * turns).await;
            let gain = alone * (width * turns) as f64 / (started.elapsed().as_secs_f64() * 1e3);
            let share = gain / width as f64;
            rows.push(Row {
                what: format!(
                    "{} tasks that think for 1 s, {width} at a time, against one after the other",
                    width * turns
                ),
                measured: format!("{gain:.1}x ({share:.3} x N)"),
                goal: (turns > 1).then(|| ("0.95 x N".into(), share >= 0.95)),
            });
        }
        rows
    })
}

const WIDTH: usize = 64;

/// What a run takes beyond its second of thought, 64 at a time, begun one after the other as those before them end: through the
/// orchestrator, and as plain queries. The difference is what the orchestrator adds.
pub(crate) fn latency() -> Vec<Row> {
    block_on(async {
        let (count, think) = (WIDTH * 4, 1_000.0);
        let beyond = |times: Vec<f64>| times.into_iter().map(|time| time - think).collect::<Vec<_>>();
        let (mut plain, mut through) = (Vec::new(), Vec::new());
        // In turns, so that a change in the machine's speed meets both.
        for _ in 0..3 {
            plain.extend(beyond(queries(count).await));
            through.extend(beyond(all(&orchestrator(WIDTH, 1_000, None), count).await));
        }
        let shares = [0.5, 0.99];
        let [plain, through] =
            [&mut plain, &mut through].map(|times| shares.map(|share| quantile(times, share)));
        let added = through[1] - plain[1];
        vec![
            Row {
                what: "64 in parallel, beyond the second of thought: plain queries, median (P99)".into(),
                measured: format!("{:.2} ms ({:.2} ms)", plain[0], plain[1]),
                goal: None,
            },
            Row {
                what: "  through the orchestrator".into(),
                measured: format!("{:.2} ms ({:.2} ms)", through[0], through[1]),
                goal: None,
            },
            Row {
                what: "  added at P99".into(),
                measured: format!("{added:.2} ms"),
                goal: Some(("5 ms".into(), added < 5.0)),
            },
        ]
    })
}

/// The same without an orchestrator: 64 loops of queries.
async fn queries(count: usize) -> Vec<f64> {
    let loops: Vec<_> = (0..WIDTH)
        .map(|_| {
            tokio::spawn(async move {
                let mut times = Vec::new();
                for _ in 0..count / WIDTH {
                    let started = Instant::now();
                    let mut query = madrigal::query("hi", thinks(1_000)).await.expect("it starts");
                    while let Some(message) = query.next().await {
                        message.expect("a message");
                    }
                    times.push(started.elapsed().as_secs_f64() * 1e3);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for query in loops {
        times.extend(query.await.expect("no panic"));
    }
    times
}

const PER_MINUTE: usize = 30_000;

/// More tasks than 30 000, a limit of 30 000 a minute, and when each of them was let in.
pub(crate) fn minute() -> Vec<Row> {
    block_on(async {
        let limit = RateLimit { per_minute: Some(30_000), per_hour: None, ..RateLimit::default() };
        let orchestrator = orchestrator(8 * cores(), 0, Some(limit));
        let starts = Arc::new(Mutex::new(Vec::with_capacity(PER_MINUTE + 500)));
        let began = Instant::now();
        let noted = Arc::clone(&starts);
        let tasks = (0..PER_MINUTE + 500).map(move |_| {
            let noted = Arc::clone(&noted);
            // Called when an attempt was let in, and before its program starts.
            Task::new("hi").timeout(Duration::from_secs(600)).configure(move |session| {
                noted.lock().expect("no panic").push(began.elapsed());
                session
            })
        });
        let mut ended = Vec::with_capacity(PER_MINUTE + 500);
        orchestrator
            .parallel(tasks)
            .for_each(|outcome| {
                assert!(outcome.is_success(), "{:?}", outcome.error());
                ended.push(began.elapsed());
            })
            .await;
        let mut starts = std::mem::take(&mut *starts.lock().expect("no panic"));
        starts.sort_unstable();
        let minute = Duration::from_secs(60);
        let within = ended.iter().filter(|end| **end <= minute).count();
        // No minute has more than the limit when each start is a minute after the one that is so many before it. Starts are noted a
        // moment after they were let in, so one that was noted late makes the span to those behind it look shorter.
        let spans = starts.iter().zip(&starts[PER_MINUTE..]).map(|(first, last)| *last - *first);
        let shortest = spans.min().unwrap_or_default().as_secs_f64();
        vec![
            Row {
                what: "a limit of 30 000 a minute: runs done in the first minute".into(),
                measured: within.to_string(),
                goal: Some(("29 900".into(), within >= PER_MINUTE - 100)),
            },
            Row {
                what: "  the least time from a start to the 30 000th after it".into(),
                measured: format!("{shortest:.4} s"),
                goal: Some(("60 s, noted to 20 ms".into(), shortest >= 59.98)),
            },
        ]
    })
}

/// Many runs at the same time in one host.
pub(crate) fn crowd() -> Vec<Row> {
    let count = 1_500;
    block_on(async {
        let orchestrator = orchestrator(count, 15_000, None);
        let started = Instant::now();
        let watch = tokio::spawn({
            let admission = orchestrator.admission().clone();
            async move {
                let mut most = 0;
                loop {
                    most = most.max(admission.state(&madrigal::resilience::Spender::default()).running);
                    if most as usize == count {
                        return most;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        });
        all(&orchestrator, count).await;
        let seconds = started.elapsed().as_secs_f64();
        let together = watch.is_finished();
        watch.abort();
        let peak = memory_mb("VmHWM:");
        vec![Row {
            what: format!("{count} runs at once that think for 15 s: peak memory of the host"),
            measured: format!(
                "{peak:.0} MB, {seconds:.1} s{}",
                if together { "" } else { ", NOT ALL AT ONCE" }
            ),
            goal: Some(("150 MB".into(), together && peak < 150.0)),
        }]
    })
}
