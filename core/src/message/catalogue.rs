//! What kinds of messages, blocks and events there are: for documentation and for tools that generate types.

use super::{ApiEvent, Body, ContentBlock, ContentDelta, SystemMessage};

/// A kind that has a type of its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The word on the wire.
    pub word: &'static str,
    /// The name of its type in Rust.
    pub rust: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Its fields on the wire, and whether each must be there.
    pub fields: &'static [(&'static str, bool)],
}

/// All kinds of this version.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Catalogue {
    /// Frames, by their `type`.
    pub frames: &'static [KindInfo],
    /// Frames of type `system`, by their `subtype`.
    pub system: &'static [KindInfo],
    /// Content blocks, by their `type`.
    pub blocks: &'static [KindInfo],
    /// Events of the model's API in a `stream_event`, by their `type`.
    pub events: &'static [KindInfo],
    /// What a `content_block_delta` adds, by its `type`.
    pub deltas: &'static [KindInfo],
}

/// All kinds of this version.
///
/// ```
/// let kinds = madrigal::message::catalogue();
/// assert!(kinds.system.iter().any(|kind| kind.word == "api_retry"));
/// ```
pub fn catalogue() -> Catalogue {
    Catalogue {
        frames: Body::KINDS,
        system: SystemMessage::KINDS,
        blocks: ContentBlock::KINDS,
        events: ApiEvent::KINDS,
        deltas: ContentDelta::KINDS,
    }
}
