//! The few fields that route a line. Reading them also proves that the line is whole, valid JSON, in one pass and
//! without building anything: every other field is skipped.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::malformed;
use crate::Result;

/// What the session must know about a line before anybody asks for its body.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) subtype: Option<Cow<'a, str>>,
    /// Of control requests and cancellations.
    #[serde(borrow, default)]
    pub(crate) request_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) request: Option<&'a RawValue>,
    /// Of control responses.
    #[serde(borrow, default)]
    pub(crate) response: Option<&'a RawValue>,
    /// Of assistant messages that report a failure of the model's API.
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
    /// Of results: the prompts this turn answered.
    #[serde(borrow, default)]
    pub(crate) user_message_uuids: Option<&'a RawValue>,
    /// The same, from versions that name only one.
    #[serde(borrow, default)]
    pub(crate) user_message_uuid: Option<Cow<'a, str>>,
    /// Of results: who began the turn, when it was not a prompt.
    #[serde(borrow, default)]
    pub(crate) origin: Option<&'a RawValue>,
    /// Of `background_tasks_changed`: the whole set of open tasks.
    #[serde(borrow, default)]
    pub(crate) tasks: Option<&'a RawValue>,
    /// Of `system/init`.
    #[serde(borrow, default)]
    pub(crate) claude_code_version: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) is_error: Option<bool>,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(line: &'a str) -> Result<Self> {
        serde_json::from_str(line).map_err(|error| malformed(line, &error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_head_reads_only_the_top_level() {
        let head = Head::parse(r#"{"event":{"type":"inner"},"type":"stream_event","uuid":"u"}"#).unwrap();
        assert_eq!(head.kind, "stream_event");
        assert!(head.subtype.is_none());
    }

    #[test]
    fn an_escaped_type_is_still_read() {
        assert_eq!(Head::parse(r#"{"type":"as\u0073istant"}"#).unwrap().kind, "assistant");
    }

    #[test]
    fn a_cut_line_is_a_protocol_error_that_shows_its_start() {
        let error = Head::parse(r#"{"type":"assistant","message":{"#).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.context()["line"], r#"{"type":"assistant","message":{"#);
    }

    #[test]
    fn a_frame_without_a_type_is_refused_by_name() {
        assert!(Head::parse(r#"{"subtype":"x"}"#).err().unwrap().message().contains("type"));
    }
}
