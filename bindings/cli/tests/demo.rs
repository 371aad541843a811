//! `madrigal demo` shows everything it promises, for a pipe as for a person.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::process::{Command, Stdio};

#[test]
fn everything_promised_is_seen() {
    // An empty environment: no account, no `claude` on the path.
    let output = Command::new(env!("CARGO_BIN_EXE_madrigal"))
        .arg("demo")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "wants     Bash cargo test",
        "allowed   by the rule",
        "result    42 passed, 0 failed",
        "denied    by the rule",
        "waits     API status 529, trying again",
        "failed    API Error: 529",
        "again     attempt 2 of 3",
        "5 of 5 agents done with 6 queries",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let total = text.lines().find(|line| line.starts_with("total")).unwrap();
    assert!(total.contains("$0.0627"), "{total}");
    assert!(!text.contains('\x1b'), "colours in a pipe");
}
