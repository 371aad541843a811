//! Typed bodies. Each keeps the fields it does not name in `extra`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Content, MessageKind, Usage, excerpt};
use crate::{Error, ErrorKind, Result};

/// The body of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// One completed content block of the model.
    Assistant(AssistantMessage),
    /// A tool result, a replayed or a synthetic prompt.
    User(UserMessage),
    /// A session fact or event.
    System(SystemMessage),
    /// The end of a turn.
    Result(ResultMessage),
    /// A piece of a message while it is made.
    StreamEvent(StreamEvent),
    /// A frame of any other type, whole.
    Other(Map<String, Value>),
}

/// One completed content block. Several share a `message.id`; their usage is not final and must not be added up.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AssistantMessage {
    /// The message of the model.
    pub message: ApiMessage,
    /// The tool call whose subagent said this; `None` for the main conversation.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// Why the model's API failed, on messages the CLI makes up to say so: `authentication_failed`, `rate_limit`...
    #[serde(default)]
    pub error: Option<String>,
    /// The session.
    #[serde(default)]
    pub session_id: String,
    /// The id of this frame.
    #[serde(default)]
    pub uuid: String,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A message as the model's API gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ApiMessage {
    /// The API's id of the message.
    #[serde(default)]
    pub id: String,
    /// The model, or `<synthetic>` for what the CLI wrote itself.
    #[serde(default)]
    pub model: String,
    /// What was said.
    pub content: Content,
    /// Why the model stopped, when known.
    #[serde(default)]
    pub stop_reason: Option<String>,
    /// Tokens so far.
    #[serde(default)]
    pub usage: Usage,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A tool result, a replayed or a synthetic prompt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UserMessage {
    /// The message.
    pub message: UserContent,
    /// The tool call whose subagent this belongs to.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// The structured result of a tool, as the tool gave it.
    #[serde(default)]
    pub tool_use_result: Option<Value>,
    /// The session.
    #[serde(default)]
    pub session_id: String,
    /// The id of this frame.
    #[serde(default)]
    pub uuid: String,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The message inside a [`UserMessage`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UserContent {
    /// What was said.
    pub content: Content,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A session fact or event; `subtype` says which, `data` holds its fields.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SystemMessage {
    /// Which: `init`, `status`, `api_retry`...
    pub subtype: String,
    /// Its fields.
    #[serde(flatten)]
    pub data: Map<String, Value>,
}

/// The end of a turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ResultMessage {
    /// `success` or `error_...`. Does not say whether the turn succeeded: see `is_error`.
    pub subtype: String,
    /// Whether the turn failed.
    pub is_error: bool,
    /// The final text, or the text of the error.
    #[serde(default)]
    pub result: Option<String>,
    /// What went wrong, on `error_...`.
    #[serde(default)]
    pub errors: Vec<String>,
    /// Why the turn ended: `completed`, `api_error`, `aborted_streaming`...
    #[serde(default)]
    pub terminal_reason: Option<String>,
    /// The HTTP status of a failed API call.
    #[serde(default)]
    pub api_error_status: Option<u16>,
    /// US dollars since the process started, and carried over by a resumed session: the cost of a turn is a difference.
    #[serde(default)]
    pub total_cost_usd: Option<f64>,
    /// Tokens of this turn's main conversation.
    #[serde(default)]
    pub usage: Usage,
    /// Milliseconds the turn took.
    #[serde(default)]
    pub duration_ms: u64,
    /// Milliseconds of that spent in API calls.
    #[serde(default)]
    pub duration_api_ms: u64,
    /// The CLI's count of steps; not the number of API calls.
    #[serde(default)]
    pub num_turns: u32,
    /// The session.
    #[serde(default)]
    pub session_id: String,
    /// The validated value, when a JSON Schema was given.
    #[serde(default)]
    pub structured_output: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A piece of a message while it is made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StreamEvent {
    /// The event of the model's API, as it came: `message_start`, `content_block_delta`...
    pub event: Value,
    /// The tool call whose subagent this belongs to.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// The session.
    #[serde(default)]
    pub session_id: String,
    /// The id of this frame.
    #[serde(default)]
    pub uuid: String,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Body {
    pub(super) fn parse(kind: MessageKind, raw: &str) -> Result<Self> {
        fn typed<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T> {
            let mut deserializer = serde_json::Deserializer::from_str(raw);
            serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                let path = error.path().to_string();
                Error::new(ErrorKind::Protocol, format!("a frame lacks what its type must have: {error}"))
                    .operation("read")
                    .with("field", path)
                    .with("line", excerpt(raw))
            })
        }
        let mut body = match kind {
            MessageKind::Assistant => Body::Assistant(typed(raw)?),
            MessageKind::User => Body::User(typed(raw)?),
            MessageKind::System => Body::System(typed(raw)?),
            MessageKind::Result => Body::Result(typed(raw)?),
            MessageKind::StreamEvent => Body::StreamEvent(typed(raw)?),
            MessageKind::Other => Body::Other(typed(raw)?),
        };
        // The type is the variant; keeping it among the unknown fields would say it twice.
        match &mut body {
            Body::Assistant(AssistantMessage { extra, .. })
            | Body::User(UserMessage { extra, .. })
            | Body::System(SystemMessage { data: extra, .. })
            | Body::Result(ResultMessage { extra, .. })
            | Body::StreamEvent(StreamEvent { extra, .. }) => drop(extra.remove("type")),
            Body::Other(_) => {}
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    #[test]
    fn an_api_failure_is_an_error_whatever_its_subtype() {
        let message =
            Message::parse(r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":529}"#)
                .unwrap();
        assert!(message.is_error());
    }

    #[test]
    fn a_missing_field_is_named() {
        let message = Message::parse(r#"{"type":"assistant","message":{"id":"m"}}"#).unwrap();
        let error = message.body().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().contains("content"), "{error}");
        assert_eq!(error.context()["field"], "message");
    }

    #[test]
    fn unknown_fields_and_types_are_kept() {
        let message =
            Message::parse(r#"{"type":"result","subtype":"success","is_error":false,"new":1}"#).unwrap();
        let Body::Result(result) = message.body().unwrap() else { panic!("a result") };
        assert_eq!(result.extra["new"], 1);
        assert!(!result.extra.contains_key("type"));
        let message = Message::parse(r#"{"type":"from_the_future","x":[1]}"#).unwrap();
        assert_eq!((message.kind(), message.kind_name()), (MessageKind::Other, "from_the_future"));
        assert!(matches!(message.body().unwrap(), Body::Other(fields) if fields["x"][0] == 1));
    }
}
