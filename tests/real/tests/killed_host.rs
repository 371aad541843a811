//! However a host ends, the `claude` it started and the tool that runs at that moment end too: the program within 1 s, the
//! tool within 3 s.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop when they cannot go on, and print what they measured"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use madrigal_real::{
    Place,
    process::{Known, gone},
};
use rustix::process::{Pid, Signal, kill_process};

const PROGRAM_LIMIT: Duration = Duration::from_secs(1);
const TOOL_LIMIT: Duration = Duration::from_secs(3);
/// A busy machine can delay anything: the best of so many counts.
const TRIES: usize = 3;
/// Nothing may take longer than this, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host in the middle of a tool.
struct Scene {
    place: Place,
    host: Child,
    program: Known,
    tool: Vec<Known>,
}

fn scene(how: &str) -> Scene {
    let place = Place::new();
    let mut options = place.options();
    options.allowed_tools = vec!["Bash".to_owned()];
    let mut host = Command::new(env!("CARGO_BIN_EXE_madrigal-real-host"))
        .arg(how)
        .env("MADRIGAL_REAL_OPTIONS", serde_json::to_string(&options).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let program = Known::find(line.trim().parse().unwrap()).unwrap();
    let tool = tool(&place);
    Scene { place, host, program, tool }
}

/// The shell of the tool and what it started, once the `sleep` in it runs.
fn tool(place: &Place) -> Vec<Known> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let written = fs::read_to_string(place.work().join("tool.pid")).unwrap_or_default();
        if let Some(shell) = written.trim().parse().ok().and_then(Known::find) {
            let tree = shell.tree();
            if tree.len() > 1 {
                return tree;
            }
        }
        assert!(Instant::now() < deadline, "the tool did not start; the API got {:?}", place.api.requests());
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Scene {
    /// How long the program and the tool lived after the end of their host.
    fn measure(mut self, name: &str, stays: bool, end: fn(&mut Child)) -> (Duration, Duration) {
        assert!(self.program.lives() && self.tool.iter().all(|process| process.lives()));
        end(&mut self.host);
        if !stays {
            // A host that prints a backtrace takes its time before it is gone; that time is its own.
            self.host.wait().unwrap();
        }
        let since = Instant::now();
        let program = gone(&format!("{name}: claude"), &[self.program], since, PATIENCE);
        let tool = gone(&format!("{name}: the tool"), &self.tool, since, PATIENCE);
        println!(
            "{name}: claude gone after {} ms, the tool after {} ms",
            program.as_millis(),
            tool.as_millis()
        );
        assert!(!self.place.work().join("slept.txt").exists(), "the tool went on");
        drop(self.host.kill());
        drop(self.host.wait());
        (program, tool)
    }
}

/// Lets hosts end this way until one leaves nothing behind in time.
fn ends(name: &str, how: &str, stays: bool, end: fn(&mut Child)) {
    // One at a time: two would measure each other.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let in_time = (0..TRIES).any(|_| {
        let (program, tool) = scene(how).measure(name, stays, end);
        program <= PROGRAM_LIMIT && tool <= TOOL_LIMIT
    });
    assert!(in_time, "{name}: never within {PROGRAM_LIMIT:?} for claude and {TOOL_LIMIT:?} for the tool");
}

fn signal(host: &Child, signal: Signal) {
    kill_process(Pid::from_child(host), signal).unwrap();
}

fn go_on(host: &mut Child) {
    host.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
}

#[test]
fn sigkill() {
    ends("SIGKILL", "wait", false, |host| signal(host, Signal::KILL));
}

#[test]
fn sigint() {
    ends("SIGINT", "wait", false, |host| signal(host, Signal::INT));
}

#[test]
fn sigterm() {
    ends("SIGTERM", "wait", false, |host| signal(host, Signal::TERM));
}

#[test]
fn process_exit() {
    ends("process::exit", "exit", false, go_on);
}

#[test]
fn abort() {
    ends("abort", "abort", false, go_on);
}

#[test]
fn panic() {
    ends("panic", "panic", false, go_on);
}

#[test]
fn return_from_main() {
    ends("return from main", "return", false, go_on);
}

#[test]
fn dropped_session() {
    ends("dropped session", "drop", true, go_on);
}
