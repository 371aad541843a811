//! What the program says in the course of a turn, and what it remembers of it.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use super::{Player, Stage, Stop};
use crate::testing::{frames, scenario::Text};

/// The turn that runs, or the last one.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) running: bool,
    /// The uuids of the prompts taken since the last result.
    prompts: Vec<String>,
    /// What the result will repeat.
    text: String,
    /// Text of a message that is not complete.
    partial: String,
    /// Questions the host has not answered: request id and tool use.
    asks: Vec<(Value, Value)>,
    messages: u64,
    message_id: String,
}

impl<S: Stage> Player<S> {
    pub(super) fn write(&mut self, frame: &Value) {
        // Writing to a vector does not fail, nor does a value made of JSON.
        drop(serde_json::to_writer(&mut self.out, frame));
        self.out.push(b'\n');
    }

    fn write_fields(&mut self, fields: Map<String, Value>) {
        self.write(&Value::Object(fields));
    }

    /// A step took a frame of the host.
    pub(super) fn taken(&mut self, frame: &Value, lifecycle: bool) {
        match frame["type"].as_str() {
            Some("user") => {
                if !self.turn.running {
                    self.turn.running = true;
                    self.turn.text.clear();
                    self.turn.partial.clear();
                }
                if let Some(uuid) = frame["uuid"].as_str() {
                    self.turn.prompts.push(uuid.to_owned());
                    if lifecycle {
                        self.lifecycle_of(uuid, "queued");
                        self.lifecycle_of(uuid, "started");
                    }
                }
            }
            Some("control_response") => {
                let id = &frame["response"]["request_id"];
                self.turn.asks.retain(|(ask, _)| ask != id);
            }
            _ => {}
        }
    }

    /// A step wrote a frame of its own.
    pub(super) fn noted(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("result") => {
                self.last_was_error = frame["is_error"] == true;
                self.ended();
            }
            Some("control_request") => {
                self.turn.asks.push((frame["request_id"].clone(), frame["request"]["tool_use_id"].clone()));
            }
            Some("control_cancel_request") => {
                self.turn.asks.retain(|(ask, _)| *ask != frame["request_id"]);
            }
            Some("stream_event") => {
                if let Some(text) = frame["event"]["delta"]["text"].as_str() {
                    self.turn.partial.push_str(text);
                }
            }
            Some("assistant") => self.turn.partial.clear(),
            _ => {}
        }
    }

    fn ended(&mut self) {
        self.results += 1;
        self.turn.running = false;
        self.turn.prompts.clear();
        self.turn.text.clear();
        self.turn.partial.clear();
        self.turn.asks.clear();
    }

    pub(super) fn lifecycle_of(&mut self, command: &str, state: &str) {
        let frame = frames::lifecycle(&self.facts, self.uuids.next(), command, state);
        self.write_fields(frame);
    }

    /// `init`.
    pub(super) fn init(&mut self, fields: &Map<String, Value>) -> Result<(), Stop> {
        let mut frame = frames::init(&self.facts, self.uuids.next());
        self.handshake.tell(&mut frame);
        if !self.turn.prompts.is_empty() {
            frame.insert("user_message_uuids".to_owned(), json!(self.turn.prompts));
        }
        frame.extend(self.resolved(fields));
        // `/clear` and the like: what follows belongs to the new session.
        if let Some(id) = frame["session_id"].as_str() {
            id.clone_into(&mut self.facts.session_id);
        }
        self.write_fields(frame);
        Ok(())
    }

    /// `text`: deltas and the complete message.
    pub(super) fn text(&mut self, text: &Text) -> Result<(), Stop> {
        let said = match self.resolve(&Value::String(text.text.clone())) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.next_message();
        if text.deltas > 0 || text.open {
            self.event(json!({"type": "message_start", "message": {
                "id": self.turn.message_id, "type": "message", "role": "assistant", "model": self.facts.model,
                "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": 10, "output_tokens": 1},
            }}));
            self.event(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}));
            self.deltas(&said, text.deltas.max(1));
        }
        if text.open {
            self.turn.partial.push_str(&said);
            return Ok(());
        }
        self.turn.text.clone_from(&said);
        let content = json!([{"type": "text", "text": said}]);
        let mut frame = frames::assistant(&self.facts, self.uuids.next(), &self.turn.message_id, content);
        let mut fields = self.resolved(&text.fields);
        if let Some(model) = fields.remove("model") {
            frame["message"]["model"] = model;
        }
        frame.extend(fields);
        self.write_fields(frame);
        if text.deltas > 0 {
            self.event(json!({"type": "content_block_stop", "index": 0}));
            self.event(json!({
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": 12},
            }));
            self.event(json!({"type": "message_stop"}));
        }
        Ok(())
    }

    fn event(&mut self, event: Value) {
        let frame = frames::stream_event(&self.facts, self.uuids.next(), &self.turn.message_id, event);
        self.write_fields(frame);
    }

    /// Exactly `count` deltas that together are the text; a text shorter than that gives some of them nothing.
    fn deltas(&mut self, text: &str, count: usize) {
        let mut ends = text.char_indices().map(|(at, _)| at).skip(1).chain([text.len()]);
        let characters = text.chars().count();
        let (mut start, mut taken) = (0, 0);
        for number in 1..=count {
            let until = characters * number / count;
            let end = if until > taken { ends.nth(until - taken - 1).unwrap_or(text.len()) } else { start };
            let piece = Value::from(&text[start..end]);
            let uuid = self.uuids.next();
            // The one frame that comes by the thousand: written straight, in the order of the real one.
            drop(writeln!(
                self.out,
                r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{piece}}}}},"session_id":"{}","parent_tool_use_id":null,"uuid":"{uuid}","api_message_id":"{}"}}"#,
                self.facts.session_id, self.turn.message_id,
            ));
            (start, taken) = (end, until);
        }
    }

    /// `big`: one message of many bytes.
    pub(super) fn big(&mut self, bytes: usize) {
        self.next_message();
        let content = json!([{"type": "text", "text": "x".repeat(bytes)}]);
        let frame = frames::assistant(&self.facts, self.uuids.next(), &self.turn.message_id, content);
        self.write_fields(frame);
    }

    fn next_message(&mut self) {
        self.turn.messages += 1;
        self.turn.message_id = format!("msg_{:016}", self.turn.messages);
        self.turn.partial.clear();
    }

    /// `result`, and the end of the prompts it answers.
    pub(super) fn result(&mut self, fields: &Map<String, Value>) -> Result<(), Stop> {
        let text = std::mem::take(&mut self.turn.text);
        let mut frame = frames::result(&self.facts, self.uuids.next(), self.results, &text);
        let fields = self.resolved(fields);
        if fields.get("subtype").and_then(Value::as_str).is_some_and(|subtype| subtype.starts_with("error")) {
            // Those carry a list of errors in place of a text.
            frame.remove("result");
            frame.insert("is_error".to_owned(), json!(true));
            frame.insert("errors".to_owned(), json!([]));
        }
        let prompts = std::mem::take(&mut self.turn.prompts);
        if let Some(last) = prompts.last() {
            frame.insert("user_message_uuid".to_owned(), json!(last));
            frame.insert("user_message_uuids".to_owned(), json!(prompts));
        }
        frame.extend(fields);
        self.last_was_error = frame["is_error"] == true;
        let state = if frame["terminal_reason"].as_str().is_some_and(|reason| reason.starts_with("aborted")) {
            "cancelled"
        } else {
            "completed"
        };
        self.write_fields(frame);
        if self.lifecycle {
            prompts.iter().for_each(|uuid| self.lifecycle_of(uuid, state));
        }
        self.ended();
        Ok(())
    }

    /// A recorded result of a host that gave its prompts no ids, for one that does.
    pub(super) fn with_prompts(&mut self, mut text: String) -> String {
        if let (Some(last), true) = (self.turn.prompts.last(), text.ends_with('}')) {
            text.pop();
            let (last, all) = (json!(last), json!(self.turn.prompts));
            text.push_str(&format!(r#","user_message_uuid":{last},"user_message_uuids":{all}}}"#));
        }
        text
    }

    /// Takes back the questions the host has not answered.
    pub(super) fn withdraw_asks(&mut self) {
        for (id, _) in self.turn.asks.clone() {
            self.write(&json!({"type": "control_cancel_request", "request_id": id}));
        }
    }

    /// Ends the turn as the real program does when it is interrupted.
    pub(super) fn abort(&mut self) {
        let asks = std::mem::take(&mut self.turn.asks);
        let partial = std::mem::take(&mut self.turn.partial);
        let (note, reason) = if asks.is_empty() {
            ("[Request interrupted by user]", "aborted_streaming")
        } else {
            ("[Request interrupted by user for tool use]", "aborted_tools")
        };
        for (_, tool_use_id) in asks {
            let uuid = self.uuids.next();
            let content = json!([{
                "type": "tool_result", "tool_use_id": tool_use_id, "is_error": true,
                "content": "The user doesn't want to proceed with this tool use.",
            }]);
            let frame = frames::user(&self.facts, uuid, content);
            self.write_fields(frame);
        }
        if !partial.is_empty() {
            let content = json!([{"type": "text", "text": partial}]);
            let mut frame = frames::assistant(&self.facts, self.uuids.next(), &self.turn.message_id, content);
            frame.insert("aborted".to_owned(), json!(true));
            self.write_fields(frame);
        }
        let uuid = self.uuids.next();
        let frame = frames::user(&self.facts, uuid, json!([{"type": "text", "text": note}]));
        self.write_fields(frame);
        let fields = json!({
            "subtype": "error_during_execution", "is_error": true, "terminal_reason": reason,
            "errors": ["[ede_diagnostic] interrupted"], "stop_reason": null,
        });
        if let Value::Object(fields) = fields {
            drop(self.result(&fields));
        }
    }
}
