//! Programs that live but do nothing, and hosts that never answer. Time is virtual, so nothing here waits.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Permission, Session, SessionBuilder,
    fake::{Program, fake},
};
use crate::{ErrorKind, Options, transport::Exit};

async fn opened(
    configure: impl FnOnce(SessionBuilder) -> SessionBuilder,
    timeouts: &str,
) -> (Session, Program) {
    let options = Options::from_json(&format!(r#"{{"timeouts": {timeouts}}}"#)).unwrap();
    let (transport, mut program) = fake();
    let builder = configure(Session::builder(options).transport(transport));
    let (session, ()) = tokio::join!(builder.open(), program.initialize());
    (session.unwrap(), program)
}

/// A session whose turn has begun.
async fn running(timeouts: &str) -> (Session, Program, String) {
    let (session, mut program) = opened(|builder| builder, timeouts).await;
    session.handle().send("hi").await.unwrap();
    let uuid = program.prompt().await;
    (session, program, uuid)
}

async fn next(session: &mut Session) -> Value {
    session.next().await.unwrap().unwrap().value()
}

async fn silence(session: &mut Session, time: Duration) {
    if let Ok(item) = tokio::time::timeout(time, session.next()).await {
        panic!("nothing was expected: {item:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_turn_is_told_once_and_again_after_it_said_something() {
    let (mut session, mut program, uuid) = running(r#"{"stall_ms": 1000}"#).await;
    for n in 0..2 {
        let told = next(&mut session).await;
        assert_eq!(
            (&told["type"], &told["subtype"], &told["source"]),
            (&json!("system"), &json!("stalled"), &json!("madrigal"))
        );
        assert_eq!(told["interrupted"], false);
        assert!(told["silent_ms"].as_u64().unwrap() >= 1000);
        silence(&mut session, Duration::from_secs(3600)).await;
        program.write(json!({"type": "x", "n": n})).await;
        assert_eq!(next(&mut session).await["n"], n);
    }
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_a_session_that_rests() {
    let (mut session, mut program, uuid) = running(r#"{"stall_ms": 1000, "first_token_ms": 1000}"#).await;
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
    silence(&mut session, Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stall_can_interrupt_the_turn_and_the_session_lives_on() {
    let (mut session, mut program, uuid) =
        running(r#"{"stall_ms": 1000, "stall_action": "interrupt"}"#).await;
    assert_eq!(next(&mut session).await["interrupted"], true);
    program.acknowledge("interrupt", json!({"still_queued": []})).await;
    let again = next(&mut session).await;
    assert_eq!(
        (&again["subtype"], &again["interrupted"]),
        (&json!("stalled"), &json!(false)),
        "one interrupt is enough"
    );
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
    session.handle().send("next").await.unwrap();
    let uuid = program.prompt().await;
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_ignores_the_interrupt_can_be_stopped() {
    let (mut session, mut program, _) = running(r#"{"stall_ms": 1000, "stall_action": "stop"}"#).await;
    let started = Instant::now();
    assert_eq!(next(&mut session).await["interrupted"], true);
    program.ladders.recv().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    program.exit(Exit::Signal(15)).await;
    let error = session.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.operation_name()), (ErrorKind::Timeout, "read"));
    assert!(error.message().contains("timeouts.stall_ms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_question_open_with_the_host_is_no_stall() {
    let (mut session, mut program) = opened(
        |builder| {
            builder.can_use_tool(|_| async {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(Permission::allow())
            })
        },
        r#"{"stall_ms": 1000, "first_token_ms": 1000}"#,
    )
    .await;
    session.handle().send("hi").await.unwrap();
    let uuid = program.prompt().await;
    program.ask("r1", "Bash").await;
    silence(&mut session, Duration::from_secs(599)).await;
    program.read().await.unwrap();
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_begin_is_interrupted_and_one_that_did_may_take_its_time() {
    let (mut session, mut program, uuid) = running(r#"{"first_token_ms": 1000}"#).await;
    program.write(json!({"type": "system", "subtype": "init"})).await;
    assert_eq!(next(&mut session).await["subtype"], "init");
    let error = session.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.operation_name()), (ErrorKind::Timeout, "turn"));
    assert!(error.message().contains("timeouts.first_token_ms"), "{error}");
    program.acknowledge("interrupt", json!({"still_queued": []})).await;
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");

    session.handle().send("again").await.unwrap();
    program.prompt().await;
    program.write(json!({"type": "assistant", "message": {"content": []}})).await;
    assert_eq!(next(&mut session).await["type"], "assistant");
    silence(&mut session, Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_in_time_has_failed_and_the_turn_goes_on() {
    let (mut session, mut program) = opened(
        |builder| {
            builder.can_use_tool(|_| async {
                std::future::pending::<()>().await;
                Ok(Permission::allow())
            })
        },
        r#"{"callback_ms": 5000}"#,
    )
    .await;
    session.handle().send("hi").await.unwrap();
    let uuid = program.prompt().await;
    program.ask("r1", "Bash").await;
    let error = session.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        (&error.context()["callback"], &error.context()["limit_ms"]),
        (&json!("can_use_tool"), &json!(5000))
    );
    let answer = program.read().await.unwrap();
    assert_eq!(answer["response"]["response"]["behavior"], "deny");
    program.result(&uuid).await;
    assert_eq!(next(&mut session).await["type"], "result");
}
