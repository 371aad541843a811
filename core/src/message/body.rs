//! The body of a message: one type for each kind of frame.

use serde_json::Value;

use super::{
    ActiveGoal, AssistantMessage, AuthStatus, CommandLifecycle, ConversationReset, KeepAlive, MessageKind,
    PromptSuggestion, RateLimitEvent, ResultMessage, StreamEvent, SystemMessage, ToolProgress,
    ToolUseSummary, TranscriptMirror, UserMessage, excerpt,
    shape::{Misfit, Shape},
    shape_macros::choices,
};
use crate::{Error, ErrorKind, Result};

choices! {
    /// The body of a message. A frame of an unknown type is kept whole.
    ///
    /// Serialising a body gives the JSON it was read from.
    #[expect(clippy::large_enum_variant, reason = "a message keeps its body behind a pointer")]
    pub enum Body by "type" {
        /// One completed content block of the model.
        "assistant" => Assistant(AssistantMessage),
        /// A tool result, a replayed or a synthetic prompt.
        "user" => User(UserMessage),
        /// A session fact or event; the subtype says which.
        "system" => System(SystemMessage),
        /// The end of a turn.
        "result" => Result(ResultMessage),
        /// A piece of a message while it is made.
        "stream_event" => StreamEvent(StreamEvent),
        /// How much of a subscription is used.
        "rate_limit_event" => RateLimitEvent(RateLimitEvent),
        /// What becomes of a prompt.
        "command_lifecycle" => CommandLifecycle(CommandLifecycle),
        /// The conversation was cleared and goes on under another id.
        "conversation_reset" => ConversationReset(ConversationReset),
        /// A tool that takes long still runs.
        "tool_progress" => ToolProgress(ToolProgress),
        /// Several calls in a few words.
        "tool_use_summary" => ToolUseSummary(ToolUseSummary),
        /// How logging in goes.
        "auth_status" => AuthStatus(AuthStatus),
        /// What could be asked next.
        "prompt_suggestion" => PromptSuggestion(PromptSuggestion),
        /// The goal the session works towards changed.
        "active_goal" => ActiveGoal(ActiveGoal),
        /// Lines of the transcript, for a store.
        "transcript_mirror" => TranscriptMirror(TranscriptMirror),
        /// A sign of life.
        "keep_alive" => KeepAlive(KeepAlive),
    }
}

impl Body {
    pub(super) fn parse(kind: MessageKind, raw: &str) -> Result<Self> {
        let malformed = |path: String, problem: String| {
            Error::new(ErrorKind::Protocol, format!("a frame lacks what its type must have: {problem}"))
                .operation("read")
                .with("field", path)
                .with("line", excerpt(raw))
        };
        let value: Value =
            serde_json::from_str(raw).map_err(|error| malformed(String::new(), error.to_string()))?;
        // The choice by `subtype` is as strict as the one by `type`.
        let body = match kind {
            MessageKind::System => SystemMessage::strict(value).map(Self::System),
            _ => Self::strict(value),
        };
        body.map_err(|misfit: Misfit| malformed(misfit.path(), misfit.problem()))
    }

    /// The frame as JSON, the same that it was read from.
    pub fn value(&self) -> Value {
        self.write()
    }

    /// The tool call whose subagent a frame belongs to; `None` for the main conversation.
    pub fn parent_tool_use_id(&self) -> Option<&str> {
        match self {
            Self::Assistant(message) => message.parent_tool_use_id.as_deref(),
            Self::User(message) => message.parent_tool_use_id.as_deref(),
            Self::StreamEvent(event) => event.parent_tool_use_id.as_deref(),
            _ => None,
        }
    }

    /// The subagent a frame belongs to, where the program names it.
    pub fn agent_id(&self) -> Option<&str> {
        match self {
            Self::Assistant(message) => message.agent_id.as_deref(),
            Self::User(message) => message.agent_id.as_deref(),
            _ => None,
        }
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
    fn what_a_subagent_says_names_its_call() {
        for (line, parent, agent) in [
            (
                r#"{"type":"assistant","message":{"content":[]},"parent_tool_use_id":"t","agent_id":"a"}"#,
                Some("t"),
                Some("a"),
            ),
            (
                r#"{"type":"user","message":{"role":"user","content":"x"},"parent_tool_use_id":"t","agent_id":"a"}"#,
                Some("t"),
                Some("a"),
            ),
            (
                r#"{"type":"stream_event","event":{"type":"message_stop"},"parent_tool_use_id":"t"}"#,
                Some("t"),
                None,
            ),
            (r#"{"type":"result","subtype":"success","is_error":false}"#, None, None),
        ] {
            let message = Message::parse(line).unwrap();
            let body = message.body().unwrap();
            assert_eq!((body.parent_tool_use_id(), body.agent_id()), (parent, agent), "{line}");
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let message = Message::parse(r#"{"type":"assistant","message":{"id":"m"}}"#).unwrap();
        let error = message.body().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().contains("content"), "{error}");
        assert_eq!(error.context()["field"], "message.content");
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
        assert!(matches!(message.body().unwrap(), Body::Other(frame) if frame["x"][0] == 1));
        let message = Message::parse(r#"{"type":"system","subtype":"new","x":1}"#).unwrap();
        let Body::System(system) = message.body().unwrap() else { panic!("a system frame") };
        assert_eq!((system.subtype(), &system), ("new", &&SystemMessage::Other(message.value())));
    }
}
