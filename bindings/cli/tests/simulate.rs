//! The simulator as a process, over its pipes: what a host of any language meets.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
};

use serde_json::{Value, json};

const LIKE_CLAUDE: [&str; 4] =
    ["-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose"];

/// The simulator, its input, and the lines it writes.
struct Simulator {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Simulator {
    fn start(scenario: &Value) -> Self {
        Self::start_with(scenario, &[])
    }

    fn start_with(scenario: &Value, args: &[&str]) -> Self {
        let mut child = command()
            .args(LIKE_CLAUDE)
            .args(args)
            .env("MADRIGAL_SIMULATE", scenario.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { input: child.stdin.take(), child, lines }
    }

    fn say(&mut self, frame: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{frame}").unwrap();
    }

    fn prompt(&mut self, text: &str, uuid: &str) {
        self.say(&json!({"type": "user", "uuid": uuid, "message": {"role": "user", "content": text}}));
    }

    fn control(&mut self, id: &str, request: Value) {
        self.say(&json!({"type": "control_request", "request_id": id, "request": request}));
    }

    /// The next frame of this type.
    fn next(&self, kind: &str) -> Value {
        loop {
            let line = self.lines.recv().unwrap_or_else(|_| panic!("no {kind} came"));
            let frame: Value = serde_json::from_str(&line).unwrap();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Ends the input and waits: how it ended, what was still said, and stderr.
    fn end(mut self) -> (ExitStatus, Vec<String>, String) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status, self.lines.into_iter().collect(), stderr)
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_madrigal"))
}

fn turns() -> Value {
    json!({"name": "turns", "cli": [{"loop": [{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "ok"}}, {"result": {}}]}]})
}

#[test]
fn a_turn_has_its_frames_and_its_prompt_is_named() {
    let mut simulator = Simulator::start(&turns());
    simulator.control("i", json!({"subtype": "initialize"}));
    let answer = simulator.next("control_response");
    assert_eq!(answer["response"]["request_id"], "i");
    assert_eq!(answer["response"]["response"]["pid"], simulator.child.id());
    simulator.prompt("hi", "u1");
    assert_eq!(simulator.next("command_lifecycle")["state"], "queued");
    assert_eq!(simulator.next("system")["subtype"], "init");
    let result = simulator.next("result");
    assert_eq!((&result["user_message_uuids"], &result["result"]), (&json!(["u1"]), &json!("ok")));
    assert_eq!(simulator.next("command_lifecycle")["state"], "completed");
    assert_eq!(simulator.end().0.code(), Some(0));
}

#[test]
fn a_repeated_uuid_is_dropped_without_a_word() {
    let mut simulator = Simulator::start(&turns());
    simulator.prompt("one", "u1");
    simulator.prompt("again", "u1");
    simulator.prompt("two", "u2");
    assert_eq!(simulator.next("result")["user_message_uuids"], json!(["u1"]));
    assert_eq!(simulator.next("result")["user_message_uuids"], json!(["u2"]));
    let (status, rest, _) = simulator.end();
    assert!(status.success() && !rest.iter().any(|line| line.contains("\"result\"")), "{rest:?}");
}

#[test]
fn an_interrupt_ends_the_turn_and_the_steps_that_belong_to_it() {
    let mut simulator = Simulator::start(&json!({"cli": [
        {"await": {"type": "user"}}, {"text": {"text": "half", "deltas": 2, "open": true}}, {"pause_ms": 600_000},
        {"result": {"result": "never"}}, {"await": {"type": "user"}}, {"result": {"result": "second"}},
    ]}));
    simulator.prompt("hi", "u1");
    simulator.next("stream_event");
    simulator.prompt("next", "u2");
    simulator.control("x", json!({"subtype": "interrupt"}));
    assert_eq!(simulator.next("control_response")["response"]["response"]["still_queued"], json!(["u2"]));
    let partial = simulator.next("assistant");
    assert_eq!(
        (&partial["aborted"], &partial["message"]["content"][0]["text"]),
        (&json!(true), &json!("half"))
    );
    assert_eq!(simulator.next("result")["terminal_reason"], "aborted_streaming");
    assert_eq!(simulator.next("result")["result"], "second");
    assert_eq!(simulator.end().0.code(), Some(0));
}

#[test]
fn requests_nobody_scripted_are_answered() {
    let mut simulator = Simulator::start(&json!({"cli": []}));
    simulator.control("1", json!({"subtype": "set_model", "model": "haiku"}));
    assert_eq!(simulator.next("control_response")["response"]["response"], json!({"model": "haiku"}));
    simulator.control("2", json!({"subtype": "no_such_thing"}));
    let refused = simulator.next("control_response");
    assert_eq!(refused["response"]["error_code"], "unsupported_request");
    simulator.control("3", json!({"subtype": "set_permission_mode", "mode": "plan"}));
    assert_eq!(simulator.next("system")["permissionMode"], "plan");
    simulator.control("4", json!({"subtype": "end_session"}));
    assert!(simulator.child.wait().unwrap().success(), "it ends without the end of its input");
}

#[test]
fn a_malformed_line_ends_it_with_words_on_stderr_only() {
    for line in [
        "{\"type\":",
        "[1]",
        "{\"type\":\"user\"}",
        "{\"type\":\"user\",\"message\":{\"role\":\"assistant\"}}",
    ] {
        let mut simulator = Simulator::start(&turns());
        writeln!(simulator.input.as_mut().unwrap(), "\n{line}").unwrap();
        assert_eq!(simulator.child.wait().unwrap().code(), Some(1), "{line}");
        let (_, said, stderr) = simulator.end();
        assert!(said.is_empty() && stderr.starts_with("Error"), "{line}: {said:?} {stderr:?}");
    }
}

#[test]
fn signals_end_it_as_they_end_the_real_program() {
    let ready = json!({"cli": [{"emit": {"type": "ready"}}]});
    let simulator = Simulator::start(&ready);
    simulator.next("ready");
    simulator.signal("TERM");
    assert_eq!(simulator.end().0.code(), Some(143));

    let simulator = Simulator::start(&ready);
    simulator.next("ready");
    simulator.signal("INT");
    assert_eq!(simulator.end().0.code(), Some(0));

    let mut simulator = Simulator::start(
        &json!({"cli": [{"await": {"type": "user"}}, {"emit": {"type": "ready"}}, {"pause_ms": 600_000}]}),
    );
    simulator.prompt("hi", "u1");
    simulator.next("ready");
    simulator.signal("INT");
    assert_eq!(simulator.next("result")["terminal_reason"], "aborted_streaming");
    assert_eq!(simulator.end().0.code(), Some(0));
}

#[test]
fn a_program_that_hangs_hears_no_end_of_input_but_signals() {
    for (name, code) in [("INT", 0), ("TERM", 143)] {
        let mut simulator = Simulator::start(&json!({"cli": [{"emit": {"type": "ready"}}, {"hang": true}]}));
        simulator.next("ready");
        drop(simulator.input.take());
        assert!(simulator.child.try_wait().unwrap().is_none());
        simulator.signal(name);
        assert_eq!(simulator.end().0.code(), Some(code));
    }
}

#[test]
fn ignored_signals_are_ignored_and_sigkill_is_not() {
    use std::os::unix::process::ExitStatusExt;
    let mut simulator = Simulator::start(&json!({"cli": [
        {"ignore": ["SIGTERM", "SIGINT"]}, {"emit": {"type": "ready"}}, {"loop": [{"await": {"type": "user"}}, {"result": {}}]},
    ]}));
    simulator.next("ready");
    simulator.signal("TERM");
    simulator.signal("INT");
    simulator.prompt("still there?", "u1");
    simulator.next("result");
    simulator.signal("INT");
    simulator.prompt("and now?", "u2");
    simulator.next("result");
    simulator.signal("KILL");
    assert_eq!(simulator.end().0.signal(), Some(9));
}

#[test]
fn a_process_it_starts_leads_its_own_session_and_outlives_it() {
    let simulator = Simulator::start(&json!({"cli": [
        {"spawn": {"new_session": true, "ignore": ["SIGTERM"]}}, {"emit": {"type": "spawned", "child": "$child"}},
    ]}));
    let child = simulator.next("spawned")["child"].to_string();
    assert_eq!(simulator.end().0.code(), Some(0));
    let ps = Command::new("ps").args(["-o", "sess=", "-p", &child]).output();
    let kill = |name: &str| Command::new("kill").args(["-s", name, &child]).status().unwrap().success();
    assert!(kill("TERM"), "it is there");
    if let Ok(ps) = ps.map(|ps| String::from_utf8_lossy(&ps.stdout).trim().to_owned())
        && !ps.is_empty()
    {
        assert_eq!(ps, child, "it leads its session");
    }
    assert!(kill("KILL"), "it ignored SIGTERM");
}

#[test]
fn the_exit_code_is_that_of_the_last_result() {
    let turn = |error: bool| [json!({"await": {"type": "user"}}), json!({"result": {"is_error": error}})];
    for (errors, code) in [([true, false], 0), ([false, true], 1)] {
        let mut simulator = Simulator::start(&json!({"cli": errors.map(turn).concat()}));
        simulator.prompt("one", "u1");
        simulator.prompt("two", "u2");
        assert_eq!(simulator.end().0.code(), Some(code));
    }
}

#[test]
fn arguments_name_the_session_and_bad_ones_are_refused() {
    let id = "11111111-2222-4333-8444-555555555555";
    let init = json!({"cli": [{"await": {"type": "user"}}, {"init": {}}]});
    let mut simulator = Simulator::start_with(&init, &["--resume", id, "--model", "haiku"]);
    simulator.prompt("hi", "u1");
    let frame = simulator.next("system");
    assert_eq!((&frame["session_id"], &frame["model"]), (&json!(id), &json!("haiku")));
    drop(simulator.end());

    let (status, said, stderr) = Simulator::start_with(&init, &["--session-id", "nope"]).end();
    assert_eq!((status.code(), said.len()), (Some(1), 0));
    assert!(stderr.contains("UUID"), "{stderr}");
}

#[test]
fn a_check_of_the_arguments_that_fails_says_what_is_missing() {
    let check = json!({"cli": [{"expect_args": {"contains": ["--model", "opus"], "lacks": ["secret"]}}]});
    assert_eq!(Simulator::start_with(&check, &["--model=opus"]).end().0.code(), Some(0));
    let (status, _, stderr) = Simulator::start_with(&check, &["--model", "haiku"]).end();
    assert_eq!(status.code(), Some(97));
    assert!(stderr.contains("\"--model\", \"opus\""), "{stderr}");
    let (status, _, stderr) = Simulator::start_with(&check, &["--model=opus", "--key=my-secret"]).end();
    assert!(status.code() == Some(97) && stderr.contains("secret"), "{stderr}");
}

#[test]
fn it_says_its_version_and_refuses_what_it_cannot_play() {
    let version =
        command().arg("--version").env("MADRIGAL_SIMULATE", r#"{"version":"9.8.7"}"#).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout), "9.8.7 (Claude Code)\n");
    let file = command().args(["simulate", "/no/such/scenario.json"]).output().unwrap();
    assert_eq!(file.status.code(), Some(97));
    assert!(String::from_utf8_lossy(&file.stderr).contains("/no/such/scenario.json"));
    let step =
        command().args(LIKE_CLAUDE).env("MADRIGAL_SIMULATE", r#"{"cli":[{"jump":1}]}"#).output().unwrap();
    assert!(String::from_utf8_lossy(&step.stderr).contains("cli[0]"));
}

#[test]
fn a_flood_is_counted_and_whole() {
    let simulator = Simulator::start(&json!({"cli": [
        {"flood": {"count": 20_000, "frame": {"type": "n", "n": "$i", "text": "number $i."}}},
        {"flood": {"count": 1_001, "frame": {"type": "same"}}},
    ]}));
    let (status, lines, _) = simulator.end();
    assert!(status.success());
    assert_eq!(lines.len(), 21_001);
    for (n, line) in lines[..20_000].iter().enumerate() {
        let frame: Value = serde_json::from_str(line).unwrap();
        assert_eq!(frame, json!({"type": "n", "n": n, "text": format!("number {n}.")}));
    }
    assert!(lines[20_000..].iter().all(|line| line == r#"{"type":"same"}"#));
}

#[test]
fn a_host_that_stops_reading_is_no_reason_to_die() {
    let mut child = command()
        .args(LIKE_CLAUDE)
        .env("MADRIGAL_SIMULATE", r#"{"cli":[{"await":{"type":"go"}},{"flood":{"count":100000,"frame":{"type":"x"}}},{"stderr":"done"}]}"#)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", json!({"type": "go"})).unwrap();
    let mut said = [0; 4];
    child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"done");
    drop(input);
    assert!(child.wait().unwrap().success());
}
