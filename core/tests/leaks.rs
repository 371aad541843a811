//! A thousand programs later, nothing is left. In a file of its own: it counts what this process owns.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    time::{Duration, Instant},
};

use madrigal::transport::{ChildTransport, Exit, Launch, Transport};
use tokio::io::AsyncReadExt;

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

async fn batch() {
    let programs: Vec<_> = (0..50)
        .map(|number| {
            tokio::spawn(async move {
                let (program, args) = match number % 5 {
                    // Refused, ended by a signal, dropped while it runs, and two that end by themselves.
                    0 => ("/no/such/program", vec![]),
                    1 => ("/bin/sh", vec!["-c".into(), "kill -9 $$".into()]),
                    2 => ("/bin/sleep", vec!["1000".into()]),
                    _ => ("/bin/echo", vec![format!("{number}").into()]),
                };
                let launch = Launch { program: program.into(), args, ..Launch::default() };
                let Ok(mut connection) = ChildTransport.connect(launch).await else {
                    assert_eq!(number % 5, 0);
                    return;
                };
                match number % 5 {
                    1 => assert_eq!(connection.process.wait().await, Exit::Signal(9)),
                    2 => drop(connection),
                    _ => {
                        let mut said = String::new();
                        connection.output.read_to_string(&mut said).await.unwrap();
                        assert_eq!(said, format!("{number}\n"));
                        assert_eq!(connection.process.wait().await, Exit::Code(0));
                    }
                }
            })
        })
        .collect();
    for program in programs {
        program.await.unwrap();
    }
}

async fn settled(wanted: impl Fn((usize, usize, usize)) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !wanted(owned()) {
        assert!(Instant::now() < deadline, "still owned: {:?}", owned());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_thousand_programs_leave_nothing() {
    batch().await;
    settled(|(_, _, children)| children == 0).await;
    let before = owned();
    for _ in 0..20 {
        batch().await;
    }
    // Less is fine: something of the first batch may still have been on its way out when it was counted.
    settled(|now| now.0 <= before.0 && now.1 <= before.1 && now.2 == 0).await;
}
