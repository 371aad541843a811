//! The text of a message without its whole body: a stream of deltas is read for its text and nothing else, so this
//! path looks only at the fields that lead there.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Body, Message, MessageKind};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    delta: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

pub(super) fn of(message: &Message) -> String {
    match message.kind() {
        MessageKind::StreamEvent => serde_json::from_str::<Event<'_>>(message.raw())
            .ok()
            .and_then(|event| event.event.delta?.text)
            .map(Cow::into_owned)
            .unwrap_or_default(),
        MessageKind::Assistant | MessageKind::Result => match message.body() {
            Ok(Body::Assistant(assistant)) => assistant.message.content.text(),
            Ok(Body::Result(result)) => result.result.clone().unwrap_or_default(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> String {
        Message::parse(line).unwrap().text()
    }

    #[test]
    fn text_comes_from_deltas_blocks_and_results() {
        let delta = r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\n\"b\""}}}"#;
        assert_eq!(text(delta), "a\n\"b\"");
        assert_eq!(text(r#"{"type":"assistant","message":{"content":[{"type":"text","text":"hi"}]}}"#), "hi");
        assert_eq!(text(r#"{"type":"result","subtype":"success","is_error":false,"result":"4"}"#), "4");
    }

    #[test]
    fn other_messages_have_no_text() {
        assert_eq!(text(r#"{"type":"stream_event","event":{"type":"message_stop"}}"#), "");
        assert_eq!(text(r#"{"type":"system","subtype":"init"}"#), "");
        let json = r#"{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}}"#;
        assert_eq!(text(json), "");
    }
}
