//! Every way a frame can be wrong: each is a `protocol` error or kept as it came; nothing panics, nothing disappears.

#![allow(clippy::unwrap_used, reason = "tests")]

use madrigal::{
    ErrorKind,
    message::{Body, Message, catalogue},
};
use serde_json::{Value, json};

/// Lines that are no frames.
#[test]
fn a_line_that_is_no_frame_is_a_protocol_error() {
    let deep = format!(r#"{{"type":"user","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for line in [
        "",
        " ",
        "null",
        "7",
        "\"text\"",
        "[]",
        "[{\"type\":\"user\"}]",
        "{}",
        "{",
        "}",
        r#"{"type":}"#,
        r#"{"type":null}"#,
        r#"{"type":7}"#,
        r#"{"type":""}"#,
        r#"{"type":["user"]}"#,
        r#"{"type":"user"} trailing"#,
        r#"{"type":"user",}"#,
        r#"{"type":"user","message":{"content":"cut"#,
        r#"{'type':'user'}"#,
        "{\"type\":\"a\u{1}b\"}",
        "\u{feff}{\"type\":\"user\"}",
        r#"{"type":"user","n":01}"#,
        r#"{"type":"user","n":NaN}"#,
        r#"{"type":"user","s":"\x"}"#,
        deep.as_str(),
    ] {
        let error = Message::parse(line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{line:?}");
        assert!(error.context().contains_key("line"), "{line:?}: {error}");
    }
}

/// The least a frame of a kind needs, found by asking for what is missing.
fn least(tags: &Value) -> Value {
    let mut frame = tags.clone();
    for _ in 0..20 {
        let message = Message::parse(&frame.to_string()).unwrap();
        let Err(error) = message.body() else { return frame };
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let field = error.context()["field"].as_str().unwrap().to_owned();
        let mut place = &mut frame;
        let names: Vec<&str> = field.split('.').collect();
        for name in &names[..names.len() - 1] {
            place = &mut place[*name];
        }
        let value = place.get(names[names.len() - 1]).cloned();
        // Each kind of value in turn, until one fits.
        place[names[names.len() - 1]] = match value {
            None => json!("text"),
            Some(Value::String(_)) => json!(1),
            Some(Value::Number(_)) => json!(false),
            Some(Value::Bool(_)) => json!([]),
            Some(Value::Array(_)) => json!({}),
            _ => panic!("nothing fits {field} of {tags}"),
        };
    }
    panic!("no end to what {tags} needs: {frame}");
}

fn every_kind() -> Vec<(Value, &'static [(&'static str, bool)])> {
    let kinds = catalogue();
    let frames = kinds.frames.iter().filter(|kind| kind.word != "system");
    let frames = frames.map(|kind| (json!({"type": kind.word}), kind.fields));
    let system =
        kinds.system.iter().map(|kind| (json!({"type": "system", "subtype": kind.word}), kind.fields));
    frames.chain(system).collect()
}

/// For every kind, every field it names, and every kind of value: read and kept, or refused with the field's name.
#[test]
fn a_field_of_a_wrong_type_is_named_or_kept() {
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("text"),
        json!([]),
        json!([{}, 1]),
        json!({}),
        json!({"type": 7}),
    ];
    let mut tried = 0;
    for (tags, fields) in every_kind() {
        let least = least(&tags);
        for (field, needed) in fields {
            for value in &wrong {
                let mut frame = least.clone();
                frame[*field] = value.clone();
                let message = Message::parse(&frame.to_string()).unwrap();
                match message.body() {
                    Ok(body) => assert_eq!(by_value(body.value()), by_value(frame.clone())),
                    Err(error) => {
                        assert!(*needed, "{frame}: {error}");
                        assert_eq!(error.kind(), ErrorKind::Protocol);
                        assert!(
                            error.context()["field"].as_str().unwrap().starts_with(field),
                            "{frame}: {error}"
                        );
                    }
                }
                assert_eq!(message.value(), frame);
                // Nothing that only looks at a message may fail over a bad one.
                let _ = (message.text(), message.is_error(), message.structured_output());
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "{tried}");
}

#[test]
fn a_needed_field_that_is_missing_is_named() {
    for (tags, fields) in every_kind() {
        let least = least(&tags);
        for (field, _) in fields.iter().filter(|(field, needed)| *needed && tags.get(field).is_none()) {
            let mut frame = least.clone();
            frame.as_object_mut().unwrap().remove(*field);
            let error = Message::parse(&frame.to_string()).unwrap().body().unwrap_err();
            assert_eq!(error.context()["field"], *field, "{frame}");
        }
    }
}

#[test]
fn kinds_blocks_and_events_nobody_knows_are_kept_whole() {
    for frame in [
        json!({"type": "hologram", "x": 1}),
        json!({"type": "system"}),
        json!({"type": "system", "subtype": "hologram", "x": 1}),
        json!({"type": "system", "subtype": 7}),
        json!({"type": "assistant", "message": {"content": [{"type": "hologram"}, {"type": "text"}, {}, null, 7, "a"]}}),
        json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image"}, null]}]}}),
        json!({"type": "stream_event", "event": {"type": "hologram"}}),
        json!({"type": "stream_event", "event": {"type": "content_block_delta", "index": -1, "delta": {}}}),
        json!({"type": "stream_event", "event": {"type": "content_block_delta", "index": 0, "delta": {"type": "hologram"}}}),
        json!({"type": "stream_event", "event": {}}),
        json!({"type": "stream_event", "event": null}),
    ] {
        let message = Message::parse(&frame.to_string()).unwrap();
        assert_eq!(message.body().unwrap().value(), frame);
    }
    let unknown = Message::parse(r#"{"type":"hologram"}"#).unwrap();
    assert!(matches!(unknown.body().unwrap(), Body::Other(_)));
}

/// Numbers compared by value: what is whole is written without a fraction, as the program does.
fn by_value(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(by_value).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, by_value(field))).collect(),
        other => other,
    }
}
