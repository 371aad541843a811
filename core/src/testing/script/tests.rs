//! The program in memory, as a session meets it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{Message, Options, Permission, Session, message::Body, transport::Signal};

#[tokio::test(start_paused = true)]
async fn a_paused_clock_makes_thinking_take_no_time() {
    let script = Script::new().await_user().pause(Duration::from_secs(3600)).text("late").result();
    let mut session = Session::builder(Options::default()).transport(script).open().await.unwrap();
    let result = session.send("hi").await.unwrap().result().await.unwrap();
    assert_eq!(result.unwrap().text(), "late");
    assert_eq!(session.close().await.exit, Some(Exit::Code(0)));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_hangs_climbs_down_the_ladder() {
    let script = Script::from_json(r#"{"cli": [{"ignore": ["SIGTERM"]}, {"hang": true}]}"#).unwrap();
    let session = Session::builder(Options::default()).transport(script).start().unwrap();
    assert_eq!(session.close().await.exit, Some(Exit::Signal(9)));
    let session = Session::builder(Options::default()).transport(Script::new().hang()).start().unwrap();
    assert_eq!(session.close().await.exit, Some(Exit::Code(143)));
}

#[tokio::test]
async fn each_session_plays_it_from_the_start() {
    let script = Script::new().await_user().deltas("Hello", 2).result().exit(7);
    for _ in 0..2 {
        let mut session =
            Session::builder(Options::default()).transport(script.clone()).open().await.unwrap();
        let result = session.send("hi").await.unwrap().result().await.unwrap().unwrap();
        assert_eq!(result.value()["result_index"], 0);
        assert_eq!(session.handle().gone().await.exit, Some(Exit::Code(7)));
    }
    let prompts = script.received().iter().filter(|frame| frame["type"] == "user").count();
    assert_eq!(prompts, 2);
}

#[tokio::test]
async fn what_it_says_on_stderr_reaches_the_error() {
    let script = Script::new().await_user().stderr("out of luck\n").exit(1);
    let mut session = Session::builder(Options::default()).transport(script).open().await.unwrap();
    let error = session.send("hi").await.unwrap().result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProcessExited);
    assert!(error.message().contains("out of luck"), "{error}");
}

#[tokio::test]
async fn a_process_nobody_holds_any_more_ends() {
    let script = Script::new().hang();
    let launch = Options::default().launch("claude".into(), false);
    let Connection { mut output, process, .. } = script.connect(launch).await.unwrap();
    drop(process);
    let mut said = Vec::new();
    output.read_to_end(&mut said).await.unwrap();
    assert!(said.is_empty());
}

#[tokio::test]
async fn text_that_looks_like_a_reference_is_text() {
    let script = Script::new().await_user().emit(json!({"type": "x", "price": "$pid"})).result();
    let mut session = Session::builder(Options::default()).transport(script).open().await.unwrap();
    let mut turn = session.send("hi").await.unwrap();
    let mut prices = Vec::new();
    while let Some(message) = turn.next().await {
        prices.extend(message.unwrap().value().get("price").cloned());
    }
    assert_eq!(prices, ["$pid"]);
}

async fn open(script: &Script) -> Session {
    Session::builder(Options::default()).transport(script.clone()).open().await.unwrap()
}

async fn turn(session: &mut Session) -> Vec<Message> {
    let mut turn = session.send("hi").await.unwrap();
    let mut messages = Vec::new();
    while let Some(message) = turn.next().await {
        messages.push(message.unwrap());
    }
    messages
}

#[tokio::test]
async fn every_word_of_the_builder_is_said() {
    let script = Script::default()
        .await_user()
        .init()
        .raw("{\"type\":\"system\",\"subtype\":\"raw\"}\n")
        .ask("Bash", json!({"command": "ls"}))
        .result_with(json!({"is_error": true, "result": "no"}));
    let mut session = Session::builder(Options::default())
        .can_use_tool(|_| async { Ok(Permission::allow()) })
        .transport(script.clone())
        .open()
        .await
        .unwrap();
    let messages = turn(&mut session).await;
    let subtypes: Vec<_> = messages.iter().filter_map(Message::subtype).collect();
    assert_eq!(subtypes, ["init", "raw", "success"]);
    let Body::Result(result) = messages.last().unwrap().body().unwrap() else { panic!("a result") };
    assert!(result.is_error);
    assert_eq!(session.close().await.exit, Some(Exit::Code(1)), "the last result was an error");
    let answers = script.received().iter().filter(|frame| frame["type"] == "control_response").count();
    assert_eq!(answers, 1);
}

async fn control(session: &Session, request: Value) -> Result<Value, crate::Error> {
    let subtype = request["subtype"].as_str().unwrap().to_owned();
    session.control(&subtype, request).await
}

#[tokio::test]
async fn requests_are_answered_as_the_real_program_answers_them() {
    let session = open(&Script::new()).await;
    for (request, reply) in [
        (json!({"subtype": "set_model", "model": "haiku"}), json!({"model": "haiku"})),
        (json!({"subtype": "mcp_status"}), json!({"mcpServers": []})),
        (
            json!({"subtype": "mcp_set_servers", "servers": {}}),
            json!({"added": [], "removed": [], "errors": {}}),
        ),
        (json!({"subtype": "cancel_async_message", "message_uuid": "u"}), json!({"cancelled": false})),
        (
            json!({"subtype": "get_binary_version"}),
            json!({"version": "2.1.330", "buildTime": "2026-01-01T00:00:00Z"}),
        ),
        (json!({"subtype": "stop_task", "task_id": "t"}), json!({})),
        (json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": null}), Value::Null),
        (json!({"subtype": "interrupt"}), json!({"still_queued": []})),
    ] {
        assert_eq!(control(&session, request.clone()).await.unwrap(), reply, "{request}");
    }
    for (request, code) in [
        (json!({"subtype": "set_permission_mode", "mode": "yolo"}), "invalid_mode"),
        (json!({"subtype": "set_color"}), "unsupported_request"),
    ] {
        let error = control(&session, request).await.unwrap_err();
        assert_eq!(error.context()["error_code"], code);
    }
    session.end_session("over").await.unwrap();
    assert_eq!(session.handle().gone().await.exit, Some(Exit::Code(0)));
}

#[tokio::test]
async fn an_interrupt_can_drop_the_prompts_that_wait() {
    let script = Script::new().await_user().init().pause(Duration::from_secs(3600)).result();
    let mut session = open(&script).await;
    session.handle().send("first").await.unwrap();
    while session.next().await.unwrap().unwrap().subtype() != Some("init") {}
    let waiting = crate::Prompt::from("second");
    let uuid = waiting.uuid().to_owned();
    session.handle().send(waiting).await.unwrap();
    let receipt = session.interrupt().cancel_queued().await.unwrap();
    assert_eq!((receipt.still_queued, receipt.cancelled), (vec![], Some(vec![uuid])));
}

#[tokio::test]
async fn a_result_that_was_emitted_ends_the_turn_an_interrupt_skips() {
    let script = Script::from_json(
        r#"{"cli": [{"await": {"type": "user"}}, {"init": {}}, {"pause_ms": 3600000}, {"text": {"text": "skipped"}},
            {"emit": {"type": "result", "subtype": "success", "is_error": false, "result": "skipped"}},
            {"await": {"type": "user"}}, {"result": {"result": "second"}}]}"#,
    );
    let mut session = open(&script.unwrap()).await;
    let mut first = session.send("first").await.unwrap();
    while first.next().await.unwrap().unwrap().subtype() != Some("init") {}
    drop(first);
    assert_eq!(turn(&mut session).await.last().unwrap().text(), "second");
}

#[tokio::test]
async fn the_answer_to_initialize_can_be_given() {
    let script =
        Script::from_json(r#"{"initialize": {"claude_code_version": "2.9.9", "own": 1}, "cli": []}"#);
    let session = open(&script.unwrap()).await;
    assert_eq!(session.handle().opened().await.unwrap()["own"], 1);
}

#[tokio::test]
async fn references_reach_into_what_was_saved() {
    let script = Script::from_json(
        r#"{"cli": [{"await": {"type": "user"}, "save": "p"}, {"text": {"text": "$p.message.content"}},
            {"text": {"text": "$$p and $nothing"}}, {"emit": {"type": "x", "first": "$argv.0", "home": "$env.MADE_UP"}},
            {"result": {"list": ["$p.message.role"], "own": "$nothing.at.all"}}]}"#,
    );
    let options = Options::from_json(r#"{"env": {"MADE_UP": "here"}}"#).unwrap();
    let builder = Session::builder(options).transport(script.unwrap());
    let messages = turn(&mut builder.open().await.unwrap()).await;
    let texts: Vec<_> = messages.iter().map(|message| message.text().into_owned()).collect();
    assert!(texts.contains(&"hi".to_owned()) && texts.contains(&"$p and $nothing".to_owned()), "{texts:?}");
    let value = |kind: &str| messages.iter().find(|message| message.kind_name() == kind).unwrap().value();
    assert_eq!((&value("x")["first"], &value("x")["home"]), (&json!("-p"), &json!("here")));
    assert_eq!(value("result")["list"], json!(["user"]));
    assert_eq!(value("result")["own"], "$nothing.at.all");
}

#[tokio::test]
async fn bad_arguments_are_refused_on_stderr() {
    let connection = Script::new().connect(Launch::default()).await.unwrap();
    assert_eq!(connection.process.wait().await, Exit::Code(1));
    assert!(connection.process.stderr_tail().contains("stream-json"));
}

#[tokio::test]
async fn stderr_reaches_the_host_line_by_line_and_its_tail_is_bounded() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let mut launch = Options::default().launch("claude".into(), false);
    launch.on_stderr = Some(Arc::new(move |line: &str| heard.lock().unwrap().push(line.to_owned())));
    let script = Script::new().stderr("one\ntwo\n").stderr("é".repeat(8000)).exit(0);
    let connection = script.connect(launch).await.unwrap();
    connection.process.wait().await;
    assert_eq!(lines.lock().unwrap()[..2], ["one", "two"]);
    let tail = connection.process.stderr_tail();
    assert!(tail.len() <= 8 * 1024 && tail.ends_with('é') && !tail.contains("one"));
}

#[tokio::test]
async fn sigint_ends_it_unless_it_is_ignored() {
    for script in [Script::new(), Script::new().hang()] {
        let connection = script.connect(Options::default().launch("claude".into(), false)).await.unwrap();
        connection.process.signal(Signal::Interrupt);
        assert_eq!(connection.process.wait().await, Exit::Code(0));
    }
    let deaf = Script::from_json(
        r#"{"cli": [{"ignore": ["SIGINT"]}, {"emit": {"type": "ready"}}, {"await": {"type": "go"}}, {"exit": 5}]}"#,
    );
    let mut connection =
        deaf.unwrap().connect(Options::default().launch("claude".into(), false)).await.unwrap();
    connection.output.read_exact(&mut [0; 5]).await.unwrap();
    connection.process.signal(Signal::Interrupt);
    connection.input.write_all(b"{\"type\":\"go\"}\n").await.unwrap();
    assert_eq!(connection.process.wait().await, Exit::Code(5));
}

#[test]
fn a_step_that_needs_a_process_is_found_at_any_depth() {
    let error = Script::from_json(r#"{"cli": [{"loop": [{"spawn": {}}]}]}"#).unwrap_err();
    assert!(error.message().contains("simulator"), "{error}");
}
