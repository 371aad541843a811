//! Ctrl-C of `madrigal parallel` and `madrigal pipeline` on the real `claude`: what is done is kept, no process stays, and the same
//! command asks what was not answered.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use madrigal::testing::loopback::Script;
use madrigal_conformance::simulator;
use madrigal_real::{Place, cli, process};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const HELLO: &str = "Please say hello.";
const ENDLESS: &str = "Please talk without end.";
const LAST: &str = "Please repeat everything.";

fn madrigal(place: &Place, words: &[&str], tasks: &Path, out: &Path) -> Command {
    let mut command = Command::new(simulator());
    command.args(words).arg(tasks).arg("--json").arg("--out").arg(out).current_dir(place.work());
    command.env("MADRIGAL_CLI_PATH", cli()).envs(place.env(true));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// Starts it, waits until `index` is being answered, presses Ctrl-C, and says the exit code when nothing is left.
fn interrupted(place: &Place, words: &[&str], tasks: &Path, out: &Path, index: u64) -> Option<i32> {
    let mut child = madrigal(place, words, tasks, out).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut done = false;
    let mut speaks = false;
    // What is done is kept before the last of those that never end begins to speak.
    while !(done && speaks) {
        let line: Value = serde_json::from_str(&lines.next().expect("it ended early").unwrap()).unwrap();
        let progress = &line["progress"];
        done |= line["type"] == "outcome";
        speaks |= progress["stage"] == "delta" && progress["index"] == index;
    }
    let programs = place.programs();
    assert!(programs.len() > 1, "the command and at least one program run: {programs:?}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    for line in lines {
        line.unwrap();
    }
    let code = child.wait().unwrap().code();
    process::gone("what it started", &programs, Instant::now(), Duration::from_secs(10));
    process::gone("what else lives here", &place.programs(), Instant::now(), Duration::from_secs(10));
    code
}

/// The outcomes in a file.
fn kept(out: &Path) -> Vec<Value> {
    fs::read_to_string(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Interrupts at the endless one, and goes on where everything has an end. Gives what the API was asked then.
fn interrupted_and_resumed(words: &[&str]) -> Vec<String> {
    let place = Place::new();
    let (tasks, out) = (place.work().join("tasks.jsonl"), place.work().join("out.jsonl"));
    let lines = [HELLO, ENDLESS, LAST].map(|task| json!(task).to_string());
    fs::write(&tasks, lines.join("\n")).unwrap();
    assert_eq!(interrupted(&place, words, &tasks, &out, 1), Some(130));
    let texts = |kept: &[Value]| kept.iter().map(|outcome| outcome["text"].clone()).collect::<Vec<_>>();
    assert_eq!(texts(&kept(&out)), ["Hello from the loopback model."]);

    let later = Place::with(Script::from_json(r#"{"turns": [{"text": "You said: $prompt"}]}"#).unwrap());
    let output = madrigal(&later, words, &tasks, &out).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let kept = kept(&out);
    assert!(kept.iter().all(|outcome| outcome["status"] == "succeeded"), "{kept:?}");
    let tasks: Vec<_> = kept.iter().map(|outcome| outcome["task"].clone()).collect();
    assert_eq!(tasks, [HELLO, ENDLESS, LAST]);
    process::gone("what it started", &later.programs(), Instant::now(), Duration::from_secs(10));
    later
        .api
        .requests()
        .into_iter()
        .filter(|request| !request.model.is_empty())
        .map(|request| request.prompt)
        .collect()
}

#[test]
fn ctrl_c_of_parallel_keeps_what_is_done_and_can_be_resumed() {
    assert_eq!(interrupted_and_resumed(&["parallel", "--max-concurrent", "1"]), [ENDLESS, LAST]);
}

#[test]
fn ctrl_c_of_pipeline_keeps_what_is_done_and_can_be_resumed() {
    let asked = interrupted_and_resumed(&["pipeline"]);
    assert_eq!(asked.len(), 2, "{asked:?}");
    // The step that was interrupted is told what was kept, and the last one what came of that.
    assert!(asked[0].contains("Hello from the loopback model.") && asked[0].ends_with(ENDLESS), "{asked:?}");
    assert!(asked[1].contains("You said: ") && asked[1].ends_with(LAST), "{asked:?}");
}

/// Several at a time: all are ended, not only the one whose words came last.
#[test]
fn ctrl_c_of_parallel_ends_all_that_run() {
    let place = Place::new();
    let (tasks, out) = (place.work().join("tasks.jsonl"), place.work().join("out.jsonl"));
    let lines = [HELLO, ENDLESS, ENDLESS, LAST].map(|task| json!(task).to_string());
    fs::write(&tasks, lines.join("\n")).unwrap();
    assert_eq!(interrupted(&place, &["parallel", "--max-concurrent", "2"], &tasks, &out, 2), Some(130));
    assert_eq!(kept(&out).len(), 1);
    let unfinished =
        place.api.requests().iter().filter(|request| request.prompt == ENDLESS && !request.finished).count();
    assert_eq!(unfinished, 2);
}
