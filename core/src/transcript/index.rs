//! Where each entry of a transcript stands and what it hangs on: a hundred bytes an entry, whatever its content weighs.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Result,
    path::Path,
};

use uuid::Uuid;

use super::{entry::Entry, info::moment, lines::Lines};

/// An id as a number. Ids of the program are UUIDs; others are hashed.
pub(super) type Id = u128;

pub(super) fn id(text: &str) -> Id {
    Uuid::try_parse(text).map_or_else(
        |_| {
            let hash = |salt: u8| {
                let mut hasher = DefaultHasher::new();
                (salt, text).hash(&mut hasher);
                u128::from(hasher.finish())
            };
            hash(0) << 64 | hash(1)
        },
        |uuid| uuid.as_u128(),
    )
}

/// What kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Assistant,
    System,
    Other,
}

/// An entry of the conversation.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: Id,
    pub(super) parent: Option<Id>,
    pub(super) kind: Kind,
    /// A subagent's, a team's, or put in by the program: not a leaf of the conversation.
    pub(super) aside: bool,
    pub(super) sidechain: bool,
    pub(super) agent: Option<Id>,
    /// The API's id of the message an assistant entry is part of.
    pub(super) message: Option<Id>,
    /// The tools it calls, or, of a user entry, the calls it answers.
    pub(super) calls: Vec<Id>,
    /// The assistant entry that a result names as its source.
    pub(super) source: Option<Id>,
    pub(super) moment: u64,
    /// Where its line begins and how long it is.
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// All entries of the conversation, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) nodes: Vec<Node>,
    /// Where the last entry with an id is in `nodes`.
    pub(super) at: HashMap<Id, usize>,
    /// Lines that are no JSON object, half-written ones among them.
    pub(super) skipped: u64,
}

impl Index {
    /// Reads a transcript once, from its beginning.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut index = Self::default();
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let Some(entry) = Entry::parse(line.bytes) else {
                index.skipped += 1;
                continue;
            };
            let kind = match entry.kind.get() {
                Some("user") => Kind::User,
                Some("assistant") => Kind::Assistant,
                Some("system") => Kind::System,
                Some("progress" | "attachment") => Kind::Other,
                _ => continue,
            };
            let Some(uuid) = entry.uuid.get() else { continue };
            let node = node(id(uuid), kind, &entry, line.offset, line.bytes.len());
            index.at.insert(node.id, index.nodes.len());
            index.nodes.push(node);
        }
        index.skipped += lines.too_long;
        Ok(index)
    }

    pub(super) fn parent(&self, node: &Node) -> Option<usize> {
        self.at.get(&node.parent?).copied()
    }
}

fn node(uuid: Id, kind: Kind, entry: &Entry<'_>, offset: u64, length: usize) -> Node {
    let mut node = Node {
        id: uuid,
        parent: entry.parent_uuid.get().map(id),
        kind,
        aside: entry.is_sidechain.0 || entry.is_meta.0 || entry.team_name.get().is_some(),
        sidechain: entry.is_sidechain.0,
        agent: entry.agent_id.get().map(id),
        message: None,
        calls: Vec::new(),
        source: entry.source.get().map(id),
        moment: entry.timestamp.get().and_then(moment).unwrap_or(0),
        offset,
        length,
    };
    if matches!(kind, Kind::User | Kind::Assistant) {
        let message = entry.message();
        let blocks = message.blocks();
        if kind == Kind::Assistant {
            node.message = message.id.get().map(id);
            let calls = blocks.iter().filter(|block| block.kind.is("tool_use"));
            node.calls = calls.filter_map(|block| block.id.get().map(id)).collect();
        } else {
            let results = blocks.iter().filter(|block| block.kind.is("tool_result"));
            node.calls = results.filter_map(|block| block.tool_use_id.get().map(id)).collect();
        }
    }
    node
}
