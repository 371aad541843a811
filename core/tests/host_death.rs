//! Programs do not outlive their host, whichever way it ends.
//!
//! The host is this test program itself, run again with `host` as the one test to run: it starts a program, says how the
//! program is doing, and waits to be killed.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use madrigal::transport::{ChildTransport, Launch, Transport};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

const SCRIPT: &str = "MADRIGAL_TEST_SCRIPT";
const LINES: &str = "MADRIGAL_TEST_LINES";
const ENDING: &str = "MADRIGAL_TEST_ENDING";

/// Not a test: the host of the tests below.
#[test]
#[ignore = "run by the other tests as their host"]
fn host() {
    let Ok(script) = std::env::var(SCRIPT) else { return };
    let mut wanted: usize = std::env::var(LINES).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let launch =
            Launch { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..Launch::default() };
        let mut connection = ChildTransport.connect(launch).await.unwrap();
        eprintln!("program {}", connection.process.id().unwrap());
        let mut lines = tokio::io::BufReader::new(connection.output).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            eprintln!("{line}");
            wanted -= 1;
            if wanted == 0 {
                eprintln!("ready");
                break;
            }
        }
        match std::env::var(ENDING).as_deref() {
            Ok("exit") => std::process::exit(0),
            Ok("after the program") => {
                connection.input.write_all(b"\n").await.unwrap();
                assert!(connection.process.wait().await.success());
                std::process::exit(0);
            }
            _ => std::future::pending().await,
        }
    });
}

struct Host {
    child: Child,
    stdout: Option<ChildStdout>,
    /// The numbers its program printed, after that of the program itself.
    pids: Vec<u32>,
}

/// Starts a host and waits until its program, and the tools of it, have written this many numbers.
fn start(script: &str, lines: usize, ending: &str) -> Host {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "host", "--nocapture"])
        .env(SCRIPT, script)
        .env(LINES, lines.to_string())
        .env(ENDING, ending)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pids = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "ready" {
            break;
        }
        pids.push(line.trim_start_matches("program ").parse().unwrap());
    }
    let stdout = child.stdout.take();
    Host { child, stdout, pids }
}

impl Host {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn guardian(&self) -> Vec<u32> {
        let name = format!("madrigal-guardian-of-{}", self.child.id());
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let arguments = fs::read(path.join("cmdline")).ok()?;
                let named = arguments.split(|byte| *byte == 0).any(|one| one == name.as_bytes());
                if named { path.file_name()?.to_str()?.parse().ok() } else { None }
            })
            .filter(|pid| alive(*pid))
            .collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !matches!(stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()), Some('Z' | 'X'))
    })
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const STUBBORN: &str = "trap '' TERM INT HUP; echo $$; while :; do sleep 0.05; done";

#[test]
fn a_killed_host_takes_a_cooperative_program_along() {
    let mut host = start("echo $$; exec sleep 1000", 1, "");
    assert!(alive(host.pids[0]));
    host.kill();
    until("the program is gone", || !alive(host.pids[0]));
}

#[test]
fn a_killed_host_takes_stubborn_programs_and_their_tools_along() {
    // One tool in a session of its own, and one whose parent is gone too.
    let tool = "setsid sh -c \"$TOOL\"";
    let script = format!("TOOL=$(cat <<'end'\n{STUBBORN}\nend\n)\n{tool} & ({tool} &); {STUBBORN}");
    let mut host = start(&script, 3, "");
    assert_eq!(host.pids.len(), 4, "{:?}", host.pids);
    assert!(host.pids.iter().all(|pid| alive(*pid)));
    until("the guardian is on watch", || host.guardian().len() == 1);
    host.kill();
    until("the program is gone", || !host.pids.iter().any(|pid| alive(*pid)));
    until("the guardian is gone", || host.guardian().is_empty());
    // Whoever waits for the end of what the host wrote must not wait for the guardian or the program.
    host.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_host_that_exits_with_an_open_session_leaves_nothing() {
    let mut host = start(STUBBORN, 1, "exit");
    host.child.wait().unwrap();
    until("the program is gone", || !alive(host.pids[0]));
    until("the guardian is gone", || host.guardian().is_empty());
}

#[test]
fn what_an_ordinary_end_left_on_purpose_outlives_the_host() {
    let script = "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; read wait";
    let mut host = start(script, 1, "after the program");
    host.child.wait().unwrap();
    until("the program is gone", || !alive(host.pids[0]));
    until("the guardian is gone", || host.guardian().is_empty());
    let server = host.pids[1];
    assert!(alive(server));
    kill_process(Pid::from_raw(server.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn the_guardian_stays_out_of_the_way() {
    let mut host = start("echo $$; exec sleep 1000", 1, "");
    let field = |pid: u32, number: usize| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(number).map(str::to_owned)
    };
    let host_pid = host.child.id();
    // Its launcher, which is the host's child and bears the same name, ends at once: the guardian is then nobody's.
    let mut guardian = 0;
    until("the guardian is on watch, no child of a host that may wait for all its children", || {
        let found = host.guardian();
        guardian = found.first().copied().unwrap_or_default();
        found.len() == 1 && field(guardian, 1).is_some_and(|parent| parent != host_pid.to_string())
    });
    assert_ne!(field(guardian, 3), field(host_pid, 3), "a session of its own: no terminal reaches it");
    assert_eq!(fs::read_link(format!("/proc/{guardian}/cwd")).unwrap().to_str(), Some("/"));
    let open: BTreeSet<String> = fs::read_dir(format!("/proc/{guardian}/fd"))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
        .map(|target| if target.starts_with("pipe:") { "a pipe".into() } else { target })
        .collect();
    assert_eq!(Vec::from_iter(open), ["/dev/null", "/memfd:madrigal-ledger (deleted)", "a pipe"]);
    host.kill();
    until("the guardian is gone", || host.guardian().is_empty());
}
