//! A program that stops in the middle of an answer (SIGSTOP) is killed, and another one goes on with its session.

#![allow(clippy::unwrap_used, reason = "tests stop when they cannot go on")]

use madrigal::{Options, Prompt, Session, message::MessageKind, options::StallAction};
use madrigal_real::Place;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_program_is_replaced_and_the_prompt_gets_its_result() {
    let place = Place::new();
    let mut options = Options { include_partial_messages: true, ..place.options() };
    let config = std::path::PathBuf::from(&options.env["CLAUDE_CONFIG_DIR"]).join("projects");
    options.timeouts.stall_action = StallAction::Resume;
    // Longer than a program takes to start beside others.
    options.timeouts.stall_ms = Some(8000);
    options.timeouts.kill_ms = 200;
    let mut session = Session::open(options).await.unwrap();
    let first = session.handle().pid().unwrap();
    let (begun, waiting) = (Prompt::from("Please talk without end."), Prompt::from("Please say hello."));
    session.handle().send(begun.clone()).await.unwrap();
    // The program writes its transcript a little later than it speaks, and can be resumed only from what is written.
    while session.next().await.unwrap().unwrap().kind() != MessageKind::StreamEvent || !written(&config) {}
    session.handle().send(waiting.clone()).await.unwrap();
    kill_process(Pid::from_raw(first.cast_signed()).unwrap(), Signal::STOP).unwrap();

    let (mut resumed, mut results, mut heard) = (Value::Null, Vec::new(), Vec::new());
    while results.len() < 2 {
        let message = session.next().await.unwrap().unwrap_or_else(|error| {
            let requests = place.api.requests();
            panic!("{error:?}\nbehind {heard:#?}\nthe API was asked {requests:#?}")
        });
        heard.push(message.value());
        if message.subtype() == Some("resumed") {
            resumed = message.value();
        }
        if message.is_result() {
            let value = message.value();
            results.push((
                value["user_message_uuids"][0].as_str().unwrap().to_owned(),
                message.text().into_owned(),
            ));
        }
    }
    assert_eq!(resumed["resumes"], 1);
    assert_ne!(resumed["pid"], first);
    assert_eq!(session.handle().pid().map(Value::from).unwrap(), resumed["pid"]);
    assert_eq!(
        results,
        [
            (begun.uuid().to_owned(), "I am done now.".to_owned()),
            (waiting.uuid().to_owned(), "Hello from the loopback model.".to_owned())
        ]
    );
    session.close().await;
    let requests = place.api.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.session_id.as_deref(), resumed["session_id"].as_str());
    assert_eq!(
        last.prompts.first().map(String::as_str),
        Some("Please talk without end."),
        "it knew what was said"
    );
}

/// Whether a transcript below this directory has the prompt.
fn written(folder: &std::path::Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| {
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        if path.is_dir() { written(&path) } else { text().contains("Please talk without end.") }
    })
}
