//! A thousand sessions later, nothing is left: no process, descriptor or thread, and no growing memory. In a file of its own,
//! for it counts what this process owns.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop
#![allow(clippy::print_stdout)] // the figures are for people

use std::{
    fs,
    time::{Duration, Instant},
};

use madrigal::{Options, Session};
use madrigal_conformance::simulator;

const SCENARIO: &str = r#"{"name": "turns", "cli": [{"loop": [
    {"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "Hello", "deltas": 5}}, {"result": {}}
]}]}"#;

/// Descriptors, threads, and children (zombies too) of this process.
fn owned() -> (usize, usize, usize) {
    let count = |path: &str| fs::read_dir(path).unwrap().count();
    let me = std::process::id().to_string();
    let children = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok())
        .filter(|stat| stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&me))
        .count();
    (count("/proc/self/fd"), count("/proc/self/task"), children)
}

/// Resident memory of this process in KiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn options() -> Options {
    let env = [("MADRIGAL_SIMULATE".to_owned(), SCENARIO.to_owned())].into();
    Options { cli_path: Some(simulator()), env, include_partial_messages: true, ..Options::default() }
}

/// One session: closed in an orderly way, dropped in mid-turn, or dropped while it starts.
async fn session(number: usize) {
    if number.is_multiple_of(10) {
        drop(Session::builder(options()).start().unwrap());
        return;
    }
    let mut session = Session::open(options()).await.unwrap();
    if number % 10 == 1 {
        drop(session.send("hi").await.unwrap());
        return;
    }
    let result = session.send("hi").await.unwrap().result().await.unwrap().unwrap();
    assert_eq!(result.text(), "Hello");
    assert!(session.close().await.error.is_none());
}

async fn batch(size: usize) {
    let sessions: Vec<_> = (0..size).map(|number| tokio::spawn(session(number))).collect();
    for session in sessions {
        session.await.unwrap();
    }
}

async fn settled(wanted: impl Fn((usize, usize, usize)) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !wanted(owned()) {
        assert!(Instant::now() < deadline, "still owned (descriptors, threads, children): {:?}", owned());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_thousand_sessions_leave_nothing() {
    // What the engine keeps for the life of the process exists after the first few.
    batch(50).await;
    settled(|(_, _, children)| children == 0).await;
    let before = owned();
    let memory = resident();
    for _ in 0..20 {
        batch(50).await;
    }
    // Less is fine: something of the first batch may still have been on its way out when it was counted.
    settled(|now| now.0 <= before.0 && now.1 <= before.1 && now.2 == 0).await;
    let grown = resident().saturating_sub(memory);
    println!(
        "1000 sessions: (descriptors, threads, children) {before:?} before and after, resident memory +{grown} KiB"
    );
    assert!(grown < 4 * 1024, "resident memory grew by {grown} KiB over 1000 sessions");
}
