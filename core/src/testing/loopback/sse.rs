//! A message of the model as the events of a stream, and as one JSON object.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    conversation::Conversation,
    script::{Ending, Step},
};

/// A message, ready to be sent either way.
pub(super) struct Answer {
    id: String,
    model: String,
    blocks: Vec<Block>,
    chunks: usize,
    stop_reason: String,
    usage: Map<String, Value>,
    /// Between two pieces.
    pub(super) delay: Duration,
    /// How the stream ends when not well.
    pub(super) end: Option<Ending>,
}

enum Block {
    Thinking(String),
    Text(String),
    Tool { id: String, name: String, input: Value },
}

/// An event and whether the pause between pieces comes before it.
pub(super) struct Event {
    pub(super) text: String,
    pub(super) paced: bool,
}

impl Answer {
    pub(super) fn new(step: &Step, conversation: &Conversation) -> Self {
        let calls = step.calls();
        let stop_reason = match &step.stop_reason {
            Some(reason) => reason.clone(),
            None if calls.is_empty() => "end_turn".to_owned(),
            None => "tool_use".to_owned(),
        };
        let mut blocks = Vec::new();
        blocks.extend(step.thinking.as_ref().map(|text| Block::Thinking(conversation.fill(text))));
        blocks.extend(step.text.as_ref().map(|text| Block::Text(conversation.fill(text))));
        blocks.extend(calls.into_iter().map(|call| Block::Tool {
            id: format!("toolu_{}", uuid::Uuid::new_v4().simple()),
            name: call.name,
            input: Value::Object(call.input),
        }));
        let mut usage = Map::new();
        for (name, count) in [
            ("input_tokens", 100),
            ("cache_creation_input_tokens", 0),
            ("cache_read_input_tokens", 0),
            ("output_tokens", 20),
        ] {
            usage.insert(name.to_owned(), count.into());
        }
        usage.extend(step.usage.clone());
        Self {
            id: format!("msg_{}", uuid::Uuid::new_v4().simple()),
            model: conversation.model.clone(),
            blocks,
            chunks: step.chunks.unwrap_or(1),
            stop_reason,
            usage,
            delay: Duration::from_millis(step.delay_ms),
            end: step.end,
        }
    }

    /// The answer to a request that only tries out a model.
    pub(super) fn probe(conversation: &Conversation) -> Self {
        let step = Step { text: Some("ok".to_owned()), ..Step::default() };
        Self::new(&step, conversation)
    }

    /// The message as one object.
    pub(super) fn json(&self) -> Value {
        let content: Vec<Value> = self.blocks.iter().map(Block::whole).collect();
        self.envelope(content, json!(self.stop_reason), json!(self.usage))
    }

    /// The events of the stream, without the last one that says how it ended.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut usage = self.usage.clone();
        usage.insert("output_tokens".to_owned(), 1.into());
        let message = self.envelope(Vec::new(), Value::Null, json!(usage));
        let mut events = vec![event("message_start", &json!({"type": "message_start", "message": message}))];
        for (index, block) in self.blocks.iter().enumerate() {
            let start =
                json!({"type": "content_block_start", "index": index, "content_block": block.empty()});
            events.push(event("content_block_start", &start));
            for (number, delta) in block.deltas(self.chunks).into_iter().enumerate() {
                let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
                events.push(Event { paced: number > 0, ..event("content_block_delta", &delta) });
            }
            if self.end.is_none() || index + 1 < self.blocks.len() {
                let stop = json!({"type": "content_block_stop", "index": index});
                events.push(event("content_block_stop", &stop));
            }
        }
        if self.end.is_none() {
            let delta = json!({"type": "message_delta", "delta": {"stop_reason": self.stop_reason, "stop_sequence": null},
                               "usage": {"output_tokens": self.usage["output_tokens"]}});
            events.push(event("message_delta", &delta));
            events.push(event("message_stop", &json!({"type": "message_stop"})));
        }
        events
    }

    fn envelope(&self, content: Vec<Value>, stop_reason: Value, usage: Value) -> Value {
        json!({"id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
               "stop_reason": stop_reason, "stop_sequence": null, "usage": usage})
    }
}

impl Block {
    fn whole(&self) -> Value {
        match self {
            Self::Thinking(text) => {
                json!({"type": "thinking", "thinking": text, "signature": SIGNATURE})
            }
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Tool { id, name, input } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": input})
            }
        }
    }

    fn empty(&self) -> Value {
        match self {
            Self::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Self::Text(_) => json!({"type": "text", "text": ""}),
            Self::Tool { id, name, .. } => json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
        }
    }

    fn deltas(&self, chunks: usize) -> Vec<Value> {
        let (kind, field, text) = match self {
            Self::Thinking(text) => ("thinking_delta", "thinking", text.clone()),
            Self::Text(text) => ("text_delta", "text", text.clone()),
            Self::Tool { input, .. } => ("input_json_delta", "partial_json", input.to_string()),
        };
        let mut deltas: Vec<Value> =
            pieces(&text, chunks).into_iter().map(|piece| json!({"type": kind, field: piece})).collect();
        if matches!(self, Self::Thinking(_)) {
            deltas.push(json!({"type": "signature_delta", "signature": SIGNATURE}));
        }
        deltas
    }
}

/// What stands in for the signature of a thinking block.
const SIGNATURE: &str = "bWFkcmlnYWwtbG9vcGJhY2s=";

/// An event as the API writes it.
pub(super) fn event(name: &str, data: &Value) -> Event {
    Event { text: format!("event: {name}\ndata: {data}\n\n"), paced: false }
}

/// Cuts a text into pieces of about the same number of characters; never more pieces than characters.
fn pieces(text: &str, count: usize) -> Vec<&str> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let count = count.clamp(1, starts.len().max(1));
    let bound = |piece: usize| starts.get(piece * starts.len() / count).copied().unwrap_or(text.len());
    (0..count).map(|piece| &text[bound(piece)..bound(piece + 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        for count in [1, 2, 3, 5, 100] {
            let pieces = pieces("häll°", count);
            assert_eq!(pieces.concat(), "häll°");
            assert_eq!(pieces.len(), count.min(5));
        }
        assert_eq!(pieces("", 4), [""]);
    }

    #[test]
    fn the_stream_and_the_object_say_the_same() {
        let step: Step = serde_json::from_value(json!({
            "thinking": "hm", "text": "Hello", "tools": [{"name": "Read", "input": {"a": 1}}], "chunks": 2,
            "usage": {"output_tokens": 7}
        }))
        .unwrap();
        let answer =
            Answer::new(&step, &Conversation { model: "claude-x".into(), ..Conversation::default() });
        let whole = answer.json();
        assert_eq!(whole["stop_reason"], "tool_use");
        let data: Vec<Value> = answer
            .events()
            .iter()
            .map(|event| serde_json::from_str(event.text.split("data: ").nth(1).unwrap()).unwrap())
            .collect();
        let joined = |kind: &str, field: &str| -> String {
            data.iter()
                .filter(|event| event["delta"]["type"] == kind)
                .filter_map(|event| event["delta"][field].as_str())
                .collect()
        };
        assert_eq!(joined("thinking_delta", "thinking"), whole["content"][0]["thinking"]);
        assert_eq!(joined("text_delta", "text"), whole["content"][1]["text"]);
        assert_eq!(joined("input_json_delta", "partial_json"), whole["content"][2]["input"].to_string());
        let types: Vec<&str> = data.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((types[0], types[types.len() - 1]), ("message_start", "message_stop"));
        assert_eq!(data[data.len() - 2]["usage"]["output_tokens"], 7);
    }
}
