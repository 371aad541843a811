//! Content blocks: what the model says and what tools answer.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One block of a message's content. A block of an unknown type is kept whole.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// The model's reasoning.
    Thinking {
        /// The reasoning.
        thinking: String,
        /// Proves to the API that it is unchanged.
        signature: String,
    },
    /// A call of a tool.
    ToolUse {
        /// The id its result refers to.
        id: String,
        /// The tool.
        name: String,
        /// Its input, as the tool's schema says.
        input: Value,
    },
    /// What a tool answered.
    ToolResult {
        /// The call this answers.
        tool_use_id: String,
        /// Text or a list of blocks, as the tool gave it; `Null` when it gave none.
        content: Value,
        /// Whether the call failed.
        is_error: bool,
    },
    /// A block of any other type (images, documents, what is yet to come), as JSON.
    Other(Value),
}

/// The wire form of the blocks with a type of their own.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Known {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Value,
        #[serde(default)]
        is_error: Option<bool>,
    },
}

impl From<Value> for ContentBlock {
    /// Never fails: what is not understood is [`ContentBlock::Other`].
    fn from(value: Value) -> Self {
        match Known::deserialize(&value) {
            Ok(Known::Text { text }) => Self::Text { text },
            Ok(Known::Thinking { thinking, signature }) => Self::Thinking { thinking, signature },
            Ok(Known::ToolUse { id, name, input }) => Self::ToolUse { id, name, input },
            Ok(Known::ToolResult { tool_use_id, content, is_error }) => {
                Self::ToolResult { tool_use_id, content, is_error: is_error.unwrap_or(false) }
            }
            Err(_) => Self::Other(value),
        }
    }
}

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// The content of a message: plain text or blocks, as it came.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Blocks.
    Blocks(Vec<ContentBlock>),
}

impl Content {
    /// The text of all text blocks, joined without a separator.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Blocks(blocks) => blocks
                .iter()
                .filter_map(|block| match block {
                    ContentBlock::Text { text } => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
        }
    }

    /// The blocks; none for plain text.
    pub fn blocks(&self) -> &[ContentBlock] {
        match self {
            Self::Text(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }
}

/// How the model's reasoning, a tool call and so on count: tokens of one turn. Fields the API adds later stay in `extra`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read that were not cached.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens written to the cache.
    pub cache_creation_input_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_input_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_block_is_kept_whole() {
        let image = json!({"type": "image", "source": {"type": "base64", "data": "AA=="}});
        assert_eq!(ContentBlock::from(image.clone()), ContentBlock::Other(image));
    }

    #[test]
    fn a_known_block_that_lacks_a_field_is_kept_whole() {
        let odd = json!({"type": "text"});
        assert_eq!(ContentBlock::from(odd.clone()), ContentBlock::Other(odd));
    }

    #[test]
    fn text_skips_other_blocks() {
        let content: Content = serde_json::from_value(json!([
            {"type": "text", "text": "a"}, {"type": "tool_use", "id": "t", "name": "n", "input": {}}, {"type": "text", "text": "b"}
        ]))
        .unwrap();
        assert_eq!(content.text(), "ab");
        assert_eq!(content.blocks().len(), 3);
    }
}
