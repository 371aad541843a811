//! `madrigal doctor`: what is wrong is said, with advice and exit code, and no credential is.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use serde_json::Value;

/// A program that answers the two questions of the doctor.
struct Fake(PathBuf);

impl Fake {
    fn new(name: &str, version: &str, status: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("madrigal-doctor-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; else echo '{status}'; fi\n"
        );
        fs::write(folder.join("claude"), script).unwrap();
        fs::set_permissions(folder.join("claude"), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn doctor(&self, key: Option<&str>) -> (Option<i32>, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_madrigal"));
        command.args(["doctor", "--json"]).env_clear().current_dir(&self.0).env("HOME", &self.0);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.0.display()));
        command.envs(key.map(|key| ("ANTHROPIC_API_KEY", key)));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("test-key"), "{text}");
        (output.status.code(), serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap()
}

#[test]
fn a_machine_that_is_ready() {
    let fake = Fake::new(
        "ready",
        "2.1.330 (Claude Code)",
        r#"{"loggedIn": true, "authMethod": "api_key", "apiProvider": "firstParty"}"#,
    );
    let (code, report) = fake.doctor(Some("test-key"));
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    assert_eq!(finding(&report, "claude")["facts"]["found"], "found on PATH");
    assert_eq!(finding(&report, "version")["facts"]["found"], "2.1.330");
    assert_eq!(finding(&report, "credentials")["facts"]["variables"][0], "ANTHROPIC_API_KEY");
    assert_eq!(finding(&report, "login")["status"], "ok");
}

#[test]
fn nobody_logged_in() {
    let fake = Fake::new("login", "2.1.330 (Claude Code)", r#"{"loggedIn": false, "authMethod": "none"}"#);
    let (code, report) = fake.doctor(None);
    assert_eq!(code, Some(1));
    assert!(finding(&report, "login")["advice"].as_str().unwrap().contains("/login"));
}

#[test]
fn a_program_that_is_too_old() {
    let fake = Fake::new("old", "2.0.76 (Claude Code)", "{}");
    let (code, report) = fake.doctor(None);
    assert_eq!(code, Some(1));
    let version = finding(&report, "version");
    assert_eq!(version["facts"]["code"], "cli_version");
    assert!(version["advice"].as_str().unwrap().contains("claude update"));
}

#[test]
fn no_program() {
    let output = Command::new(env!("CARGO_BIN_EXE_madrigal"))
        .args(["doctor", "--cli-path", "/no/such/claude"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("wrong") && text.contains("npm install -g @anthropic-ai/claude-code"), "{text}");
}
