//! `madrigal parallel` and `madrigal pipeline` as a person and as a script see them, on the simulated `claude`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const BIN: &str = env!("CARGO_BIN_EXE_madrigal");

/// A directory of its own for a test, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("madrigal-flow-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn command(steps: &Value, words: &[&str], file: &Path) -> Command {
    let mut command = Command::new(BIN);
    command.args(words).arg(file).args(["--cli-path", BIN]);
    command.env("MADRIGAL_SIMULATE", json!({"name": "flow", "cli": steps}).to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(steps: &Value, words: &[&str], file: &Path) -> Output {
    command(steps, words, file).output().unwrap()
}

fn answers() -> Value {
    json!([{"await": {"type": "user"}, "save": "asked"}, {"init": {}}, {"text": {"text": "Fine.", "deltas": 2}}, {"result": {"total_cost_usd": 0.01}}])
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_gets_an_outcome_and_what_is_done_is_not_asked_again() {
    let place = Place::new("parallel");
    let tasks = place.file("tasks.jsonl", "\"one\"\n{\"prompt\": \"two\", \"name\": \"second\"}\nnonsense\n");
    let out = place.0.join("out.jsonl");
    let words = ["parallel", "--max-concurrent", "2", "--out", out.to_str().unwrap()];
    let output = run(&answers(), &words, &tasks);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let mut written = lines(&out);
    written.sort_by_key(|line| line["index"].as_u64());
    let seen: Vec<_> = written.iter().map(|line| (line["name"].clone(), line["status"].clone())).collect();
    assert_eq!(
        seen,
        [
            (json!("line 1"), json!("succeeded")),
            (json!("second"), json!("succeeded")),
            (json!(null), json!("failed"))
        ]
    );
    assert!(written[2]["error"]["message"].as_str().unwrap().starts_with("line 3: "), "{}", written[2]);
    assert!(said.contains("2 answered, 1 not; 0.0200 USD"), "{said}");

    fs::write(&tasks, "\"one\"\n{\"prompt\": \"two\", \"name\": \"second\"}\n\"three\"\n\"one\"\n").unwrap();
    let output = run(&answers(), &words, &tasks);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("2 answered, 0 not, 2 were done before"), "{said}");
    assert_eq!(lines(&out).len(), 5);
}

#[test]
fn a_program_reads_what_happens() {
    let place = Place::new("json");
    let tasks = place.file("tasks.jsonl", "\"one\"\n");
    let output = run(&answers(), &["parallel", "--json"], &tasks);
    assert_eq!(output.status.code(), Some(0));
    let printed: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let outcome = printed.iter().find(|line| line["type"] == "outcome").unwrap();
    assert_eq!((&outcome["outcome"]["text"], &outcome["outcome"]["task"]), (&json!("Fine."), &json!("one")));
    let stats = printed.iter().find(|line| line["type"] == "stats").unwrap();
    assert_eq!(stats["stats"]["succeeded"], 1);
    let stages: Vec<_> = printed
        .iter()
        .filter(|line| line["type"] == "progress")
        .map(|line| line["progress"]["stage"].clone())
        .collect();
    assert!(stages.starts_with(&[json!("queued"), json!("admitted"), json!("started")]), "{stages:?}");
}

#[test]
fn a_pipeline_tells_each_step_what_was_said() {
    let place = Place::new("pipeline");
    let tasks = place.file("tasks.jsonl", "\"one\"\n\"two\"\n");
    // The program says what it was asked.
    let steps = json!([{"await": {"type": "user"}, "save": "asked"}, {"init": {}}, {"emit": {"type": "result", "subtype": "success",
        "is_error": false, "result": "$asked.message.content", "session_id": "$session_id"}}]);
    let out = place.0.join("out.jsonl");
    let output = run(&steps, &["pipeline", "--out", out.to_str().unwrap()], &tasks);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines(&out)[1]["text"], "Context from previous step:\none\n\nNow: two");
    // Again with one more: it goes on behind what was answered.
    let longer = place.file("longer.jsonl", "\"one\"\n\"two\"\n\"three\"\n");
    let output = run(&steps, &["pipeline", "--out", out.to_str().unwrap()], &longer);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("1 answered, 0 not, 2 were done before"), "{said}");
    let written = lines(&out);
    assert_eq!((written.len(), &written[2]["task"]), (3, &json!("three")));
    let told = "Context from previous step:\nContext from previous step:\none\n\nNow: two\n\nNow: three";
    assert_eq!(written[2]["text"], told);
    let empty = place.file("empty.jsonl", "\n");
    assert_eq!(run(&steps, &["pipeline"], &empty).status.code(), Some(2));
    assert_eq!(run(&steps, &["pipeline"], &place.0.join("missing")).status.code(), Some(2));
}

#[test]
fn ctrl_c_stops_everything_and_keeps_what_is_done() {
    let place = Place::new("interrupt");
    let tasks = place.file("tasks.jsonl", "\"quick\"\n\"slow\"\n\"never\"\n");
    let out = place.0.join("out.jsonl");
    let steps = json!([{"await": {"type": "user"}, "save": "asked"}, {"init": {}}, {"text": {"text": "Fine."}}, {"result": {}}]);
    let hang = json!({"prompt": "slow", "options": {"env": {"MADRIGAL_SIMULATE":
        json!({"name": "slow", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}]}).to_string()}}});
    fs::write(&tasks, format!("\"quick\"\n{hang}\n\"never\"\n")).unwrap();
    let words = ["parallel", "--max-concurrent", "1", "--json", "--out", out.to_str().unwrap()];
    let mut child = command(&steps, &words, &tasks).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The second has begun when the first is done.
    while !(line.contains(r#""stage":"started""#) && line.contains(r#""index":1"#)) {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended early");
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let written = lines(&out);
    assert_eq!((written.len(), &written[0]["task"]), (1, &json!("quick")));
}

#[test]
fn ctrl_c_of_a_pipeline_keeps_the_steps_that_are_done() {
    let place = Place::new("interrupt-pipeline");
    let out = place.0.join("out.jsonl");
    let steps = json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "Fine."}}, {"result": {"result": "Fine."}}]);
    let hang = json!({"prompt": "slow", "options": {"env": {"MADRIGAL_SIMULATE":
        json!({"name": "slow", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}]}).to_string()}}});
    let tasks = place.file("tasks.jsonl", &format!("\"quick\"\n{hang}\n\"never\"\n"));
    let words = ["pipeline", "--json", "--out", out.to_str().unwrap()];
    let mut child = command(&steps, &words, &tasks).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !(line.contains(r#""stage":"started""#) && line.contains(r#""index":1"#)) {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended early");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let written = lines(&out);
    assert_eq!((written.len(), &written[0]["task"]), (1, &json!("quick")));
}

#[test]
fn a_secret_of_a_task_is_in_no_outcome_and_what_was_answered_is_not_asked_again() {
    let place = Place::new("secret");
    let task = json!({"prompt": "one", "options": {"env": {"X_API_KEY": "test-canary-value"}}});
    let file = place.file("tasks.jsonl", &format!("{task}\n"));
    let out = place.0.join("out.jsonl");
    let words = ["parallel", "--json", "--out", out.to_str().unwrap()];
    let first = run(&answers(), &words, &file);
    assert!(first.status.success(), "{first:?}");
    let said = format!("{}{}", String::from_utf8_lossy(&first.stdout), fs::read_to_string(&out).unwrap());
    assert!(!said.contains("test-canary") && said.contains(r#""X_API_KEY":"...""#), "{said}");
    let again = run(&answers(), &words, &file);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(lines(&out).len(), 1, "it was asked again");
}
