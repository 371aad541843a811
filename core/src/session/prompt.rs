//! What is sent to the program: text, content blocks, or a whole `user` frame.
//!
//! A malformed input line kills the program and a repeated uuid is dropped without a word, so both are refused here.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result};

/// One prompt.
///
/// ```
/// use madrigal::Prompt;
/// let text = Prompt::from("What is 2 + 2?");
/// let blocks = Prompt::from_json(serde_json::json!([{"type": "text", "text": "What is this?"}])).unwrap();
/// let error = Prompt::from_json(serde_json::json!({"type": "assistant"})).unwrap_err();
/// assert!(error.to_string().contains("type"));
/// # let _ = (text, blocks);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    frame: Map<String, Value>,
    uuid: String,
    /// Carried out even where prompts are taken as they are.
    command: bool,
}

impl Prompt {
    /// Reads a prompt: a string, a list of content blocks, or a `user` frame
    /// (`{"type": "user", "message": {"role": "user", "content": ...}}`, with a `uuid` of your own if you like).
    /// Fails with `invalid_argument`, naming the field.
    pub fn from_json(value: Value) -> Result<Self> {
        match value {
            Value::String(_) => Ok(Self::from_content(value)),
            Value::Array(ref blocks) => {
                if let Some(index) = blocks.iter().position(|block| !block["type"].is_string()) {
                    return Err(invalid(&format!("[{index}].type"), "a content block needs a `type`"));
                }
                Ok(Self::from_content(value))
            }
            Value::Object(frame) => Self::from_frame(frame),
            _ => Err(invalid("prompt", "expected a string, a list of content blocks or a user frame")),
        }
    }

    fn from_content(content: Value) -> Self {
        let uuid = Uuid::new_v4().to_string();
        let frame = json!({
            "type": "user",
            "message": {"role": "user", "content": content},
            "parent_tool_use_id": null,
            "session_id": "",
            "uuid": uuid,
        });
        let Value::Object(frame) = frame else { unreachable!("an object was written above") };
        Self { frame, uuid, command: false }
    }

    fn from_frame(mut frame: Map<String, Value>) -> Result<Self> {
        if frame.get("type").and_then(Value::as_str) != Some("user") {
            return Err(invalid("type", "expected \"user\""));
        }
        let message = frame.get("message").and_then(Value::as_object);
        let message =
            message.ok_or_else(|| invalid("message", "expected an object with `role` and `content`"))?;
        if message.get("role").and_then(Value::as_str) != Some("user") {
            return Err(invalid("message.role", "expected \"user\""));
        }
        if !message.get("content").is_some_and(|content| content.is_string() || content.is_array()) {
            return Err(invalid("message.content", "expected a string or a list of content blocks"));
        }
        let uuid = match frame.get("uuid") {
            None | Some(Value::Null) => Uuid::new_v4().to_string(),
            Some(Value::String(text)) if Uuid::try_parse(text).is_ok() => text.clone(),
            Some(_) => return Err(invalid("uuid", "expected a UUID, or nothing")),
        };
        frame.insert("uuid".to_owned(), uuid.clone().into());
        Ok(Self { frame, uuid, command: false })
    }

    /// The id that names this prompt in lifecycle frames and results.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// A command of the program, such as `/clear`.
    pub(crate) fn command(text: &str) -> Self {
        Self { command: true, ..Self::from(text) }
    }

    /// Whether the program would take it for a command: its text begins with `/`.
    pub(crate) fn is_command(&self) -> bool {
        let content = self.frame.get("message").and_then(|message| message.get("content"));
        let text = match content {
            Some(Value::Array(blocks)) => blocks.iter().find_map(|block| block["text"].as_str()),
            content => content.and_then(Value::as_str),
        };
        text.is_some_and(|text| text.trim_start().starts_with('/'))
    }

    /// The same content behind a text, as a prompt of its own.
    pub(crate) fn behind(&self, text: &str) -> Self {
        let content: Value = match self.frame.get("message").and_then(|message| message.get("content")) {
            Some(Value::String(own)) => format!("{text}{own}").into(),
            Some(Value::Array(blocks)) => {
                let first = json!({"type": "text", "text": text});
                std::iter::once(first).chain(blocks.iter().cloned()).collect::<Vec<_>>().into()
            }
            _ => text.into(),
        };
        let mut changed = Self::from_content(content.clone());
        let mut frame = self.frame.clone();
        frame.insert("uuid".to_owned(), changed.uuid.clone().into());
        if let Some(message) = frame.get_mut("message") {
            message["content"] = content;
        }
        changed.frame = frame;
        changed
    }

    /// Other words under the same id.
    pub(crate) fn saying(&self, text: &str) -> Self {
        Self { command: self.command, ..Self::from_content(text.into()) }.named(&self.uuid)
    }

    /// The same words under another id.
    pub(crate) fn named(&self, uuid: &str) -> Self {
        let mut frame = self.frame.clone();
        frame.insert("uuid".to_owned(), uuid.into());
        Self { frame, uuid: uuid.to_owned(), command: self.command }
    }

    /// The frame as one line that tells the program to take the text as it is: no `@path`, no `/command`.
    pub(crate) fn verbatim_line(&self) -> String {
        if self.command {
            return self.line();
        }
        let mut verbatim = self.clone();
        verbatim.frame.insert("client_composed".to_owned(), true.into());
        verbatim.line()
    }

    /// The frame as one line.
    pub(crate) fn line(&self) -> String {
        let mut line = serde_json::to_string(&self.frame).unwrap_or_default();
        line.push('\n');
        line
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::from_content(text.into())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::from_content(text.into())
    }
}

fn invalid(field: &str, expected: &str) -> Error {
    let message = format!("prompt: {field}: {expected}");
    Error::new(ErrorKind::InvalidArgument, message).operation("send").with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_uuid_and_its_other_fields() {
        let uuid = "11111111-1111-4111-8111-111111111111";
        let frame = json!({"type": "user", "uuid": uuid, "priority": "now", "message": {"role": "user", "content": "hi"}});
        let prompt = Prompt::from_json(frame).unwrap();
        assert_eq!(prompt.uuid(), uuid);
        assert!(prompt.line().contains(r#""priority":"now""#));
        assert_eq!(prompt.frame["message"]["content"], "hi");
    }

    #[test]
    fn what_would_kill_the_program_is_refused_by_field() {
        for (frame, field) in [
            (json!(7), "prompt"),
            (json!({"type": "user"}), "message"),
            (json!({"type": "user", "message": {"role": "assistant", "content": "x"}}), "message.role"),
            (json!({"type": "user", "message": {"role": "user"}}), "message.content"),
            (json!({"type": "user", "uuid": "x", "message": {"role": "user", "content": ""}}), "uuid"),
            (json!(["text"]), "[0].type"),
        ] {
            let error = Prompt::from_json(frame).unwrap_err();
            assert_eq!(
                (error.kind(), &error.context()["field"]),
                (ErrorKind::InvalidArgument, &json!(field))
            );
        }
    }

    #[test]
    fn a_command_is_told_from_a_prompt_and_carried_out_although_prompts_are_not() {
        assert!(Prompt::from(" /model opus").is_command() && !Prompt::from("a/b").is_command());
        assert!(
            Prompt::from_json(json!([{"type": "image"}, {"type": "text", "text": "/x"}]))
                .unwrap()
                .is_command()
        );
        assert!(Prompt::from("/clear").verbatim_line().contains("client_composed"));
        assert!(!Prompt::command("/clear").verbatim_line().contains("client_composed"));
    }

    #[test]
    fn a_line_break_in_a_prompt_stays_inside_its_line() {
        assert_eq!(Prompt::from("a\nb\u{2028}c").line().matches('\n').count(), 1);
    }
}
