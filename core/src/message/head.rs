//! The few fields that route a line. Reading them also proves that the line is whole, valid JSON, in one pass and
//! without building anything. The text of a delta, the commonest thing there is, is found on the way.

use std::borrow::Cow;

use super::{
    malformed,
    scan::{Invalid, Scanner},
};
use crate::Result;

/// What the session must know about a line before anybody asks for its body. Values are JSON texts unless they say
/// otherwise; one that is `null` counts as absent. Of a key that an object has twice the last counts, as for every reader that
/// builds values.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    /// Decoded.
    pub(crate) kind: Cow<'a, str>,
    /// Decoded.
    pub(crate) subtype: Option<Cow<'a, str>>,
    /// Of control requests and cancellations; decoded.
    pub(crate) request_id: Option<Cow<'a, str>>,
    pub(crate) request: Option<&'a str>,
    /// Of control responses.
    pub(crate) response: Option<&'a str>,
    /// Of assistant messages that report a failure of the model's API.
    pub(crate) error: Option<&'a str>,
    /// Of results: the prompts this turn answered.
    pub(crate) user_message_uuids: Option<&'a str>,
    /// The same, from versions that name only one; decoded.
    pub(crate) user_message_uuid: Option<Cow<'a, str>>,
    /// Of results: who began the turn, when it was not a prompt.
    pub(crate) origin: Option<&'a str>,
    /// Of `background_tasks_changed`: the whole set of open tasks.
    pub(crate) tasks: Option<&'a str>,
    /// Of `system/init`; decoded.
    pub(crate) claude_code_version: Option<Cow<'a, str>>,
    pub(crate) is_error: bool,
    /// There is half of a surrogate pair in the line: see [`mended`](super::scan::mended).
    pub(crate) has_half: bool,
    /// `event.delta.text` of a stream event, between its quotes.
    pub(crate) delta_text: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// Reads a line. Fails with `protocol` when it is not a JSON object with a `type`.
    pub(crate) fn parse(line: &'a str) -> Result<Self> {
        let mut head = Head::default();
        let mut scanner = Scanner::new(line);
        if head.read(&mut scanner).and_then(|()| scanner.end()).is_err() {
            return Err(malformed(line, &problem(line)));
        }
        head.has_half = scanner.met_half();
        if head.kind.is_empty() {
            return Err(malformed(line, "an object without a `type`"));
        }
        Ok(head)
    }

    fn read(&mut self, scanner: &mut Scanner<'a>) -> std::result::Result<(), Invalid> {
        scanner.object(|scanner, key| {
            if key == "event" {
                return self.event(scanner);
            }
            let value = scanner.value()?;
            match key {
                "type" => self.kind = decoded(value).unwrap_or_default(),
                "subtype" => self.subtype = decoded(value),
                "request_id" => self.request_id = decoded(value),
                "request" => self.request = filled(value),
                "response" => self.response = filled(value),
                "error" => self.error = filled(value),
                "user_message_uuids" => self.user_message_uuids = filled(value),
                "user_message_uuid" => self.user_message_uuid = decoded(value),
                "origin" => self.origin = filled(value),
                "tasks" => self.tasks = filled(value),
                "claude_code_version" => self.claude_code_version = decoded(value),
                "is_error" => self.is_error = value == "true",
                _ => {}
            }
            Ok(())
        })
    }

    fn event(&mut self, scanner: &mut Scanner<'a>) -> std::result::Result<(), Invalid> {
        self.delta_text = None;
        if !scanner.is_object() {
            return scanner.value().map(drop);
        }
        scanner.object(|scanner, key| {
            if key == "delta" {
                self.delta_text = None;
            }
            if key == "delta" && scanner.is_object() {
                return scanner.object(|scanner, key| {
                    let value = scanner.value()?;
                    if key == "text" {
                        self.delta_text = quoted(value);
                    }
                    Ok(())
                });
            }
            scanner.value().map(drop)
        })
    }
}

/// A value that is there.
fn filled(value: &str) -> Option<&str> {
    (value != "null").then_some(value)
}

/// What stands between the quotes of a string; `None` for any other value.
fn quoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// The text of a string; `None` for any other value.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let inner = quoted(value)?;
    if inner.contains('\\') {
        serde_json::from_str(value).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Why a line is not a frame, in words.
fn problem(line: &str) -> String {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line) {
        Err(error) => error.to_string(),
        Ok(_) => "not a JSON object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_head_reads_only_the_top_level() {
        let head =
            Head::parse(r#"{"event":{"type":"inner","subtype":"x"},"type":"stream_event","uuid":"u"}"#)
                .unwrap();
        assert_eq!(head.kind, "stream_event");
        assert!(head.subtype.is_none());
    }

    #[test]
    fn escapes_and_nulls_are_read_for_what_they_are() {
        let head = Head::parse(r#"{"type":"as\u0073istant","subtype":null,"is_error":true}"#).unwrap();
        assert_eq!((&*head.kind, head.subtype, head.is_error), ("assistant", None, true));
    }

    #[test]
    fn only_the_text_of_a_delta_is_found() {
        let text = |event: &str| {
            let line = format!(r#"{{"type":"stream_event","event":{event}}}"#);
            Head::parse(&line).unwrap().delta_text.map(str::to_owned)
        };
        assert_eq!(text(r#"{"delta":{"type":"text_delta","text":"a\nb"}}"#).unwrap(), r"a\nb");
        for other in [
            r#"{"type":"message_stop"}"#,
            r#"{"delta":{"partial_json":"{"}}"#,
            r#"{"text":"not in a delta"}"#,
            r#"{"delta":"text"}"#,
            r#"{"delta":{"text":7}}"#,
            r#"{"delta":{"text":{"text":"deeper"}}}"#,
            r#"["delta"]"#,
            "null",
            "-1.5",
        ] {
            assert_eq!(text(other), None, "{other}");
        }
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_counts() {
        for (line, text) in [
            (r#"{"type":"x","event":{"delta":{"text":"a"}},"event":{"delta":{"text":"b"}}}"#, Some("b")),
            (r#"{"type":"x","event":{"delta":{"text":"a"}},"event":{"type":"message_stop"}}"#, None),
            (r#"{"type":"x","event":{"delta":{"text":"a"}},"event":null}"#, None),
            (r#"{"type":"x","event":{"delta":{"text":"a"},"delta":{"partial_json":"b"}}}"#, None),
            (r#"{"type":"x","event":{"delta":{"text":"a"},"delta":7}}"#, None),
            (r#"{"type":"x","event":{"delta":{"text":"a","text":"b"}}}"#, Some("b")),
            (r#"{"type":"x","event":{"delta":{"text":"a","text":7}}}"#, None),
        ] {
            assert_eq!(Head::parse(line).unwrap().delta_text, text, "{line}");
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["event"]["delta"]["text"].as_str(), text, "{line}");
        }
        let head =
            Head::parse(r#"{"type":"a","type":"b","subtype":"s","subtype":null,"tasks":[1],"tasks":null}"#);
        let head = head.unwrap();
        assert_eq!((&*head.kind, head.subtype, head.tasks), ("b", None, None));
        assert!(Head::parse(r#"{"type":"a","type":null}"#).is_err());
    }

    #[test]
    fn a_cut_line_is_a_protocol_error_that_shows_its_start() {
        let error = Head::parse(r#"{"type":"assistant","message":{"#).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.context()["line"], r#"{"type":"assistant","message":{"#);
        assert!(error.message().contains("EOF"), "{error}");
    }

    #[test]
    fn what_is_no_frame_is_refused_with_its_reason() {
        for (line, reason) in [
            (r#"{"subtype":"x"}"#, "`type`"),
            (r#"{"type":7}"#, "`type`"),
            ("[]", "sequence"),
            ("{} {}", "trailing"),
            ("hello", "expected value"),
        ] {
            let error = Head::parse(line).err().unwrap();
            assert!(error.message().contains(reason), "{line}: {error}");
        }
    }
}
