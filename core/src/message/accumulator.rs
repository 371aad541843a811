//! Puts deltas together again. With partial messages on, a block of content arrives in pieces; here they grow back into
//! blocks, the text of each readable at any time, those of a subagent kept apart from those of the main conversation.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::Value;

use super::{ApiEvent, Body, ContentBlock, ContentDelta, Message, StreamEvent, ThinkingBlock, ToolUseBlock};

/// A block of content while it grows.
#[derive(Clone, Debug, PartialEq)]
pub struct GrowingBlock {
    /// The block as it began, grown by every text, signature and citation since.
    pub block: ContentBlock,
    /// Of a call of a tool: the JSON text of its input so far, which is no JSON until the block is complete.
    pub input_json: String,
}

/// A complete block of content.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CompleteBlock {
    /// The block.
    pub block: ContentBlock,
    /// The message of the model it belongs to.
    pub message_id: String,
    /// The tool call whose subagent said it; `None` for the main conversation.
    pub parent_tool_use_id: Option<String>,
    /// The subagent, where the program names it.
    pub agent_id: Option<String>,
}

/// Who is speaking: the tool call that started a subagent, or nobody for the main conversation.
type Speaker = Option<String>;

/// Turns messages into growing and complete blocks. Feed it every message, in order.
///
/// A block is handed out once: when its last piece arrives, or with the `assistant` message when there were no pieces (partial
/// messages off, subagents).
///
/// ```
/// use madrigal::message::{Accumulator, Message};
/// let mut blocks = Accumulator::default();
/// for line in [
///     r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m","content":[]}}}"#,
///     r#"{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}}"#,
///     r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}}"#,
///     r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}}"#,
/// ] {
///     assert!(blocks.add(&Message::parse(line).unwrap()).is_empty());
/// }
/// assert_eq!(blocks.text(None), "Hello");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    speakers: BTreeMap<Speaker, Growing>,
}

/// The message a speaker is in the middle of.
#[derive(Clone, Debug, Default)]
struct Growing {
    message_id: String,
    blocks: BTreeMap<u64, GrowingBlock>,
    /// Of this message: how many blocks were handed out that the program will say once more, whole.
    streamed: usize,
}

impl Accumulator {
    /// Takes a message and returns the blocks it completes. A message whose body cannot be read completes nothing.
    pub fn add(&mut self, message: &Message) -> Vec<CompleteBlock> {
        match message.body() {
            Ok(Body::StreamEvent(event)) => self.event(event).into_iter().collect(),
            Ok(Body::Assistant(said)) => {
                let growing = self.speakers.entry(said.parent_tool_use_id.clone()).or_default();
                if growing.message_id != said.message.id {
                    // Another message than the one that grew: its blocks are new, and those of the other will not end.
                    *growing = Growing { message_id: said.message.id.clone(), ..Growing::default() };
                }
                let blocks = said.message.content.blocks();
                let known = growing.streamed.min(blocks.len());
                growing.streamed -= known;
                // Said before its last piece came: it is complete, and must not come out again.
                blocks[known..]
                    .iter()
                    .map(|block| {
                        drop(growing.blocks.pop_first());
                        CompleteBlock {
                            block: block.clone(),
                            message_id: said.message.id.clone(),
                            parent_tool_use_id: said.parent_tool_use_id.clone(),
                            agent_id: said.agent_id.clone(),
                        }
                    })
                    .collect()
            }
            Ok(Body::Result(_)) => {
                // What an interrupt cut short will not be completed.
                self.speakers.remove(&None);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn event(&mut self, event: &StreamEvent) -> Option<CompleteBlock> {
        let growing = self.speakers.entry(event.parent_tool_use_id.clone()).or_default();
        if let Some(abandoned) = &event.abandoned_blocks {
            growing.blocks.retain(|index, _| *index < abandoned.from_block_index);
        }
        match &event.event {
            ApiEvent::MessageStart(start) => {
                *growing = Growing { message_id: start.message.id.clone(), ..Growing::default() };
            }
            ApiEvent::ContentBlockStart(start) => {
                let block = GrowingBlock { block: start.content_block.clone(), input_json: String::new() };
                growing.blocks.insert(start.index, block);
            }
            ApiEvent::ContentBlockDelta(delta) => match growing.blocks.entry(delta.index) {
                Entry::Occupied(mut block) => block.get_mut().grow(&delta.delta),
                // Its beginning was missed; what is left of it is still worth showing.
                Entry::Vacant(place) => {
                    let mut block =
                        GrowingBlock { block: beginning(&delta.delta), input_json: String::new() };
                    block.grow(&delta.delta);
                    place.insert(block);
                }
            },
            ApiEvent::ContentBlockStop(stop) => {
                let block = growing.blocks.remove(&stop.index)?.complete();
                growing.streamed += 1;
                return Some(CompleteBlock {
                    block,
                    message_id: growing.message_id.clone(),
                    parent_tool_use_id: event.parent_tool_use_id.clone(),
                    agent_id: None,
                });
            }
            _ => {}
        }
        None
    }

    /// The blocks that grow now, by their place in the message: those of the main conversation (`None`), or of the subagent
    /// that a tool call started.
    pub fn growing(&self, parent_tool_use_id: Option<&str>) -> impl Iterator<Item = (u64, &GrowingBlock)> {
        let growing = self.speakers.get(&parent_tool_use_id.map(str::to_owned));
        growing.into_iter().flat_map(|growing| growing.blocks.iter().map(|(index, block)| (*index, block)))
    }

    /// The text that grows now; `""` when none does.
    pub fn text(&self, parent_tool_use_id: Option<&str>) -> String {
        self.growing(parent_tool_use_id)
            .filter_map(|(_, block)| match &block.block {
                ContentBlock::Text(text) => Some(text.text.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// The block that a first delta belongs to.
fn beginning(delta: &ContentDelta) -> ContentBlock {
    match delta {
        ContentDelta::Thinking(_) | ContentDelta::Signature(_) => {
            ContentBlock::Thinking(ThinkingBlock::default())
        }
        ContentDelta::InputJson(_) => ContentBlock::ToolUse(ToolUseBlock::default()),
        ContentDelta::Text(_) | ContentDelta::Citations(_) => ContentBlock::Text(super::TextBlock::default()),
        ContentDelta::Other(_) => ContentBlock::default(),
    }
}

impl GrowingBlock {
    fn grow(&mut self, delta: &ContentDelta) {
        match (&mut self.block, delta) {
            (ContentBlock::Text(block), ContentDelta::Text(delta)) => block.text.push_str(&delta.text),
            (ContentBlock::Text(block), ContentDelta::Citations(delta)) => {
                block.citations.get_or_insert_default().push(delta.citation.clone());
            }
            (ContentBlock::Thinking(block), ContentDelta::Thinking(delta)) => {
                block.thinking.push_str(&delta.thinking);
            }
            (ContentBlock::Thinking(block), ContentDelta::Signature(delta)) => {
                block.signature.push_str(&delta.signature);
            }
            (_, ContentDelta::InputJson(delta)) => self.input_json.push_str(&delta.partial_json),
            _ => {}
        }
    }

    /// The block with its input. An input that is not JSON, as one that was cut off, is kept as text.
    fn complete(self) -> ContentBlock {
        let Self { mut block, input_json } = self;
        if !input_json.is_empty() {
            let input = serde_json::from_str(&input_json).unwrap_or(Value::String(input_json));
            match &mut block {
                ContentBlock::ToolUse(call) => call.input = input,
                ContentBlock::ServerToolUse(call) => call.input = input,
                ContentBlock::McpToolUse(call) => call.input = input,
                _ => {}
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event(event: Value) -> Message {
        Message::parse(
            &json!({"type": "stream_event", "event": event, "parent_tool_use_id": null}).to_string(),
        )
        .unwrap()
    }

    fn said(id: &str, content: Value, parent: Option<&str>) -> Message {
        let frame = json!({"type": "assistant", "message": {"id": id, "content": content}, "parent_tool_use_id": parent, "agent_id": parent});
        Message::parse(&frame.to_string()).unwrap()
    }

    /// The events that stream one block.
    fn streamed(index: usize, start: &Value, deltas: &[Value]) -> Vec<Message> {
        let mut events =
            vec![event(json!({"type": "content_block_start", "index": index, "content_block": start}))];
        events.extend(
            deltas
                .iter()
                .map(|delta| event(json!({"type": "content_block_delta", "index": index, "delta": delta}))),
        );
        events.push(event(json!({"type": "content_block_stop", "index": index})));
        events
    }

    #[test]
    fn pieces_become_blocks_and_each_comes_out_once() {
        let thinking = json!({"type": "thinking", "thinking": "let me see", "signature": "c2ln"});
        let call = json!({"type": "tool_use", "id": "t", "name": "Read", "input": {"a": [1]}});
        let mut messages =
            vec![event(json!({"type": "message_start", "message": {"id": "m", "content": []}}))];
        messages.extend(streamed(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
            &[
                json!({"type": "thinking_delta", "thinking": "let me "}),
                json!({"type": "thinking_delta", "thinking": "see"}),
                json!({"type": "signature_delta", "signature": "c2ln"}),
            ],
        ));
        messages.push(said("m", json!([thinking]), None));
        messages.extend(streamed(
            1,
            &json!({"type": "tool_use", "id": "t", "name": "Read", "input": {}}),
            &[
                json!({"type": "input_json_delta", "partial_json": "{\"a\":"}),
                json!({"type": "input_json_delta", "partial_json": "[1]}"}),
            ],
        ));
        messages.push(said("m", json!([call]), None));
        let mut blocks = Accumulator::default();
        let complete: Vec<Value> = messages
            .iter()
            .flat_map(|message| blocks.add(message))
            .map(|complete| serde_json::to_value(complete.block).unwrap())
            .collect();
        assert_eq!(complete, [thinking, call]);
    }

    #[test]
    fn subagents_do_not_mix_with_the_main_conversation() {
        let mut blocks = Accumulator::default();
        blocks.add(&event(json!({"type": "message_start", "message": {"id": "m", "content": []}})));
        blocks.add(&event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ));
        blocks.add(&event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "main"}})));
        let inner = blocks.add(&said("m2", json!([{"type": "text", "text": "inner"}]), Some("toolu_1")));
        assert_eq!(inner.len(), 1);
        assert_eq!(inner[0].parent_tool_use_id.as_deref(), Some("toolu_1"));
        assert_eq!(inner[0].agent_id.as_deref(), Some("toolu_1"));
        assert_eq!((blocks.text(None).as_str(), blocks.text(Some("toolu_1")).as_str()), ("main", ""));
    }

    #[test]
    fn what_is_cut_short_or_abandoned_does_not_come_out() {
        let mut blocks = Accumulator::default();
        let delta = event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "begun late"}}),
        );
        blocks.add(&delta);
        assert_eq!(blocks.text(None), "begun late");
        let abandon = json!({"type": "stream_event", "event": {"type": "ping"}, "abandoned_blocks": {"api_message_id": "m", "from_block_index": 0}});
        blocks.add(&Message::parse(&abandon.to_string()).unwrap());
        assert_eq!(blocks.text(None), "");
        blocks.add(&delta);
        blocks.add(
            &Message::parse(r#"{"type":"result","subtype":"error_during_execution","is_error":true}"#)
                .unwrap(),
        );
        assert_eq!(blocks.growing(None).count(), 0);
    }

    proptest! {
        /// However a text is cut into deltas, it grows back into the same text.
        #[test]
        fn any_cut_gives_the_same_text(pieces in prop::collection::vec(".{0,8}", 0..20)) {
            let mut blocks = Accumulator::default();
            let deltas: Vec<Value> = pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
            let messages = streamed(0, &json!({"type": "text", "text": ""}), &deltas);
            let complete: Vec<CompleteBlock> = messages.iter().flat_map(|message| blocks.add(message)).collect();
            let ContentBlock::Text(block) = &complete[0].block else { unreachable!() };
            prop_assert_eq!(&block.text, &pieces.concat());
        }
    }
}
