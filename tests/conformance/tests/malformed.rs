//! Every kind of malformed frame has one defined outcome, and the session lives on behind it: no panic, no hang, and nothing is
//! dropped in silence. The table is `vectors/malformed.json`; what a type must have is taken from the catalogue of messages.
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

use std::{path::Path, time::Duration};

use madrigal::{
    Error, ErrorKind, Message, Options, Permission, Session,
    message::{KindInfo, catalogue},
    session::{Ask, AskKind, Host, Provided},
    testing::{Script, matches},
    transport::BoxFuture,
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Longer than anything here may take.
const STUCK: Duration = Duration::from_secs(30);

fn rows() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/malformed.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    table["rows"].as_array().unwrap().clone()
}

/// A host that answers everything, in the plainest way.
struct Plain;

impl Host for Plain {
    fn asks(&self) -> &[AskKind] {
        &[AskKind::CanUseTool, AskKind::Elicitation, AskKind::UserDialog]
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, madrigal::Result<Value>> {
        Box::pin(std::future::ready(Ok(match ask.kind {
            AskKind::CanUseTool => json!({"behavior": "allow"}),
            AskKind::Elicitation => json!({"action": "cancel"}),
            AskKind::UserDialog => json!({"behavior": "cancelled"}),
            AskKind::ToolCall => json!({"content": []}),
            _ => json!({}),
        })))
    }
}

fn provided() -> Provided {
    serde_json::from_value(json!({
        "hooks": {"Stop": [{"callbacks": ["h1"]}]},
        "tool_servers": [{"name": "calc", "version": "1", "tools": [{"name": "add", "description": "Adds",
            "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}}}]}],
    }))
    .unwrap()
}

/// The bytes of a row, in hexadecimal digits: any text would have to be escaped otherwise.
fn hex(row: &Value) -> String {
    if let Some(hex) = row["hex"].as_str() {
        return format!("{hex}0a");
    }
    let text = match &row["line"] {
        Value::Array(pieces) => pieces.iter().map(piece).collect(),
        line => piece(line),
    };
    text.bytes().chain([b'\n']).map(|byte| format!("{byte:02x}")).collect()
}

fn piece(piece: &Value) -> String {
    match piece.as_str() {
        Some(text) => text.to_owned(),
        None => piece["repeat"]
            .as_str()
            .unwrap()
            .repeat(usize::try_from(piece["times"].as_u64().unwrap()).unwrap()),
    }
}

async fn open(steps: Vec<Value>) -> Session {
    let script = Script::from_json(&json!({"lifecycle": false, "cli": steps}).to_string()).unwrap();
    let options = Options::default();
    Session::builder(options)
        .host(std::sync::Arc::new(Plain))
        .provide(provided())
        .transport(script)
        .open()
        .await
        .unwrap()
}

/// Plays one row and says what was not as it says.
async fn play(row: &Value) -> Result<(), String> {
    let mut steps = vec![json!({"await": {"type": "user"}}), json!({"emit_hex": hex(row)})];
    if let Some(answer) = row.get("answer") {
        let mut answer = answer.clone();
        answer["request_id"] = "bad".into();
        steps.push(json!({"await": {"type": "control_response"}, "save": "given"}));
        steps.push(json!({"emit": {"type": "given", "response": "$given.response"}}));
        steps.push(json!({"result": {}}));
    } else {
        steps.push(json!({"result": {}}));
    }
    let mut session = open(steps).await;
    let (mut messages, mut errors) = (Vec::new(), Vec::new());
    let mut turn = session.send("hi").await.map_err(|error| error.to_string())?;
    loop {
        match timeout(STUCK, turn.next()).await.map_err(|_| "stuck".to_owned())? {
            Some(Ok(message)) => messages.push(message),
            Some(Err(error)) => errors.push(error),
            None => break,
        }
    }
    drop(turn);
    let end = timeout(STUCK, session.close()).await.map_err(|_| "the close is stuck".to_owned())?;
    if messages.pop().is_none_or(|last| !last.is_result()) || end.error.is_some() {
        return Err(format!("the turn did not end well: {:?}", end.error));
    }
    if let Some(pattern) = row.get("answer") {
        let given = messages.pop().map(|message| message.value()).unwrap_or_default();
        let mut pattern = pattern.clone();
        pattern["request_id"] = "bad".into();
        check("answer", &pattern, &given["response"])?;
    }
    one("error", row, &errors, Error::to_json)?;
    one("kept", row, &messages, Message::value)?;
    match (row.get("body"), messages.first()) {
        (Some(pattern), Some(message)) => match message.body() {
            Ok(body) => Err(format!("the body was read: {body:?}")),
            Err(error) => check("body", pattern, &error.to_json()),
        },
        _ => Ok(()),
    }
}

/// One item that matches where the row has a pattern, none where it has not.
fn one<T>(name: &str, row: &Value, found: &[T], value: impl Fn(&T) -> Value) -> Result<(), String> {
    match (row.get(name), found) {
        (None, []) => Ok(()),
        (Some(pattern), [found]) => check(name, pattern, &value(found)),
        (_, found) => Err(format!("{name}: found {:?}", found.iter().map(value).collect::<Vec<_>>())),
    }
}

fn check(name: &str, pattern: &Value, found: &Value) -> Result<(), String> {
    if matches(pattern, found) {
        Ok(())
    } else {
        Err(format!("{name}: {pattern} was expected, found {found}"))
    }
}

/// Plays a row about an answer that a request of the host waits for. It is said twice: the second finds nobody.
async fn play_reply(row: &Value) -> Result<(), String> {
    let line: Value = serde_json::from_str(row["line"].as_str().unwrap()).unwrap();
    let mut line = line;
    line["response"]["request_id"] = "$asked.request_id".into();
    let session = open(vec![
        json!({"await": {"type": "control_request", "request": {"subtype": "ping_me"}}, "save": "asked"}),
        json!({"emit": line}),
        json!({"await": {"type": "control_request", "request": {"subtype": "again"}}, "save": "again"}),
        json!({"emit": {"type": "control_response", "response": {"subtype": "success", "request_id": "$again.request_id"}}}),
    ])
    .await;
    let reply = timeout(STUCK, session.control("ping_me", json!({}))).await;
    let reply = match reply.map_err(|_| "stuck".to_owned())? {
        Ok(value) => json!({"value": value}),
        Err(error) => json!({"error": error.to_json()}),
    };
    check("reply", &row["reply"], &reply)?;
    let again = timeout(STUCK, session.control("again", json!({}))).await.map_err(|_| "stuck".to_owned())?;
    again.map_err(|error| format!("the session did not live on: {error}"))?;
    let end = timeout(STUCK, session.close()).await.map_err(|_| "the close is stuck".to_owned())?;
    end.error.map_or(Ok(()), |error| Err(error.to_string()))
}

#[tokio::test]
async fn every_row_has_the_outcome_it_says() {
    let rows = rows();
    assert!(rows.len() > 90, "only {} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let known =
            ["error", "kept", "ignored", "answer", "reply"].iter().any(|outcome| row.get(*outcome).is_some());
        assert!(known, "{row} says no outcome");
        let played = if row["reply"].is_null() { play(row).await } else { play_reply(row).await };
        wrong.extend(played.err().map(|problem| format!("{}: {problem}", row["about"])));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What a frame looks like whose fields are `fields`, by the table it is in.
fn frame(table: &str, word: &str, fields: Value) -> Value {
    let mut frame = fields;
    let (kind, subtype) = if table == "system" { ("system", Some(word)) } else { (word, None) };
    frame["type"] = kind.into();
    if let Some(subtype) = subtype {
        frame["subtype"] = subtype.into();
    }
    frame
}

#[test]
fn a_frame_of_any_kind_without_a_field_it_must_have_names_that_field() {
    let kinds = catalogue();
    let tables: [(&str, &[KindInfo]); 2] = [("frames", kinds.frames), ("system", kinds.system)];
    let mut checked = 0;
    for (table, kinds) in tables {
        for kind in kinds {
            // Which table a frame of the type `system` is in depends on its subtype.
            let chosen_by = if table == "system" { "subtype" } else { "type" };
            let needed = kind.fields.iter().filter(|(name, needed)| *needed && *name != chosen_by);
            let needed: Vec<&str> = needed.map(|(name, _)| *name).collect();
            // One without a subtype is of none that is known, and kept whole.
            if needed.is_empty() || kind.word == "system" {
                continue;
            }
            let odd: serde_json::Map<String, Value> =
                needed.iter().map(|name| ((*name).to_owned(), json!({"odd": [null]}))).collect();
            for fields in [json!({}), Value::from(odd)] {
                let frame = frame(table, kind.word, fields);
                let message = Message::parse(&frame.to_string()).unwrap();
                assert_eq!(message.value(), frame, "it is kept");
                match message.body() {
                    // A field that may hold anything.
                    Ok(body) => assert_eq!(body.value(), frame),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Protocol);
                        let field = error.context()["field"].as_str().unwrap_or_default();
                        let first = field.split('.').next().unwrap_or_default();
                        assert!(needed.contains(&first), "{frame}: {error}");
                    }
                }
                checked += 1;
            }
            let empty = Message::parse(&frame(table, kind.word, json!({})).to_string()).unwrap();
            assert!(empty.body().is_err(), "{} lacks {needed:?}", kind.word);
        }
    }
    assert!(checked > 50, "only {checked} frames");
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_taken_once() {
    let reply = |model: &str| json!({"emit": {"type": "control_response", "response": {"subtype": "success", "request_id": "$a.request_id", "response": {"model": model}}}});
    let session = open(vec![
        json!({"await": {"type": "control_request", "request": {"subtype": "set_model"}}, "save": "a"}),
        reply("first"),
        reply("second"),
    ])
    .await;
    let answer = timeout(STUCK, session.control("set_model", json!({"model": "x"}))).await.unwrap().unwrap();
    assert_eq!(answer["model"], "first");
    assert!(timeout(STUCK, session.close()).await.unwrap().error.is_none());
}

/// A question that is asked twice under one id is answered once at least, and the turn ends.
#[tokio::test]
async fn a_question_with_the_id_of_an_open_one_does_not_hang() {
    let ask = json!({"emit": {"type": "control_request", "request_id": "same", "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}}}});
    let script = Script::from_json(
        &json!({"cli": [
            {"await": {"type": "user"}}, ask, ask,
            {"await": {"type": "control_response", "response": {"request_id": "same"}}}, {"result": {}},
        ]})
        .to_string(),
    )
    .unwrap();
    let mut session = Session::builder(Options::default())
        .can_use_tool(|_| async { Ok(Permission::allow()) })
        .transport(script)
        .open()
        .await
        .unwrap();
    let result = timeout(STUCK, session.send("hi").await.unwrap().result()).await.unwrap().unwrap();
    assert!(result.is_some());
    assert!(timeout(STUCK, session.close()).await.unwrap().error.is_none());
}
