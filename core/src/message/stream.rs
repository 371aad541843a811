//! Pieces of a message while the model makes it.

use serde_json::Value;

use super::{
    ApiMessage, ContentBlock, Usage,
    shape_macros::{choices, shapes},
};

shapes! {
    /// A piece of a message while it is made. Only of the main conversation: subagents say whole blocks.
    pub struct StreamEvent("type" = "stream_event") {
        /// The event of the model's API.
        event: ApiEvent = "event" needed,
        /// The tool call whose subagent this belongs to.
        parent_tool_use_id: Option<String> = "parent_tool_use_id",
        /// The id of the message that is made.
        api_message_id: Option<String> = "api_message_id",
        /// Milliseconds to the first token, on `message_start`.
        ttft_ms: Option<f64> = "ttft_ms",
        /// How reasoning is shown: `summarized`, `omitted`...
        thinking_display: Option<String> = "thinking_display",
        /// The prompt this answers, on the first event.
        user_message_uuid: Option<String> = "user_message_uuid",
        /// The prompts this answers, on the first event.
        user_message_uuids: Vec<String> = "user_message_uuids",
        /// Blocks that were begun and will not be completed: the message was begun anew.
        abandoned_blocks: Option<AbandonedBlocks> = "abandoned_blocks",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Blocks that were begun and will not be completed.
    pub struct AbandonedBlocks {
        /// The message they belong to.
        api_message_id: String = "api_message_id",
        /// The first of them.
        from_block_index: u64 = "from_block_index",
    }

    /// A message begins.
    pub struct MessageStart("type" = "message_start") {
        /// The message so far, without content.
        message: ApiMessage = "message" needed,
    }

    /// A block begins.
    pub struct ContentBlockStart("type" = "content_block_start") {
        /// Its place in the message, from 0.
        index: u64 = "index" needed,
        /// The block so far.
        content_block: ContentBlock = "content_block" needed,
    }

    /// A block grows.
    pub struct ContentBlockDelta("type" = "content_block_delta") {
        /// Its place in the message, from 0.
        index: u64 = "index" needed,
        /// What is added.
        delta: ContentDelta = "delta" needed,
    }

    /// A block is complete.
    pub struct ContentBlockStop("type" = "content_block_stop") {
        /// Its place in the message, from 0.
        index: u64 = "index" needed,
    }

    /// Facts about the whole message, known at its end.
    pub struct MessageDelta("type" = "message_delta") {
        /// What is known now.
        delta: MessageFacts = "delta" needed,
        /// Tokens of the whole message.
        usage: Usage = "usage",
    }

    /// What is known at the end of a message.
    pub struct MessageFacts {
        /// Why the model stopped.
        stop_reason: Option<String> = "stop_reason",
        /// The text at which it stopped, when it was told to.
        stop_sequence: Option<String> = "stop_sequence",
    }

    /// A message is complete.
    pub struct MessageStop("type" = "message_stop") {
    }

    /// A sign of life.
    pub struct Ping("type" = "ping") {
    }

    /// The API failed in the middle.
    pub struct ApiErrorEvent("type" = "error") {
        /// What failed, as the API gives it.
        error: Value = "error" needed,
    }

    /// More text.
    pub struct TextDelta("type" = "text_delta") {
        /// The text.
        text: String = "text" needed,
    }

    /// More of a tool's input, as a piece of JSON text.
    pub struct InputJsonDelta("type" = "input_json_delta") {
        /// The piece; not JSON by itself.
        partial_json: String = "partial_json" needed,
    }

    /// More reasoning.
    pub struct ThinkingDelta("type" = "thinking_delta") {
        /// The reasoning.
        thinking: String = "thinking" needed,
    }

    /// The signature of a block of reasoning.
    pub struct SignatureDelta("type" = "signature_delta") {
        /// The signature.
        signature: String = "signature" needed,
    }

    /// One more citation.
    pub struct CitationsDelta("type" = "citations_delta") {
        /// The citation, as the API gives it.
        citation: Value = "citation" needed,
    }
}

choices! {
    /// An event of the model's API.
    pub enum ApiEvent by "type" {
        /// A message begins.
        "message_start" => MessageStart(MessageStart),
        /// A block begins.
        "content_block_start" => ContentBlockStart(ContentBlockStart),
        /// A block grows.
        "content_block_delta" => ContentBlockDelta(ContentBlockDelta),
        /// A block is complete.
        "content_block_stop" => ContentBlockStop(ContentBlockStop),
        /// Facts about the whole message, known at its end.
        "message_delta" => MessageDelta(MessageDelta),
        /// A message is complete.
        "message_stop" => MessageStop(MessageStop),
        /// A sign of life.
        "ping" => Ping(Ping),
        /// The API failed in the middle.
        "error" => Error(ApiErrorEvent),
    }
}

choices! {
    /// What is added to a block.
    pub enum ContentDelta by "type" {
        /// More text.
        "text_delta" => Text(TextDelta),
        /// More of a tool's input, as a piece of JSON text.
        "input_json_delta" => InputJson(InputJsonDelta),
        /// More reasoning.
        "thinking_delta" => Thinking(ThinkingDelta),
        /// The signature of a block of reasoning.
        "signature_delta" => Signature(SignatureDelta),
        /// One more citation.
        "citations_delta" => Citations(CitationsDelta),
    }
}
