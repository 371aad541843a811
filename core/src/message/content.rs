//! The content of a message: plain text or blocks.

use serde_json::Value;

use super::{
    ContentBlock,
    shape::{Misfit, Shape},
    shape_macros::through_serde,
};

/// The content of a message: plain text or blocks, as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Blocks.
    Blocks(Vec<ContentBlock>),
}

impl Default for Content {
    /// No blocks.
    fn default() -> Self {
        Self::Blocks(Vec::new())
    }
}

impl Shape for Content {
    fn fits(value: &Value) -> Result<(), Misfit> {
        if value.is_string() || value.is_array() {
            Ok(())
        } else {
            Err(Misfit::expected("text or a list of content blocks"))
        }
    }

    fn read(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            blocks => Self::Blocks(Shape::read(blocks)),
        }
    }

    fn write(&self) -> Value {
        match self {
            Self::Text(text) => text.write(),
            Self::Blocks(blocks) => blocks.write(),
        }
    }

    fn says_nothing(value: &Value) -> bool {
        value.is_null()
    }
}

through_serde!(Content);

impl Content {
    /// The text of all text blocks, joined without a separator.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Blocks(blocks) => blocks
                .iter()
                .filter_map(|block| match block {
                    ContentBlock::Text(block) => Some(block.text.as_str()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_skips_other_blocks() {
        let content: Content = serde_json::from_value(json!([
            {"type": "text", "text": "a"}, {"type": "tool_use", "id": "t", "name": "n", "input": {}}, {"type": "text", "text": "b"}
        ]))
        .unwrap();
        assert_eq!(content.text(), "ab");
        assert_eq!(content.blocks().len(), 3);
    }

    #[test]
    fn what_is_neither_text_nor_a_list_is_refused() {
        let error = serde_json::from_value::<Content>(json!({"type": "text"})).unwrap_err();
        assert!(error.to_string().contains("content blocks"), "{error}");
    }
}
