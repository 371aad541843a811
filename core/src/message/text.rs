//! The text of a message, without parsing its body where that can be helped: where the text of a delta stands in its
//! line is known since its head was read.

use std::borrow::Cow;

use super::{Body, Content, Head, Message, MessageKind};

/// The text of a stream event.
#[derive(Clone, Copy)]
pub(super) enum Delta {
    /// It has none.
    None,
    /// It stands in the line as it is.
    Plain { start: usize, length: usize },
    /// It has escapes and must be decoded.
    Escaped,
}

impl Delta {
    pub(super) fn of(line: &str, head: &Head<'_>) -> Self {
        match head.delta_text {
            None => Self::None,
            Some(text) if text.contains('\\') => Self::Escaped,
            // Part of the line, so the difference of the addresses is its position.
            Some(text) => {
                Self::Plain { start: text.as_ptr() as usize - line.as_ptr() as usize, length: text.len() }
            }
        }
    }
}

pub(super) fn of(message: &Message) -> Cow<'_, str> {
    match message.kind() {
        MessageKind::StreamEvent => match message.delta {
            Delta::None => Cow::Borrowed(""),
            Delta::Plain { start, length } => {
                Cow::Borrowed(message.raw().get(start..start + length).unwrap_or_default())
            }
            Delta::Escaped => {
                let text = Head::parse(message.raw()).ok().and_then(|head| head.delta_text);
                let text = text.and_then(|text| serde_json::from_str(&format!("\"{text}\"")).ok());
                Cow::Owned(text.unwrap_or_default())
            }
        },
        MessageKind::Assistant | MessageKind::Result => match message.body() {
            Ok(Body::Assistant(assistant)) => match &assistant.message.content {
                Content::Text(text) => Cow::Borrowed(text),
                content => Cow::Owned(content.text()),
            },
            Ok(Body::Result(result)) => Cow::Borrowed(result.result.as_deref().unwrap_or_default()),
            _ => Cow::Borrowed(""),
        },
        _ => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> String {
        Message::parse(line).unwrap().text().into_owned()
    }

    #[test]
    fn text_comes_from_deltas_blocks_and_results() {
        let delta = |text: &str| {
            format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}},"uuid":"u"}}"#
            )
        };
        assert_eq!(text(&delta("plain é")), "plain é");
        assert_eq!(text(&delta(r#"a\n\"b\""#)), "a\n\"b\"");
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
