//! A session is recorded while it runs, and the recording plays without the program.
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use madrigal::{Options, Permission, Session};

const PROGRAM: &str = env!("CARGO_BIN_EXE_madrigal");
const SCRIPT: &str = r#"{"cli": [
    {"await": {"type": "user"}}, {"init": {}},
    {"emit": {"type": "control_request", "request_id": "r1", "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t"}}},
    {"await": {"type": "control_response", "response": {"request_id": "r1"}}},
    {"text": {"text": "$env.TEST_API_KEY", "deltas": 2}}, {"result": {}},
    {"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "second"}}, {"result": {"is_error": true}}
]}"#;

fn options(env: &[(&str, &str)]) -> Options {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options { cli_path: Some(PROGRAM.into()), env, ..Options::default() }
}

/// Two turns with a question: the answers, what was asked, and the exit code.
async fn converse(options: Options) -> (Vec<String>, serde_json::Value) {
    let mut session = Session::builder(options)
        .can_use_tool(|request| async move {
            assert_eq!(request.tool_name, "Bash");
            Ok(Permission::allow())
        })
        .open()
        .await
        .unwrap();
    let mut texts = Vec::new();
    for prompt in ["one", "two"] {
        texts.push(session.send(prompt).await.unwrap().result().await.unwrap().unwrap().text().into_owned());
    }
    (texts, session.close().await.to_json()["exit"].clone())
}

#[tokio::test]
async fn a_recording_plays_what_was_recorded_without_its_secrets() {
    let folder = tempdir();
    let cassette = folder.join("session.jsonl");
    let path = cassette.to_str().unwrap();
    let (texts, exit) = converse(options(&[
        ("MADRIGAL_RECORD", path),
        ("MADRIGAL_RECORD_CLI", PROGRAM),
        ("MADRIGAL_SIMULATE", SCRIPT),
        ("TEST_API_KEY", "not-a-real-key"),
    ]))
    .await;
    assert_eq!(texts, ["not-a-real-key", "second"], "the host sees what the program said");
    assert_eq!(exit["code"], 1);
    let recorded = std::fs::read_to_string(&cassette).unwrap();
    assert!(!recorded.contains("not-a-real-key") && recorded.contains("<scrubbed>"), "{recorded}");
    assert_eq!(cassette.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let (texts, exit) = converse(options(&[("MADRIGAL_SIMULATE", path)])).await;
    assert_eq!(texts, ["<scrubbed>", "second"]);
    assert_eq!(exit["code"], 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let folder = tempdir();
    let out = format!("--out={}", folder.join("x.jsonl").display());
    let output =
        Command::new(PROGRAM).args(["record", &out, "--", "/no/such/claude", "-p"]).output().unwrap();
    assert_eq!(output.status.code(), Some(97));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/claude"));
    let output = Command::new(PROGRAM).args(["record", "--", "claude"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--out FILE -- CLAUDE"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_exit_code_is_that_of_the_program() {
    let folder = tempdir();
    let out = folder.join("x.jsonl");
    let status = Command::new(PROGRAM)
        .args(["record", "--out", out.to_str().unwrap(), "--", "sh", "-c", "exit 7"])
        .stdin(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(7));
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempdir() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("record-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
