//! The portable spawner, and what becomes of everything when the host forks: that needs unsafe code, so it is tested here.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Termination},
    time::{Duration, Instant},
};

use rustix::process::{Signal as SystemSignal, WaitOptions, kill_process, test_kill_process, waitpid};
use tokio::io::AsyncReadExt;

use super::*;
use crate::transport::{
    ChildTransport, Connection, Exit, Launch, Signal, StopLadder, Transport, prepare::Prepared,
};

fn sh(script: &str) -> Launch {
    Launch { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..Launch::default() }
}

fn nowhere() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

#[test]
fn the_portable_spawner_starts_and_refuses_like_the_other() {
    let spawn = |launch: &Launch| -> crate::Result<(String, Option<i32>)> {
        let (mut reader, writer) = io::pipe().unwrap();
        let stdio = Stdio { stdin: nowhere(), stdout: writer.into(), stderr: nowhere() };
        let spawned = portable::Spawner::new().spawn(&Prepared::new(launch, "mark").unwrap(), &stdio)?;
        drop(stdio);
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        let status = waitpid(Some(spawned.pid), WaitOptions::empty()).unwrap().unwrap().1;
        Ok((said, status.exit_status()))
    };
    let mut launch = sh(r#"echo "$1 $ADDED $MADRIGAL_SESSION"; pwd; exit 3"#);
    launch.args.extend(["sh".into(), "one".into()]);
    launch.env = [("ADDED".into(), "two".into())].into();
    launch.env_remove = vec![crate::transport::prepare::SESSION_VARIABLE.into()];
    launch.cwd = Some("/usr".into());
    assert_eq!(spawn(&launch).unwrap(), ("one two mark\n/usr\n".to_owned(), Some(3)));

    launch.cwd = Some("/no/such/directory".into());
    assert!(spawn(&launch).unwrap_err().message().contains("working directory"));
    let missing = Launch { program: PathBuf::from("/no/such/program"), ..Launch::default() };
    assert!(spawn(&missing).unwrap_err().message().contains("does not exist"));
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

/// Dead, or a zombie that its parent has not removed yet.
fn gone(number: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{number}/stat")).map_or(true, |stat| {
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']))
    })
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn started(launch: Launch) -> Connection {
    let runtime = runtime();
    let mut connection = runtime.block_on(ChildTransport.connect(launch)).unwrap();
    // It has set its traps when it speaks.
    runtime.block_on(connection.output.read_u8()).unwrap();
    // The pipes live on, without a runtime to wait for them.
    connection
}

/// Runs one test of this file, marked as ignored, in a process of its own with a single thread of tests.
fn host(name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("transport::spawn::tests::{name}"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the function in a forked copy and returns the copy's number.
fn forked(work: impl FnOnce() -> ExitCode) -> Pid {
    // SAFETY: the copy runs on in this thread alone, works, and exits without running what belongs to the original.
    match unsafe { libc::fork() } {
        0 => {
            let code =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(ExitCode::FAILURE);
            let code = i32::from(code.report() != ExitCode::SUCCESS);
            // SAFETY: ends the copy.
            unsafe { libc::_exit(code) }
        }
        copy => Pid::from_raw(copy).unwrap(),
    }
}

#[test]
fn a_forked_copy_has_a_keeper_of_its_own_and_leaves_the_programs_of_its_parent_alone() {
    let output = host("host_that_forks").wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "run by the test above"]
fn host_that_forks() {
    let connection = started(sh("echo; exec sleep 1000"));
    let number = connection.process.id().unwrap();
    let Connection { process, input: _input, output: _output } = connection;
    // The original keeps its reference: the last one to go would end the program.
    let kept = std::sync::Arc::clone(&process);
    let copy = forked(move || {
        assert_eq!(runtime().block_on(process.wait()), Exit::Unknown);
        assert_eq!(process.stderr_tail(), "");
        process.signal(Signal::Kill);
        process.stop(StopLadder::NOW);
        drop(process);
        let runtime = runtime();
        let own = runtime.block_on(ChildTransport.connect(sh("exit 7"))).unwrap();
        assert_eq!(runtime.block_on(own.process.wait()), Exit::Code(7));
        ExitCode::SUCCESS
    });
    let status = waitpid(Some(copy), WaitOptions::empty()).unwrap().unwrap().1;
    assert_eq!(status.exit_status(), Some(0));
    // What the copy asked for came before its end: if it had an effect, it would show.
    test_kill_process(pid(number)).unwrap();
    assert!(!gone(number));
    assert_eq!(kept.id(), Some(number));
    kill_process(pid(number), SystemSignal::KILL).unwrap();

    // A copy that lives on does not hold the input of a program that waits for its end.
    let reader = started(sh("echo; cat"));
    let copy = forked(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    drop(reader.input);
    assert_eq!(runtime().block_on(reader.process.wait()), Exit::Code(0));
    kill_process(copy, SystemSignal::KILL).unwrap();
}

#[test]
fn a_forked_copy_that_lives_on_does_not_keep_programs_of_a_dead_host_alive() {
    let mut host = host("host_that_leaves_a_copy");
    let mut numbers = Vec::new();
    for line in BufReader::new(host.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.strip_prefix("number ") {
            Some(number) => numbers.push(number.parse::<u32>().unwrap()),
            None if line == "ready" => break,
            None => {}
        }
    }
    let [program, copy] = numbers[..] else { panic!("{numbers:?}") };
    host.kill().unwrap();
    host.wait().unwrap();
    until("the program is gone", || gone(program));
    assert!(!gone(copy));
    kill_process(pid(copy), SystemSignal::KILL).unwrap();
}

#[test]
#[ignore = "run by the test above"]
fn host_that_leaves_a_copy() {
    let connection = started(sh("trap '' TERM; echo; while :; do sleep 0.05; done"));
    let guardian = format!("madrigal-guardian-of-{}", std::process::id());
    until("the guardian is on watch", || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let arguments = std::fs::read(Path::new(&entry.path()).join("cmdline")).unwrap_or_default();
            arguments.split(|byte| *byte == 0).any(|argument| argument == guardian.as_bytes())
        })
    });
    let copy = forked(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    eprintln!("number {}\nnumber {}\nready", connection.process.id().unwrap(), copy.as_raw_nonzero());
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}
