//! What a reader is shown of a stream of messages: the text of the answer on one side, what happens meanwhile on the
//! other. Pure, so that it can be tested without a terminal.

use madrigal::{
    Message,
    message::{ApiRetryMessage, Body, ContentBlock, SystemMessage},
};
use serde_json::Value;

use crate::output::Style;

/// What to show for one message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shown {
    /// For stdout, as it is.
    pub(crate) text: String,
    /// For stderr, a line each.
    pub(crate) notes: Vec<String>,
}

/// Shows the messages of one query, in order.
#[derive(Debug)]
pub(crate) struct Render {
    style: Style,
    /// Text of the current block already came as deltas.
    streamed: bool,
    /// Something was written since the last line break.
    mid_line: bool,
}

impl Render {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, streamed: false, mid_line: false }
    }

    /// What to show for a message.
    pub(crate) fn message(&mut self, message: &Message) -> Shown {
        let mut shown = Shown::default();
        match message.body() {
            // A subagent's words are not the answer.
            Ok(Body::StreamEvent(event)) if event.parent_tool_use_id.is_none() => {
                let text = message.text();
                if !text.is_empty() {
                    self.streamed = true;
                    self.mid_line = !text.ends_with('\n');
                    shown.text = text.into_owned();
                }
            }
            Ok(Body::Assistant(assistant)) if assistant.parent_tool_use_id.is_none() => {
                let text = assistant.message.content.text();
                // An error the program reports as if the model had said it comes again with the result.
                if !text.is_empty() && assistant.error.is_none() {
                    if !self.streamed {
                        shown.text = text;
                        self.mid_line = true;
                    }
                    shown.text.push_str(self.end_line());
                    self.streamed = false;
                }
                for block in assistant.message.content.blocks() {
                    if let ContentBlock::ToolUse(call) = block {
                        shown.text.push_str(self.end_line());
                        shown.notes.push(self.style.dim(&format!("> {}", tool(&call.name, &call.input))));
                    }
                }
            }
            Ok(Body::System(SystemMessage::ApiRetry(failed))) => {
                shown.text.push_str(self.end_line());
                shown.notes.push(self.style.yellow(&format!("> {}", retry(failed))));
            }
            Ok(Body::System(SystemMessage::PermissionDenied(denied))) => {
                shown.text.push_str(self.end_line());
                let name = &denied.tool_name;
                shown.notes.push(self.style.yellow(&format!("> {name} was denied by a rule or mode")));
            }
            _ => {}
        }
        shown
    }

    /// What is still missing at the end of the answer.
    pub(crate) fn end_line(&mut self) -> &'static str {
        if std::mem::take(&mut self.mid_line) { "\n" } else { "" }
    }
}

/// A call of a tool in one line: its name and what matters of its input.
pub(crate) fn tool(name: &str, input: &Value) -> String {
    let telling = ["command", "file_path", "path", "pattern", "url", "query", "description", "prompt"];
    let what = telling.iter().find_map(|field| input[*field].as_str().map(str::to_owned));
    let what = what.unwrap_or_else(|| {
        if input.as_object().is_some_and(|input| !input.is_empty()) {
            input.to_string()
        } else {
            String::new()
        }
    });
    format!("{name} {}", one_line(&what, 100)).trim_end().to_owned()
}

/// An `api_retry` frame in words.
pub(crate) fn retry(failed: &ApiRetryMessage) -> String {
    let status =
        failed.error_status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
    let delay = failed.retry_delay_ms / 1000.0;
    format!("API {status}, trying again in {delay:.1} s ({} of {})", failed.attempt, failed.max_retries)
}

/// A text cut to one line of at most this many characters. Control characters become spaces: what a model or a tool
/// says must not steer the terminal.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(limit) {
        None => flat,
        Some((end, _)) => format!("{}...", &flat[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn show(frames: &[Value]) -> (String, Vec<String>) {
        let mut render = Render::new(Style::plain());
        let (mut text, mut notes) = (String::new(), Vec::new());
        for frame in frames {
            let shown = render.message(&Message::parse(frame.to_string().as_str()).unwrap());
            text += &shown.text;
            notes.extend(shown.notes);
        }
        text += render.end_line();
        (text, notes)
    }

    fn delta(text: &str) -> Value {
        json!({"type": "stream_event", "event": {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}})
    }

    fn assistant(content: Value) -> Value {
        json!({"type": "assistant", "message": {"content": content}})
    }

    #[test]
    fn text_is_shown_once() {
        let said = json!([{"type": "text", "text": "Hello"}]);
        assert_eq!(show(&[delta("Hel"), delta("lo"), assistant(said.clone())]).0, "Hello\n");
        assert_eq!(show(&[assistant(said.clone()), assistant(said)]).0, "Hello\nHello\n");
    }

    #[test]
    fn tools_and_retries_are_notes() {
        let (text, notes) = show(&[
            delta("I look"),
            assistant(json!([{"type": "text", "text": "I look"}])),
            assistant(
                json!([{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls\n-l"}}]),
            ),
            json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10, "retry_delay_ms": 612, "error_status": 529}),
        ]);
        assert_eq!(text, "I look\n");
        assert_eq!(notes[0], "> Bash ls -l");
        assert_eq!(notes[1], "> API status 529, trying again in 0.6 s (1 of 10)");
    }

    #[test]
    fn subagents_and_reported_errors_are_not_the_answer() {
        let mut subagent = assistant(json!([{"type": "text", "text": "inner"}]));
        subagent["parent_tool_use_id"] = "t".into();
        let mut failed = assistant(json!([{"type": "text", "text": "API Error"}]));
        failed["error"] = "server_error".into();
        assert_eq!(show(&[subagent, failed]).0, "");
    }

    #[test]
    fn a_line_is_cut_and_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\x1b[2J\n b", 10), "a [2J b");
        assert_eq!(one_line("äöüß", 2), "äö...");
    }
}
