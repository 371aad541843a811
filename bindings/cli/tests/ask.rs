//! `madrigal ask` as a person and as a script see it, on the simulated `claude`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

const BIN: &str = env!("CARGO_BIN_EXE_madrigal");

fn command(steps: Value, args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(["ask", "--cli-path", BIN]).args(args);
    command.env("MADRIGAL_SIMULATE", json!({"name": "ask", "cli": steps}).to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ask(steps: Value, args: &[&str]) -> Output {
    let mut child = command(steps, args).spawn().unwrap();
    drop(child.stdin.take());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Awaits a prompt, says hello, ends well.
fn hello() -> Value {
    json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "Hello there.", "deltas": 4}}, {"result": {}}])
}

#[test]
fn the_answer_goes_to_stdout_once() {
    let output = ask(hello(), &["hi"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "Hello there.\n");
}

#[test]
fn options_become_flags_and_stdin_is_the_prompt() {
    let steps = json!([
        {"expect_args": {"contains": [["--model", "m"], ["--max-turns", "3"], ["--permission-mode", "acceptEdits"], ["--resume", "11111111-2222-4333-8444-555555555555"]]}},
        {"await": {"type": "user", "message": {"content": "from stdin\n"}}}, {"init": {}}, {"text": {"text": "ok"}}, {"result": {}}
    ]);
    let args = [
        "-",
        "--model",
        "m",
        "--max-turns",
        "3",
        "--permission-mode",
        "acceptEdits",
        "--resume",
        "11111111-2222-4333-8444-555555555555",
        "--allowed-tools",
        "Read",
    ];
    let mut child = command(steps, &args).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from stdin\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "ok\n".to_owned()),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn json_prints_the_frames_as_they_are() {
    let output = ask(hello(), &["hi", "--json"]);
    let frames: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"assistant") && kinds.contains(&"result"), "{kinds:?}");
}

#[test]
fn a_failed_turn_is_1_and_says_why() {
    let steps = json!([{"await": {"type": "user"}}, {"init": {}},
        {"result": {"is_error": true, "api_error_status": 529, "result": "API Error: 529 overloaded"}}]);
    let output = ask(steps, &["hi"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("529 overloaded"), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn each_kind_of_trouble_has_its_code() {
    let missing = Command::new(BIN).args(["ask", "hi", "--cli-path", "/no/such/claude"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("npm install -g @anthropic-ai/claude-code"));
    assert_eq!(ask(hello(), &["hi", "--max-turns", "0"]).status.code(), Some(2));
    assert_eq!(ask(hello(), &[" "]).status.code(), Some(2));
    assert_eq!(ask(hello(), &["hi", "--no-such-flag"]).status.code(), Some(2));
    let auth = ask(
        json!([{"await": {"type": "user"}}, {"init": {}},
            {"text": {"text": "Not logged in", "model": "<synthetic>", "error": "authentication_failed", "is_api_error_message": true}},
            {"result": {"is_error": true, "terminal_reason": "api_error", "result": "Not logged in"}}]),
        &["hi"],
    );
    assert_eq!(auth.status.code(), Some(4), "{}", text(&auth.stderr));
    let slow = ask(
        json!([{"await": {"type": "user"}}, {"init": {}}, {"pause_ms": 600_000}]),
        &["hi", "--timeout", "0.3"],
    );
    assert_eq!(slow.status.code(), Some(5), "{}", text(&slow.stderr));
    let crash = ask(json!([{"await": {"type": "user"}}, {"stderr": "out of luck\n"}, {"exit": 9}]), &["hi"]);
    assert_eq!(crash.status.code(), Some(6));
    assert!(text(&crash.stderr).contains("out of luck"), "{}", text(&crash.stderr));
}

#[test]
fn without_a_terminal_a_tool_is_denied_and_said_to_be() {
    let steps = json!([{"await": {"type": "user"}}, {"init": {}},
        {"emit": {"type": "control_request", "request_id": "r", "request":
            {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "make it"}, "tool_use_id": "t"}}},
        {"await": {"type": "control_response", "response": {"response": {"behavior": "deny"}}}},
        {"text": {"text": "Then not."}}, {"result": {}}]);
    let output = ask(steps, &["hi"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "Then not.\n".to_owned()));
    assert!(text(&output.stderr).contains("denied: Bash make it"), "{}", text(&output.stderr));
}

/// A turn that goes on until it is interrupted.
fn endless() -> Value {
    json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "I go on", "deltas": 3, "open": true}}, {"pause_ms": 600_000}, {"result": {}}])
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn ctrl_c_interrupts_the_turn() {
    let mut child = command(endless(), &["hi"]).spawn().unwrap();
    let mut seen = [0; 7];
    child.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"I go on");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("interrupting"), "{}", text(&output.stderr));
}

#[test]
fn a_second_ctrl_c_stops_a_program_that_does_not_listen() {
    let steps = json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "I go on", "deltas": 3, "open": true}}, {"hang": true}]);
    let mut child = command(steps, &["hi"]).spawn().unwrap();
    let mut seen = [0; 7];
    child.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
    interrupt(&child);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("interrupting")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let steps = json!([{"await": {"type": "user"}}, {"init": {}}, {"flood": {"count": 100_000, "frame": {"type": "x", "n": "$i"}}}, {"result": {}}]);
    let mut child = command(steps, &["hi", "--json"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn help_has_the_exit_codes() {
    let output = Command::new(BIN).args(["ask", "--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("130  stopped by Ctrl-C"));
}
