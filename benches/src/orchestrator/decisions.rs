//! Decisions without any program: what it takes to let an attempt in and to close its account.

use std::{
    hint::black_box,
    sync::Barrier,
    time::{Duration, Instant},
};

use madrigal::resilience::{Admission, AdmissionConfig, Budget, Circuit, Cost, Demand, Key, RateLimit};

use crate::figures::{Row, quantile};

/// Limits that all count and never refuse.
fn policies() -> AdmissionConfig {
    AdmissionConfig {
        max_concurrent: 1_000_000,
        rate_limit: Some(RateLimit { per_minute: Some(50_000_000), per_hour: None, ..RateLimit::default() }),
        circuit_breaker: Some(Circuit::default()),
        budget: Some(Budget { key_hour_usd: Some(1e6), total_usd: Some(1e6), ..Budget::default() }),
        ..AdmissionConfig::default()
    }
}

fn demand(key: usize) -> Demand {
    let key = Key::new("anthropic", "3fa9", format!("model-{key}"));
    Demand { cap: Cost::from_nanos(1_000), margin: Cost::from_nanos(100), ..Demand::new(key) }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Lets one in and settles it; the microseconds of each.
fn once(admission: &Admission, demand: &Demand) -> (f64, f64) {
    let started = Instant::now();
    let decision = admission.try_admit(black_box(demand));
    let decided = Instant::now();
    let mut permit = decision.admitted().expect("nothing refuses");
    permit.started();
    permit.settle(&Ok(()), Some(Cost::from_nanos(500)));
    (micros(decided - started), micros(decided.elapsed()))
}

pub(crate) fn admission() -> Vec<Row> {
    let admission = Admission::new(policies()).expect("limits that work");
    let ask = demand(0);
    let (mut decided, mut settled): (Vec<_>, Vec<_>) = (0..300_000).map(|_| once(&admission, &ask)).unzip();
    let (median, p99) = (quantile(&mut decided, 0.5), quantile(&mut decided, 0.99));
    let refused = refusals();
    vec![
        Row {
            what: "admission: one attempt let in, median (P99)".into(),
            measured: format!("{median:.2} us ({p99:.2} us)"),
            goal: Some(("2 us".into(), median < 2.0)),
        },
        Row {
            what: "  told to wait, behind 1 000 others".into(),
            measured: format!("{refused:.2} us"),
            goal: Some(("2 us".into(), refused < 2.0)),
        },
        Row {
            what: "  settled".into(),
            measured: format!("{:.2} us", quantile(&mut settled, 0.5)),
            goal: None,
        },
    ]
}

/// The median decision when all places are taken and a thousand wait.
fn refusals() -> f64 {
    let config = AdmissionConfig { max_concurrent: 1, max_waiting: 1_000, ..policies() };
    let admission = Admission::new(config).expect("limits that work");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let _permit = admission.try_admit(&demand(0)).admitted().expect("the first");
        let waiting: Vec<_> = (0..1_000)
            .map(|number| {
                let (admission, demand) = (admission.clone(), demand(number % 10));
                tokio::spawn(async move { admission.admit(demand).await.is_ok() })
            })
            .collect();
        while admission.state(&demand(0).spender).waiting < 1_000 {
            tokio::task::yield_now().await;
        }
        let ask = demand(0);
        let mut times: Vec<f64> = (0..100_000)
            .map(|_| {
                let started = Instant::now();
                assert!(!black_box(admission.try_admit(&ask)).is_admitted());
                micros(started.elapsed())
            })
            .collect();
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        quantile(&mut times, 0.5)
    })
}

const THREADS: usize = 64;
const EACH: usize = 20_000;

/// 64 threads let attempts of eight keys in and settle them, as fast as they can.
pub(crate) fn together() -> Vec<Row> {
    let admission = Admission::new(policies()).expect("limits that work");
    let begin = Barrier::new(THREADS + 1);
    let (wall, mut felt) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (admission, begin) = (admission.clone(), &begin);
                scope.spawn(move || {
                    let ask = demand(number % 8);
                    begin.wait();
                    (0..EACH)
                        .map(|_| once(&admission, &ask))
                        .map(|(decided, settled)| decided + settled)
                        .collect()
                })
            })
            .collect();
        begin.wait();
        let started = Instant::now();
        let felt: Vec<Vec<f64>> =
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        (micros(started.elapsed()), felt.concat())
    });
    let each = wall / (THREADS * EACH) as f64;
    vec![Row {
        what:
            "limiter, breaker and budget, 64 threads: let in and settled, time for each (median felt by one)"
                .into(),
        measured: format!("{each:.2} us ({:.2} us)", quantile(&mut felt, 0.5)),
        goal: Some(("5 us".into(), each < 5.0)),
    }]
}
