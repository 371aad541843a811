//! What starting a program costs, beside starting it with the standard library and nothing else.
//!
//! Run with `cargo run --release -p madrigal --example process_cost`. Rounds are interleaved, so that a busy machine
//! slows both sides; the last lines weigh the guardian.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    fs,
    hint::black_box,
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use madrigal::transport::{ChildTransport, Launch, Transport};
use tokio::io::AsyncReadExt;

const ROUNDS: usize = 500;

/// Start to first byte, and start to end.
type Times = (Duration, Duration);

fn bare() -> Times {
    let start = Instant::now();
    let mut child = Command::new("/bin/echo")
        .arg("x")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    let first = start.elapsed();
    child.wait().unwrap();
    (first, start.elapsed())
}

async fn ours() -> Times {
    let start = Instant::now();
    let launch = Launch { program: "/bin/echo".into(), args: vec!["x".into()], ..Launch::default() };
    let mut connection = ChildTransport.connect(launch).await.unwrap();
    connection.output.read_u8().await.unwrap();
    let first = start.elapsed();
    connection.process.wait().await;
    (first, start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:>8} {:>14} {:>14} {:>14} {:>14}   (us, median of {ROUNDS})",
        "host MB", "bare, byte", "ours, byte", "bare, end", "ours, end"
    );
    for megabytes in [0_usize, 100, 300] {
        let ballast = vec![1_u8; megabytes << 20];
        let mut all = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            let (bare_byte, bare_end) = bare();
            let (our_byte, our_end) = runtime.block_on(ours());
            for (list, time) in all.iter_mut().zip([bare_byte, our_byte, bare_end, our_end]) {
                list.push(time);
            }
        }
        black_box(&ballast);
        let [a, b, c, d] = all.map(median);
        println!("{megabytes:>8} {a:>14.0} {b:>14.0} {c:>14.0} {d:>14.0}");
    }
    weigh_guardian();
}

fn weigh_guardian() {
    let name = format!("madrigal-guardian-of-{}", std::process::id());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let file = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        if file("cmdline").split(|byte| *byte == 0).any(|argument| argument == name.as_bytes()) {
            let rollup = String::from_utf8(file("smaps_rollup")).unwrap();
            for line in
                rollup.lines().filter(|line| line.starts_with("Rss:") || line.starts_with("Private_Dirty:"))
            {
                println!("guardian {line}");
            }
            let schedstat = String::from_utf8(file("schedstat")).unwrap();
            println!("guardian CPU since its start: {} ns", schedstat.split(' ').next().unwrap());
        }
    }
}
