//! One line as a message: taken exactly when it is a JSON object with a type, nothing of it is lost, and everything that can be
//! asked of it has an answer.

use madrigal::{
    Message,
    message::{Accumulator, UsageMeter},
};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Lines that came before matter to what adds them up, so an input may have several.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (mut accumulator, mut meter) = (Accumulator::default(), UsageMeter::default());
    for line in text.split('\n') {
        match Message::parse(line) {
            Ok(message) => {
                taken(line, &message);
                let _ = (accumulator.add(&message), accumulator.text(None));
                meter.add(&message);
                let _ = (meter.usage(), meter.cost_usd());
            }
            Err(error) => assert!(!is_frame(line), "refused: {error}: {line}"),
        }
    }
}

fn taken(line: &str, message: &Message) {
    assert!(serde_json::from_str::<IgnoredAny>(line).is_ok(), "taken, and is no JSON: {line}");
    // Half a character is replaced.
    assert!(message.raw() == line || line.contains("\\u"));
    let line = message.raw();
    let value = serde_json::from_str::<Value>(line);
    if let Ok(value) = &value {
        assert_eq!(&message.value(), value);
    }
    let text = message.text();
    let _ = (message.is_error(), message.is_result(), message.subtype(), format!("{message:?}"));
    match (message.body(), value) {
        (Ok(body), Ok(value)) => {
            assert_eq!(body.value(), value, "a body holds all of its line");
            assert_eq!(serde_json::to_value(body).expect("JSON"), value, "a body is written as it was read");
            if message.kind() == madrigal::MessageKind::StreamEvent
                && !line.contains("\\u")
                && value["event"]["type"] == "content_block_delta"
            {
                assert_eq!(value["event"]["delta"]["text"].as_str().unwrap_or_default(), text);
            }
        }
        (Err(error), _) => assert_eq!(error.kind(), madrigal::ErrorKind::Protocol),
        _ => {}
    }
}

/// Whether it is an object with a `type`, judged by `serde_json`.
fn is_frame(line: &str) -> bool {
    // The head compares keys as they are written, and no program escapes the letters of `type`.
    let plain = !line.contains("\\u");
    let value = serde_json::from_str::<Value>(line).unwrap_or_default();
    plain && value["type"].as_str().is_some_and(|name| !name.is_empty())
}
