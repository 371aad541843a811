//! What the program says: the raw line, its head parsed at once, its body parsed when asked for.
//!
//! Most lines of a busy stream are deltas of which a reader wants a few bytes. So a [`Message`] keeps the line as it
//! came, knows its type, and leaves the rest until [`Message::body`] is called. Nothing is ever lost: unknown types,
//! fields and content blocks stay reachable through [`Message::raw`] and [`Message::value`].

mod accumulator;
mod blocks;
mod body;
mod catalogue;
mod content;
mod conversation;
mod decoder;
mod events;
mod head;
mod meter;
mod result;
mod scan;
mod shape;
mod shape_macros;
mod stream;
mod structured;
mod system;
mod text;
mod usage;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use serde_json::Value;

pub use accumulator::{Accumulator, CompleteBlock, GrowingBlock};
pub use blocks::*;
pub use body::Body;
pub use catalogue::{Catalogue, KindInfo, catalogue};
pub use content::Content;
pub use conversation::{
    ApiMessage, AssistantMessage, Origin, PermissionDecision, ToolResultMeta, ToolUseMeta, UserContent,
    UserMessage,
};
pub use decoder::Decoder;
pub use events::{
    ActiveGoal, AuthStatus, CommandLifecycle, ConversationReset, Goal, KeepAlive, PromptSuggestion,
    RateLimitEvent, RateLimitInfo, RateLimitWindow, SubagentRetry, ToolProgress, ToolUseSummary,
    TranscriptMirror,
};
pub(crate) use head::Head;
pub use meter::{CostMeter, UsageMeter};
pub use result::{DeferredToolUse, PermissionDenial, ResultMessage, SubagentStats};
pub(crate) use scan::mended;
pub use stream::{
    AbandonedBlocks, ApiErrorEvent, ApiEvent, CitationsDelta, ContentBlockDelta, ContentBlockStart,
    ContentBlockStop, ContentDelta, InputJsonDelta, MessageDelta, MessageFacts, MessageStart, MessageStop,
    Ping, SignatureDelta, StreamEvent, TextDelta, ThinkingDelta,
};
pub use system::*;
pub use usage::{CacheCreation, ModelUsage, ModelUsages, ServerToolUsage, TaskUsage, Usage};

use crate::{Error, ErrorKind, Result, transport::frame};
use text::Delta;

/// The type of a message, the CLI's `type` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// `assistant`: one completed content block of the model.
    Assistant,
    /// `user`: a tool result, a replayed or a synthetic prompt.
    User,
    /// `system`: session facts and events; the subtype says which.
    System,
    /// `result`: the end of a turn.
    Result,
    /// `stream_event`: a piece of a message while it is made.
    StreamEvent,
    /// Anything else, also what a newer CLI may say: see [`Message::kind_name`].
    Other,
}

impl MessageKind {
    fn from_name(name: &str) -> Self {
        match name {
            "assistant" => Self::Assistant,
            "user" => Self::User,
            "system" => Self::System,
            "result" => Self::Result,
            "stream_event" => Self::StreamEvent,
            _ => Self::Other,
        }
    }
}

/// The text of a line: all of a block of memory, or a part of one that other messages share.
#[derive(Clone)]
struct Line {
    block: Arc<str>,
    start: usize,
    length: usize,
}

impl Line {
    fn own(text: &str) -> Self {
        Self { block: Arc::from(text), start: 0, length: text.len() }
    }

    fn part(line: frame::Line<'_>) -> Self {
        Self { block: Arc::clone(line.block), start: line.start, length: line.text.len() }
    }

    fn text(&self) -> &str {
        self.block.get(self.start..self.start + self.length).unwrap_or_default()
    }
}

/// One frame from the CLI.
///
/// Cheap to clone. `Display` is the raw line.
///
/// ```
/// use madrigal::message::{Message, MessageKind};
/// let message = Message::parse(r#"{"type":"result","subtype":"success","is_error":false,"result":"4"}"#).unwrap();
/// assert_eq!(message.kind(), MessageKind::Result);
/// assert_eq!(message.subtype(), Some("success"));
/// assert_eq!(message.text(), "4");
/// ```
#[derive(Clone)]
pub struct Message {
    raw: Line,
    kind: MessageKind,
    // Only where the type has no variant of its own.
    kind_name: Option<Box<str>>,
    subtype: Option<Box<str>>,
    delta: Delta,
    body: OnceLock<Arc<Body>>,
}

impl Message {
    /// Reads one line. Fails with `protocol` when it is not a JSON object with a `type`.
    pub fn parse(line: &str) -> Result<Self> {
        let head = Head::parse(line)?;
        if head.has_half {
            return Self::parse(&mended(line));
        }
        Ok(Self::from_head(Line::own(line), line, &head))
    }

    /// A message cut from what was read at once. Deltas are many, small and soon gone, so they share the block; what may
    /// be kept for long gets memory of its own, unless it is most of the block anyway.
    pub(crate) fn cut(line: frame::Line<'_>, head: &Head<'_>) -> Self {
        let shares = head.kind == "stream_event" || line.text.len() > line.block.len() / 2;
        let raw = if shares { Line::part(line) } else { Line::own(line.text) };
        Self::from_head(raw, line.text, head)
    }

    fn from_head(raw: Line, line: &str, head: &Head<'_>) -> Self {
        let kind = MessageKind::from_name(&head.kind);
        Self {
            raw,
            kind,
            kind_name: (kind == MessageKind::Other).then(|| Box::from(&*head.kind)),
            subtype: head.subtype.as_deref().map(Box::from),
            delta: Delta::of(line, head),
            body: OnceLock::new(),
        }
    }

    /// The type, for matching.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The `type` field as the CLI wrote it, also for types this version does not know.
    pub fn kind_name(&self) -> &str {
        match self.kind {
            MessageKind::Assistant => "assistant",
            MessageKind::User => "user",
            MessageKind::System => "system",
            MessageKind::Result => "result",
            MessageKind::StreamEvent => "stream_event",
            MessageKind::Other => self.kind_name.as_deref().unwrap_or_default(),
        }
    }

    /// The `subtype` field, where there is one.
    pub fn subtype(&self) -> Option<&str> {
        self.subtype.as_deref()
    }

    /// The line as the CLI wrote it, without its newline. Half of a surrogate pair, which is no character and no other reader
    /// of JSON takes, is replaced by U+FFFD.
    pub fn raw(&self) -> &str {
        self.raw.text()
    }

    /// The whole frame as JSON.
    pub fn value(&self) -> Value {
        // The head was parsed from the whole line, so the line is valid JSON.
        serde_json::from_str(self.raw()).unwrap_or(Value::Null)
    }

    /// The typed body, parsed on first use and kept. Fails with `protocol`, naming the field, when a frame of a known type
    /// lacks what that type must have.
    pub fn body(&self) -> Result<&Body> {
        if let Some(body) = self.body.get() {
            return Ok(body);
        }
        let body = Body::parse(self.kind, self.raw())?;
        Ok(self.body.get_or_init(|| Arc::new(body)))
    }

    /// The text a reader would show for this message: the text of a text delta, of the text blocks of an assistant
    /// message, or the final text of a result; `""` for everything else.
    ///
    /// When partial messages are on, text arrives first as deltas and once more in the assistant message: print one
    /// of the two.
    pub fn text(&self) -> Cow<'_, str> {
        text::of(self)
    }

    /// For a `result`: whether the turn failed. `subtype` does not say so: a failed call of the model's API arrives as
    /// `subtype: "success"` with `is_error: true`. `false` for all other messages.
    pub fn is_error(&self) -> bool {
        matches!(self.body(), Ok(Body::Result(result)) if result.is_error)
    }

    /// Whether this ends a turn.
    pub fn is_result(&self) -> bool {
        self.kind == MessageKind::Result
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind_name())
            .field("subtype", &self.subtype())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

/// The first part of a line, for error messages: enough to recognise it, cut at a character.
pub(crate) fn excerpt(line: &str) -> String {
    const LIMIT: usize = 200;
    // Where a secret is cut in two, nobody knows its first half.
    const LOOKED_AT: usize = 4096;
    let looked_at = line.char_indices().nth(LOOKED_AT).map_or(line, |(end, _)| &line[..end]);
    let shown = crate::redact::redact(looked_at);
    match shown.char_indices().nth(LIMIT) {
        None => shown.into_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &shown[..end], line.len()),
    }
}

pub(crate) fn malformed(line: &str, problem: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the claude program wrote a line that is not a frame: {problem}"))
        .operation("read")
        .with("line", excerpt(line))
}
