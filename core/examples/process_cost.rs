//! What starting and ending programs costs, beside the standard library and nothing else.
//!
//! Run with `cargo run --release -p madrigal --example process_cost`. Rounds are interleaved, so that a busy machine
//! slows both sides.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    env, fs,
    hint::black_box,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use madrigal::transport::{ChildTransport, Connection, Launch, StopLadder, Transport};
use tokio::{io::AsyncReadExt, runtime::Runtime};

const ROUNDS: usize = 500;
const STUBBORN: &str = "trap '' TERM INT; echo; while :; do sleep 0.05; done";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // As a host that is to be killed; see `killed`.
    if let Some(script) = env::args().nth(1) {
        let connection = runtime.block_on(sh(&script));
        println!("{}", connection.process.id().unwrap());
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    one_at_a_time(&runtime);
    many_at_once(&runtime);
    let ended = (0..20).map(|_| runtime.block_on(stopped())).collect();
    println!("asked to stop, to gone: {:.1} ms", median(ended) / 1e3);
    for (what, script) in [("obeys", "echo; exec sleep 60"), ("ignores SIGTERM", STUBBORN)] {
        let gone = (0..9).map(|_| killed(script)).collect();
        println!("host killed, program that {what}: gone after {:.1} ms", median(gone) / 1e3);
    }
    weigh_guardian();
}

fn one_at_a_time(runtime: &Runtime) {
    println!("start to first byte and to end, us: the fastest tenth and the median of {ROUNDS}");
    println!(
        "{:>8} {:>14} {:>14} {:>14} {:>14}",
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
        let [a, b, c, d] = all.map(|mut times| {
            times.sort();
            format!("{} / {}", times[ROUNDS / 10].as_micros(), times[ROUNDS / 2].as_micros())
        });
        println!("{megabytes:>8} {a:>14} {b:>14} {c:>14} {d:>14}");
    }
}

fn many_at_once(runtime: &Runtime) {
    let [mut bare, mut ours] = [const { Vec::new() }; 2];
    for _ in 0..5 {
        let start = Instant::now();
        let children: Vec<_> = (0..ROUNDS).map(|_| echo().spawn().unwrap()).collect();
        for child in children {
            child.wait_with_output().unwrap();
        }
        bare.push(start.elapsed());
        let start = Instant::now();
        runtime.block_on(async {
            let all: Vec<_> = (0..ROUNDS).map(|_| tokio::spawn(self::ours())).collect();
            for one in all {
                one.await.unwrap();
            }
        });
        ours.push(start.elapsed());
    }
    let [bare, ours] = [bare, ours].map(median);
    println!("{ROUNDS} at once: bare {:.0} ms, ours {:.0} ms", bare / 1e3, ours / 1e3);
}

fn echo() -> Command {
    let mut command = Command::new("/bin/echo");
    command.arg("x").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn bare() -> (Duration, Duration) {
    let start = Instant::now();
    let mut child = echo().spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let first = start.elapsed();
    child.wait().unwrap();
    (first, start.elapsed())
}

async fn ours() -> (Duration, Duration) {
    let start = Instant::now();
    let launch = Launch { program: "/bin/echo".into(), args: vec!["x".into()], ..Launch::default() };
    let mut connection = ChildTransport.connect(launch).await.unwrap();
    connection.output.read_u8().await.unwrap();
    let first = start.elapsed();
    connection.process.wait().await;
    (first, start.elapsed())
}

/// Starts a script and waits until it writes.
async fn sh(script: &str) -> Connection {
    let launch =
        Launch { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..Launch::default() };
    let mut connection = ChildTransport.connect(launch).await.unwrap();
    connection.output.read_u8().await.unwrap();
    connection
}

async fn stopped() -> Duration {
    let connection = sh("echo; exec sleep 60").await;
    let start = Instant::now();
    connection.process.stop(StopLadder::NOW);
    connection.process.wait().await;
    start.elapsed()
}

/// From the SIGKILL of a host to the end of its program.
fn killed(script: &str) -> Duration {
    let mut host =
        Command::new(env::current_exe().unwrap()).arg(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut program = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut program).unwrap();
    let stat = format!("/proc/{}/stat", program.trim());
    let start = Instant::now();
    host.kill().unwrap();
    host.wait().unwrap();
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::sleep(Duration::from_micros(200));
    }
    start.elapsed()
}

fn weigh_guardian() {
    let name = format!("madrigal-guardian-of-{}", std::process::id());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let file = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        if file("cmdline").split(|byte| *byte == 0).any(|argument| argument == name.as_bytes()) {
            let rollup = String::from_utf8(file("smaps_rollup")).unwrap();
            for line in rollup.lines().filter(|line| line.starts_with("Rss:") || line.starts_with("Pss:")) {
                println!("guardian {line}");
            }
            let schedstat = String::from_utf8(file("schedstat")).unwrap();
            println!("guardian CPU since its start: {} ns", schedstat.split(' ').next().unwrap());
        }
    }
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}
