//! What matters of a line, without building the rest of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of an entry that say what it is and where it belongs. All are optional: lines have many forms.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) uuid: Text<'a>,
    #[serde(borrow)]
    pub(super) parent_uuid: Text<'a>,
    #[serde(borrow)]
    pub(super) session_id: Text<'a>,
    #[serde(borrow)]
    pub(super) timestamp: Text<'a>,
    #[serde(borrow)]
    pub(super) cwd: Text<'a>,
    #[serde(borrow)]
    pub(super) git_branch: Text<'a>,
    #[serde(borrow)]
    pub(super) entrypoint: Text<'a>,
    #[serde(borrow)]
    pub(super) session_kind: Text<'a>,
    #[serde(borrow)]
    pub(super) custom_title: Text<'a>,
    #[serde(borrow)]
    pub(super) ai_title: Text<'a>,
    #[serde(borrow)]
    pub(super) last_prompt: Text<'a>,
    #[serde(borrow)]
    pub(super) summary: Text<'a>,
    #[serde(borrow)]
    pub(super) tag: Text<'a>,
    #[serde(borrow)]
    pub(super) agent_id: Text<'a>,
    #[serde(borrow)]
    pub(super) team_name: Text<'a>,
    #[serde(borrow, rename = "sourceToolAssistantUUID")]
    pub(super) source: Text<'a>,
    pub(super) is_sidechain: Flag,
    pub(super) is_meta: Flag,
    pub(super) is_compact_summary: Flag,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
}

/// A field that is a text, or is taken as absent: a foreign value in one field must not cost the whole line.
#[derive(Clone, Debug, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, when there is one with something in it.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.get() == Some(text)
    }

    /// The text even when it is empty.
    pub(super) fn even_empty(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if !raw.starts_with('"') {
            return Ok(Self(None));
        }
        let plain = &raw[1..raw.len() - 1];
        if plain.contains('\\') {
            return Ok(Self(serde_json::from_str::<String>(raw).ok().map(Cow::Owned)));
        }
        Ok(Self(Some(Cow::Borrowed(plain))))
    }
}

/// A field that is `true`, or anything else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(<&RawValue>::deserialize(deserializer)?.get() == "true"))
    }
}

impl<'a> Entry<'a> {
    /// The entry of a line, or `None` when the line is no JSON object.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// What the message holds.
    pub(super) fn message(&self) -> Message<'a> {
        self.message.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

/// A message as the API has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// A content block.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
}

impl<'a> Message<'a> {
    /// Its blocks. A plain text counts as one block.
    pub(super) fn blocks(&self) -> Vec<Block<'a>> {
        let Some(content) = self.content.map(RawValue::get) else { return Vec::new() };
        if content.starts_with('"') {
            let text = serde_json::from_str(content).unwrap_or_default();
            return vec![Block { kind: Text(Some("text".into())), text, ..Block::default() }];
        }
        let blocks: Vec<&'a RawValue> = serde_json::from_str(content).unwrap_or_default();
        blocks.iter().filter_map(|block| serde_json::from_str(block.get()).ok()).collect()
    }
}
