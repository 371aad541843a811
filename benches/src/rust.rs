//! The workloads in Rust. Called as `bench-rust WORKLOAD COUNT`.
#![allow(clippy::print_stdout)] // The result is one line on stdout.

mod small;

use std::io::Read;
use std::time::Instant;

use madrigal::{MessageKind, Options, pool::Start, query};

fn options() -> Options {
    Options {
        cli_path: std::env::var_os("BENCH_CLI").map(Into::into),
        include_partial_messages: true,
        ..Options::default()
    }
}

/// One query to its end: how many deltas came and how long their text was.
async fn one() -> madrigal::Result<(u64, usize)> {
    let (mut deltas, mut length, mut done) = (0, 0, false);
    let mut messages = query("hi", options()).await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        match message.kind() {
            MessageKind::StreamEvent => {
                let text = message.text();
                deltas += u64::from(!text.is_empty());
                length += text.len();
            }
            MessageKind::Result => done = true,
            _ => {}
        }
    }
    assert!(done, "the stream ended without a result");
    Ok((deltas, length))
}

/// Drops a running query; the driver sees when its process is gone.
async fn cancel() -> madrigal::Result<()> {
    let mut messages = query("hi", options()).await?;
    while let Some(message) = messages.next().await {
        if message?.kind() == MessageKind::Assistant {
            break;
        }
    }
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a line that says when");
    Ok(())
}

/// `MADRIGAL_BENCH_RUNTIME=current_thread` runs everything on one thread; otherwise what `#[tokio::main]` gives.
fn main() -> madrigal::Result<()> {
    let one_thread = std::env::var("MADRIGAL_BENCH_RUNTIME").is_ok_and(|flavor| flavor == "current_thread");
    let mut builder = if one_thread {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build().expect("a runtime").block_on(run())
}

async fn run() -> madrigal::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let count: usize = arguments[2].parse().expect("a count");
    let started = Instant::now();
    match arguments[1].as_str() {
        "one" => {
            let mut times = Vec::new();
            for _ in 0..count {
                let started = Instant::now();
                assert_eq!(one().await?.0, 10);
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
            println!("{{\"ms\":{times:?}}}");
        }
        "stream" => {
            let (deltas, length) = one().await?;
            let per_second = deltas as f64 / started.elapsed().as_secs_f64();
            println!("{{\"per_second\":{per_second:.0},\"messages\":{deltas},\"length\":{length}}}");
        }
        "many" => {
            let all: Vec<_> = (0..count).map(|_| tokio::spawn(one())).collect();
            for query in all {
                query.await.expect("no panic")?;
            }
            println!("{{\"ms\":{}}}", started.elapsed().as_secs_f64() * 1e3);
        }
        "cancel" => {
            cancel().await?;
            println!("{{\"ms\":0}}");
        }
        "small" => println!("{{\"ms\":{}}}", small::many(count, 4).await?),
        "first" => println!("{{\"ms\":{:?}}}", small::first_delta(Start::Cold, count).await?),
        "first_prewarmed" => println!("{{\"ms\":{:?}}}", small::first_delta(Start::Prewarmed, count).await?),
        "first_recycled" => println!("{{\"ms\":{:?}}}", small::first_delta(Start::Recycled, count).await?),
        other => panic!("no workload {other}"),
    }
    // Stays until the driver has read the peak memory of this process.
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of input");
    Ok(())
}
