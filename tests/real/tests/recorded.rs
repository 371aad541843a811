//! A session with the real `claude` is recorded and replayed: the second time there is neither `claude` nor an API.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use madrigal::{
    Options, Session,
    hook::{HookEvent, HookOutput},
    session::Permission,
    tools::{Tool, ToolResult, ToolServer},
};
use madrigal_conformance::simulator;
use madrigal_real::{Place, cli};
use serde_json::{Value, json};

/// What a host saw: the kinds of all messages, the results, and how often each callback of its was called.
#[derive(Debug, PartialEq)]
struct Seen {
    kinds: Vec<String>,
    results: Vec<String>,
    asked: usize,
    hooked: usize,
    called: usize,
}

async fn session(options: Options) -> Seen {
    let counts: [Arc<AtomicUsize>; 3] = Default::default();
    let [asked, hooked, called] = counts.clone();
    let add = Tool::new("add", "Adds", json!({"type": "object"}), move |call| {
        called.fetch_add(1, Ordering::Relaxed);
        let sum = call.arguments["a"].as_i64().unwrap_or(0) + call.arguments["b"].as_i64().unwrap_or(0);
        async move { Ok(ToolResult::text(sum.to_string())) }
    });
    let builder = Session::builder(options)
        .tool_server(ToolServer::new("calc", "1.0.0").tool(add))
        .hook(HookEvent::PreToolUse, move |_| {
            hooked.fetch_add(1, Ordering::Relaxed);
            async { Ok(HookOutput::proceed()) }
        })
        .can_use_tool(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            async { Ok(Permission::allow()) }
        });
    let mut session = builder.open().await.unwrap();
    let (mut kinds, mut results) = (Vec::new(), Vec::new());
    for prompt in ["Please make the file.", "Please add two and three.", "Please say hello."] {
        let mut turn = session.send(prompt).await.unwrap();
        while let Some(message) = turn.next().await {
            let message: Value = serde_json::from_str(&message.unwrap().to_string()).unwrap();
            let [kind, subtype] = ["type", "subtype"].map(|name| message[name].as_str().unwrap_or_default());
            kinds.push(format!("{kind}/{subtype}"));
            results.extend(message["result"].as_str().map(str::to_owned));
        }
    }
    session.close().await;
    let [asked, hooked, called] = counts.map(|count| count.load(Ordering::Relaxed));
    Seen { kinds, results, asked, hooked, called }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_session_is_replayed_without_claude() {
    let place = Place::new();
    let cassette = place.work().join("session.jsonl");
    let mut options = Options { cli_path: Some(simulator()), ..place.options() };
    options.env.insert("MADRIGAL_RECORD".to_owned(), cassette.to_string_lossy().into_owned());
    options.env.insert("MADRIGAL_RECORD_CLI".to_owned(), cli().to_string_lossy().into_owned());
    let first = session(options).await;
    let last = "Hello from the loopback model.";
    assert_eq!((first.asked, first.hooked, first.called), (2, 2, 1), "{first:?}");
    assert_eq!(first.results[1..], ["The tool said: 5", last]);
    assert!(place.work().join("made-by-bash.txt").exists());

    assert_eq!(fs::metadata(&cassette).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&cassette).unwrap();
    assert!(!text.contains(&place.api.env()["ANTHROPIC_API_KEY"]), "the key is in the cassette");

    fs::remove_file(place.work().join("made-by-bash.txt")).unwrap();
    let before = place.api.requests().len();
    let mut options = Options { cli_path: Some(simulator()), cwd: Some(place.work()), ..Options::default() };
    options.env.insert("MADRIGAL_SIMULATE".to_owned(), cassette.to_string_lossy().into_owned());
    assert_eq!(session(options).await, first);
    assert_eq!(place.api.requests().len(), before, "the API was asked");
    assert!(!place.work().join("made-by-bash.txt").exists(), "a tool ran");
}
