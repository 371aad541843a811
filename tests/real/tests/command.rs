//! The `madrigal` command on the real `claude`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::Read,
    process::{Command, Output, Stdio},
};

use madrigal_conformance::simulator;
use madrigal_real::{Place, cli};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn madrigal(place: &Place, logged_in: bool, args: &[&str]) -> Command {
    let mut command = Command::new(simulator());
    command.args(args).current_dir(place.work()).env("MADRIGAL_CLI_PATH", cli()).envs(place.env(logged_in));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(place: &Place, logged_in: bool, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = madrigal(place, logged_in, args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn ask_prints_the_answer() {
    let place = Place::new();
    let (code, stdout, stderr) = run(&place, true, &["ask", "Please say hello."]);
    assert_eq!((code, stdout.as_str()), (Some(0), "Hello from the loopback model.\n"), "{stderr}");
}

#[test]
fn ask_shows_text_while_it_is_written_and_can_be_interrupted() {
    let place = Place::new();
    let mut child = madrigal(&place, true, &["ask", "Please talk without end."]).spawn().unwrap();
    let mut seen = [0; 18];
    // The answer never ends, so what is read here came while it was written.
    child.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"I go on and on and");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn ask_denies_what_nobody_allowed_and_allows_by_rule() {
    let place = Place::new();
    let (code, _, stderr) = run(&place, true, &["ask", "Please make the file."]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("denied: Bash touch made-by-bash.txt"), "{stderr}");
    assert!(!place.work().join("made-by-bash.txt").exists());
    let (code, _, stderr) = run(&place, true, &["ask", "Please make the file.", "--allowed-tools", "Bash"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(place.work().join("made-by-bash.txt").exists());
}

#[test]
fn ask_has_an_exit_code_for_each_trouble() {
    let place = Place::new();
    let (code, _, stderr) = run(&place, true, &["ask", "Please be a bad request."]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("The loopback model refuses this."), "{stderr}");
    let (code, _, stderr) = run(&place, false, &["ask", "Please say hello."]);
    assert_eq!(code, Some(4), "{stderr}");
    let (code, _, stderr) = run(&place, true, &["ask", "Please talk without end.", "--timeout", "3"]);
    assert_eq!(code, Some(5), "{stderr}");
}

#[test]
fn doctor_knows_who_is_logged_in() {
    let place = Place::new();
    let (code, stdout, stderr) = run(&place, true, &["doctor", "--json"]);
    let report: Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    let (code, stdout, _) = run(&place, false, &["doctor"]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("nobody is logged in"), "{stdout}");
}
