//! The session over a program in memory: order, errors, time. Time is virtual, so nothing here waits.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Notify;

use super::{
    Permission, Prompt, Session, SessionBuilder,
    fake::{Program, fake},
};
use crate::{
    Error, ErrorKind, Message, Options, Result,
    auth::{AuthConfig, AuthManager, MemoryTokenStore, NewToken, TokenSetup},
    transport::{BoxFuture, Exit},
};

async fn opened(
    configure: impl FnOnce(SessionBuilder) -> SessionBuilder,
    options: Options,
) -> (Session, Program) {
    let (transport, mut program) = fake();
    let builder = configure(Session::builder(options).transport(transport));
    let (session, ()) = tokio::join!(builder.open(), program.initialize());
    (session.unwrap(), program)
}

async fn plain() -> (Session, Program) {
    opened(|builder| builder, Options::default()).await
}

fn timeouts(json: &str) -> Options {
    Options::from_json(&format!(r#"{{"timeouts": {json}}}"#)).unwrap()
}

fn kind(item: Option<Result<Message>>) -> ErrorKind {
    item.expect("an error, not the end").expect_err("an error, not a message").kind()
}

#[tokio::test(start_paused = true)]
async fn two_turns_each_end_at_their_own_result() {
    let (mut session, mut program) = plain().await;
    for text in ["first", "second"] {
        let mut turn = session.send(text).await.unwrap();
        let uuid = program.prompt().await;
        assert_eq!(turn.uuid(), uuid);
        program
            .write(json!({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}))
            .await;
        program.result(&uuid).await;
        assert_eq!(turn.next().await.unwrap().unwrap().text(), text);
        assert!(turn.next().await.unwrap().unwrap().is_result());
        assert!(turn.next().await.is_none());
        assert!(turn.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_ends_the_input_at_its_result_and_the_stream_when_the_process_is_gone() {
    let (transport, mut program) = fake();
    let mut query = Session::builder(Options::default()).transport(transport).query("hi").await.unwrap();
    program.initialize().await;
    let uuid = program.prompt().await;
    program.result(&uuid).await;
    assert!(query.next().await.unwrap().unwrap().is_result());
    assert!(program.read().await.is_none(), "the input ended");
    program.exit(Exit::Code(0)).await;
    assert!(query.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_loses_nothing() {
    let (mut session, mut program) = plain().await;
    for _ in 0..3 {
        tokio::time::timeout(Duration::from_millis(1), session.next()).await.unwrap_err();
    }
    program.write(json!({"type": "x", "n": 1})).await;
    assert_eq!(session.next().await.unwrap().unwrap().value()["n"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_turn_is_interrupted_and_the_next_one_does_not_see_its_remains() {
    let (mut session, mut program) = plain().await;
    let turn = session.send("long").await.unwrap();
    let first = program.prompt().await;
    program.write(json!({"type": "x", "n": 1})).await;
    drop(turn);
    program.acknowledge("interrupt", json!({"still_queued": []})).await;
    program.write(json!({"type": "x", "n": 2})).await;
    program.result(&first).await;
    let mut turn = session.send("next").await.unwrap();
    let second = program.prompt().await;
    program.write(json!({"type": "x", "n": 3})).await;
    program.result(&second).await;
    assert_eq!(turn.next().await.unwrap().unwrap().value()["n"], 3);
}

#[tokio::test(start_paused = true)]
async fn unread_messages_delay_neither_a_question_nor_a_reply() {
    let options = Options::from_json(r#"{"limits": {"buffer_bytes": 1000}}"#).unwrap();
    let asked = Arc::new(Notify::new());
    let heard = asked.clone();
    let (session, mut program) = opened(
        |builder| {
            builder.can_use_tool(move |request| {
                assert_eq!((request.tool_name.as_str(), &request.input), ("Bash", &json!({"a": 1})));
                heard.notify_one();
                async { Ok(Permission::allow()) }
            })
        },
        options,
    )
    .await;
    program.write(json!({"type": "x", "fill": "x".repeat(900)})).await;
    program.ask("r1", "Bash").await;
    asked.notified().await;
    let answer = program.read().await.unwrap();
    assert_eq!(
        answer["response"],
        json!({"subtype": "success", "request_id": "r1", "response": {"behavior": "allow"}})
    );
    for n in 0..100 {
        program.write(json!({"type": "x", "n": n, "fill": "x".repeat(900)})).await;
        if n == 0 {
            // With a request open the reading goes on, although the mailbox has been full since the first message.
            let handle = session.handle();
            tokio::spawn(async move { handle.control("set_model", json!({})).await });
        }
    }
    program.acknowledge("set_model", json!({})).await;
}

#[tokio::test(start_paused = true)]
async fn reading_pauses_when_nobody_reads_and_goes_on_without_loss() {
    let options = Options::from_json(r#"{"limits": {"buffer_bytes": 1000}}"#).unwrap();
    let (mut session, mut program) = opened(|builder| builder, options).await;
    let writer = tokio::spawn(async move {
        for n in 0..1000 {
            program.write(json!({"type": "x", "n": n, "fill": "x".repeat(900)})).await;
        }
        program
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = session.handle.mailbox().bytes();
    assert!(waiting < 200_000, "a pipe and a chunk at most, not a megabyte: {waiting}");
    for n in 0..1000 {
        assert_eq!(session.next().await.unwrap().unwrap().value()["n"], n);
    }
    drop(writer.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn too_much_unread_with_a_question_open_is_an_error_and_not_a_hang() {
    let options =
        Options::from_json(r#"{"limits": {"buffer_bytes": 1000, "hard_buffer_bytes": 5000}}"#).unwrap();
    let (mut session, mut program) =
        opened(|builder| builder.can_use_tool(|_| std::future::pending()), options).await;
    program.ask("r1", "Bash").await;
    for _ in 0..10 {
        program.write(json!({"type": "x", "fill": "x".repeat(900)})).await;
    }
    program.ladders.recv().await.unwrap();
    program.exit(Exit::Signal(15)).await;
    let mut last = None;
    while let Some(item) = session.next().await {
        last = Some(item);
    }
    assert_eq!(kind(last), ErrorKind::Overflow);
}

#[tokio::test(start_paused = true)]
async fn a_failing_callback_denies_the_tool_reaches_the_reader_and_the_session_lives() {
    let (mut session, mut program) = opened(
        |builder| builder.can_use_tool(|_| async { Err(Error::new(ErrorKind::Callback, "boom")) }),
        Options::default(),
    )
    .await;
    program.ask("r1", "Bash").await;
    let answer = program.read().await.unwrap();
    assert_eq!(answer["response"]["response"], json!({"behavior": "deny", "message": "boom"}));
    assert_eq!(kind(session.next().await), ErrorKind::Callback);
    let turn = session.send("still here").await.unwrap();
    let uuid = program.prompt().await;
    program.result(&uuid).await;
    assert!(turn.result().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_panicking_callback_denies_the_tool() {
    let (mut session, mut program) = opened(
        |builder| builder.can_use_tool(|_| async { panic!("a test panics on purpose") }),
        Options::default(),
    )
    .await;
    program.ask("r1", "Bash").await;
    assert_eq!(program.read().await.unwrap()["response"]["response"]["behavior"], "deny");
    assert_eq!(kind(session.next().await), ErrorKind::Callback);
}

#[tokio::test]
async fn a_panic_while_it_starts_ends_the_session_and_says_so() {
    struct Panics;
    impl TokenSetup for Panics {
        fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
            panic!("a test panics on purpose")
        }
    }
    let names = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
    let auth = AuthManager::new(AuthConfig {
        env: names.map(|name| (name.to_owned(), String::new())).into(),
        store: Some(Arc::new(MemoryTokenStore::new())),
        setup: Some(Arc::new(Panics)),
        cli_login: false,
        ..AuthConfig::default()
    });
    let (transport, _program) = fake();
    let builder = Session::builder(Options::default()).transport(transport).auth(auth.unwrap());
    let mut session = builder.start().unwrap();
    let handle = session.handle();
    let error = handle.gone().await.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("a panic ended this session"), "{error}");
    assert!(!error.message().contains("on purpose"), "{error}");
    assert_eq!(handle.send("hi").await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(kind(session.next().await), ErrorKind::Internal);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_question_is_dropped_and_its_answer_not_sent() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let guard = dropped.clone();
    let (_session, mut program) = opened(
        |builder| {
            builder.can_use_tool(move |_| {
                let guard = Dropped(guard.clone());
                async move {
                    let _guard = guard;
                    std::future::pending().await
                }
            })
        },
        Options::default(),
    )
    .await;
    program.ask("r1", "Bash").await;
    program.write(json!({"type": "control_cancel_request", "request_id": "r1"})).await;
    dropped.notified().await;
    program
        .write(
            json!({"type": "control_request", "request_id": "r2", "request": {"subtype": "hook_callback"}}),
        )
        .await;
    let next = program.read().await.unwrap();
    assert_eq!(
        (&next["response"]["request_id"], &next["response"]["subtype"]),
        (&json!("r2"), &json!("error"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_question_does_not_take_the_answer_of_another_along() {
    let (mut session, mut program) =
        opened(|builder| builder.can_use_tool(|_| async { Ok(Permission::deny("no")) }), Options::default())
            .await;
    // In one piece, so that the first is withdrawn before the second is answered.
    let ask = |id: &str| {
        json!({"type": "control_request", "request_id": id,
            "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t"}})
    };
    let withdrawn = json!({"type": "control_cancel_request", "request_id": "r1"});
    program.write_raw(&format!("{}\n{withdrawn}\n{}\n", ask("r1"), ask("r2"))).await;
    let answer = program.read().await.unwrap();
    assert_eq!(
        (&answer["response"]["request_id"], &answer["response"]["response"]["message"]),
        (&json!("r2"), &json!("no"))
    );
    program.write(json!({"type": "system", "subtype": "notification"})).await;
    assert!(session.next().await.unwrap().is_ok(), "nothing failed");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_wrong_shape_denies_and_says_so() {
    let (mut session, mut program) = opened(
        |builder| builder.can_use_tool(|_| async { Ok(Permission::allow().with_input(json!("text"))) }),
        Options::default(),
    )
    .await;
    program.ask("r1", "Bash").await;
    assert_eq!(program.read().await.unwrap()["response"]["response"]["behavior"], "deny");
    let error = session.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("updatedInput"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_no_frame_is_an_error_in_its_place() {
    let (mut session, mut program) = plain().await;
    program.write_raw("{\"type\":\"x\"\noops\n{\"type\":\"y\"}\n").await;
    assert_eq!(kind(session.next().await), ErrorKind::Protocol);
    let error = session.next().await.unwrap().unwrap_err();
    assert_eq!(
        (&error.context()["line"], &error.context()["stderr"]),
        (&json!("oops"), &json!("last words"))
    );
    assert_eq!(session.next().await.unwrap().unwrap().kind_name(), "y");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_mid_turn_says_how_and_why() {
    let (mut session, mut program) = plain().await;
    let mut turn = session.send("hi").await.unwrap();
    program.prompt().await;
    program.exit(Exit::Code(3)).await;
    let error = turn.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProcessExited);
    assert_eq!(
        (&error.context()["exit"], &error.context()["stderr"]),
        (&json!({"code": 3}), &json!("last words"))
    );
    assert!(turn.next().await.is_none());
    drop(turn);
    assert_eq!(session.handle().send("more").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_old_program_is_refused_by_its_version() {
    let (transport, mut program) = fake();
    let opening = tokio::spawn(Session::builder(Options::default()).transport(transport).open());
    program.acknowledge("initialize", json!({"claude_code_version": "1.0.9"})).await;
    program.ladders.recv().await.unwrap();
    program.exit(Exit::Signal(15)).await;
    assert_eq!(opening.await.unwrap().unwrap_err().kind(), ErrorKind::CliVersion);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_never_answers_is_given_up() {
    let (transport, mut program) = fake();
    let opening =
        tokio::spawn(Session::builder(timeouts(r#"{"start_ms": 500}"#)).transport(transport).open());
    program.read().await;
    program.ladders.recv().await.unwrap();
    program.exit(Exit::Signal(9)).await;
    let error = opening.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.operation_name()), (ErrorKind::Timeout, "open"));
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_request_times_out_and_is_withdrawn() {
    let (session, mut program) = opened(|builder| builder, timeouts(r#"{"control_ms": 500}"#)).await;
    let asking = tokio::spawn(session.interrupt().into_future());
    let request = program.read().await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    let cancel = program.read().await.unwrap();
    assert_eq!(
        (&cancel["type"], &cancel["request_id"]),
        (&json!("control_cancel_request"), &request["request_id"])
    );
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_turn_but_not_while_a_question_is_open_or_nothing_runs() {
    let (mut session, mut program) = opened(
        |builder| {
            builder.can_use_tool(|_| async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Permission::allow())
            })
        },
        timeouts(r#"{"idle_ms": 1000}"#),
    )
    .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut turn = session.send("hi").await.unwrap();
    program.prompt().await;
    program.ask("r1", "Bash").await;
    assert_eq!(program.read().await.unwrap()["type"], "control_response");
    program.ladders.recv().await.unwrap();
    program.exit(Exit::Signal(15)).await;
    assert_eq!(kind(turn.next().await), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_slow_turn_is_interrupted_and_the_session_lives() {
    let (mut session, mut program) = opened(|builder| builder, timeouts(r#"{"turn_ms": 1000}"#)).await;
    let mut turn = session.send("slow").await.unwrap();
    let uuid = program.prompt().await;
    program.acknowledge("interrupt", json!({})).await;
    program.result(&uuid).await;
    assert_eq!(kind(turn.next().await), ErrorKind::Timeout);
    assert!(turn.next().await.unwrap().unwrap().is_result());
    assert!(turn.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_even_end_when_interrupted_ends_the_session() {
    let (mut session, mut program) = opened(|builder| builder, timeouts(r#"{"turn_ms": 1000}"#)).await;
    let mut turn = session.send("stuck").await.unwrap();
    program.prompt().await;
    program.acknowledge("interrupt", json!({})).await;
    program.ladders.recv().await.unwrap();
    program.exit(Exit::Signal(9)).await;
    assert_eq!(kind(turn.next().await), ErrorKind::Timeout);
    assert_eq!(kind(turn.next().await), ErrorKind::Timeout);
    assert!(turn.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn missing_credentials_are_an_error_right_behind_the_result() {
    let (mut session, mut program) = plain().await;
    let mut turn = session.send("hi").await.unwrap();
    let uuid = program.prompt().await;
    program
        .write(json!({"type": "assistant", "error": "authentication_failed", "message": {"content": "Not logged in"}}))
        .await;
    program
        .write(json!({"type": "result", "subtype": "success", "is_error": true, "result": "Not logged in", "user_message_uuids": [uuid]}))
        .await;
    assert!(turn.next().await.unwrap().is_ok());
    assert!(turn.next().await.unwrap().unwrap().is_error());
    let error = turn.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("ANTHROPIC_API_KEY"));
    assert!(turn.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_uuid_is_never_sent_twice() {
    let (mut session, mut program) = plain().await;
    let frame = json!({"type": "user", "uuid": "11111111-1111-4111-8111-111111111111", "message": {"role": "user", "content": "hi"}});
    let prompt = Prompt::from_json(frame).unwrap();
    let turn = session.send(prompt.clone()).await.unwrap();
    let uuid = program.prompt().await;
    program.result(&uuid).await;
    turn.result().await.unwrap();
    assert_eq!(session.send(prompt).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_input_and_tells_how_the_process_ended() {
    let (session, mut program) = plain().await;
    let handle = session.handle();
    let closing = tokio::spawn(session.close());
    assert!(program.read().await.is_none());
    program.exit(Exit::Code(0)).await;
    let end = closing.await.unwrap();
    assert_eq!(end.exit, Some(Exit::Code(0)));
    assert!(end.error.is_none());
    let error = handle.interrupt().await.unwrap_err();
    assert_eq!((error.kind(), error.operation_name()), (ErrorKind::Closed, "control"));
}

#[tokio::test(start_paused = true)]
async fn dropping_everything_stops_the_process_at_once() {
    let (session, mut program) = plain().await;
    drop(session);
    let ladder = program.ladders.recv().await.unwrap();
    assert_eq!((ladder.terminate_after, ladder.kill_after), (Some(Duration::ZERO), Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_control_request_needs_a_subtype_and_a_refusal_says_why() {
    let (session, mut program) = plain().await;
    assert_eq!(session.control("", json!({})).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let asking = tokio::spawn(session.control("nonsense", json!({})).into_future());
    let id = program.read().await.unwrap()["request_id"].clone();
    let refusal =
        json!({"subtype": "error", "request_id": id, "error": "no", "error_code": "unsupported_request"});
    program.write(json!({"type": "control_response", "response": refusal})).await;
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), &error.context()["error_code"]),
        (ErrorKind::Control, &json!("unsupported_request"))
    );
}

#[test]
fn a_session_whose_runtime_is_gone_says_so() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gone = runtime();
    let (mut session, _program) = gone.block_on(plain());
    drop(gone);
    runtime().block_on(async {
        assert_eq!(kind(session.next().await), ErrorKind::Closed);
        assert!(session.next().await.is_none());
        assert_eq!(session.interrupt().await.unwrap_err().kind(), ErrorKind::Closed);
        assert!(session.close().await.error.is_some());
    });
}

#[tokio::test(start_paused = true)]
async fn bad_options_are_refused_before_anything_is_started() {
    let options = Options { max_turns: Some(0), ..Options::default() };
    assert_eq!(Session::open(options).await.unwrap_err().kind(), ErrorKind::InvalidOptions);
}
