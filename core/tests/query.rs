//! A query over a program in memory: its text, the `Stream` it is, and the handle beside it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{future::poll_fn, pin::Pin};

use futures_core::Stream;
use madrigal::{Message, Options, Permission, Query, Session, testing::Script};
use serde_json::json;

async fn asked() -> Query {
    let script = Script::new().await_user().text("It is 4.").result();
    Session::builder(Options::default()).transport(script).query("What is 2 + 2?").await.unwrap()
}

#[tokio::test]
async fn the_text_of_a_query_is_that_of_its_result() {
    let mut results = Vec::new();
    let mut query = asked().await;
    while let Some(message) = query.next().await {
        let message = message.unwrap();
        if message.is_result() {
            results.push(message.text().into_owned());
        }
    }
    assert_eq!(results.len(), 1);
    assert_eq!(asked().await.text().await.unwrap(), results[0]);
}

#[tokio::test]
async fn a_query_is_a_stream_of_the_same_messages() {
    let mut expected = Vec::new();
    let mut query = asked().await;
    while let Some(message) = query.next().await {
        expected.push(message.unwrap().kind_name().to_owned());
    }
    let (mut kinds, mut stream) = (Vec::new(), asked().await);
    while let Some(message) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        kinds.push(message.unwrap().kind_name().to_owned());
    }
    assert!(kinds.iter().any(|kind| kind == "result"));
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn a_handle_of_a_query_knows_when_it_is_over() {
    let query = asked().await;
    let handle = query.handle();
    query.text().await.unwrap();
    assert!(handle.gone().await.error.is_none());
    assert_eq!(handle.send("more").await.unwrap_err().kind(), madrigal::ErrorKind::Closed);
}

#[tokio::test]
async fn a_query_that_is_over_cannot_be_interrupted() {
    let mut query = asked().await;
    while query.next().await.is_some() {}
    query.handle().gone().await;
    assert_eq!(query.interrupt().await.unwrap_err().kind(), madrigal::ErrorKind::Closed);
}

#[test]
fn a_message_shows_its_line_and_its_debug_form_keeps_the_text_to_itself() {
    let line = r#"{"type":"result","subtype":"success","is_error":false,"result":"a confidence"}"#;
    let message = Message::parse(line).unwrap();
    assert_eq!(message.to_string(), line);
    let debug = format!("{message:?}");
    assert!(debug.contains("result") && debug.contains("success"), "{debug}");
    assert!(!debug.contains("confidence"), "{debug}");
}

#[tokio::test]
async fn what_a_permission_says_reaches_the_program() {
    let script = Script::new().await_user().ask("Bash", json!({"command": "ls"})).result();
    let seen = script.clone();
    let updates = vec![json!({"type": "setMode", "mode": "plan", "destination": "session"})];
    let expected =
        json!({"behavior": "allow", "updatedInput": {"command": "pwd"}, "updatedPermissions": updates});
    Session::builder(Options::default())
        .transport(script)
        .can_use_tool(move |_| {
            let answer =
                Permission::allow().with_input(json!({"command": "pwd"})).with_updates(updates.clone());
            async { Ok(answer) }
        })
        .query("List")
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let frames = seen.received();
    let answer = frames.iter().find(|frame| frame["type"] == "control_response").unwrap();
    assert_eq!(answer["response"]["response"], expected);
}
