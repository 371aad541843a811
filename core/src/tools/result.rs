//! What a tool gives back, put together by name: text, images, resources, structured data.

use serde_json::{Map, Value, json};

use super::error_result;

/// The result of a tool.
///
/// ```
/// use madrigal::tools::ToolResult;
/// let both = ToolResult::text("see the chart").with_image("aGk=", "image/png");
/// let data = ToolResult::structured(serde_json::json!({"sum": 3}));
/// let failed = ToolResult::error("no such city");
/// # let _ = (both, data, failed);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult(Value);

impl ToolResult {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(json!({"content": [{"type": "text", "text": text.into()}]}))
    }

    /// Data, an object. The model reads its JSON.
    pub fn structured(data: Value) -> Self {
        Self(json!({"content": [{"type": "text", "text": data.to_string()}], "structuredContent": data}))
    }

    /// A failure the model reads. The same as an `Err` with this message.
    pub fn error(message: impl AsRef<str>) -> Self {
        Self(error_result(message.as_ref()))
    }

    /// Any content blocks of MCP.
    pub fn blocks(blocks: Vec<Value>) -> Self {
        Self(json!({"content": blocks}))
    }

    /// Adds an image: its bytes in base64, and its MIME type.
    #[must_use]
    pub fn with_image(self, base64: impl Into<String>, mime_type: &str) -> Self {
        self.with_block(json!({"type": "image", "data": base64.into(), "mimeType": mime_type}))
    }

    /// Adds a resource with its text.
    #[must_use]
    pub fn with_resource(self, uri: &str, text: impl Into<String>) -> Self {
        self.with_block(json!({"type": "resource", "resource": {"uri": uri, "text": text.into()}}))
    }

    /// Adds a link to a resource.
    #[must_use]
    pub fn with_link(self, uri: &str, name: &str) -> Self {
        self.with_block(json!({"type": "resource_link", "uri": uri, "name": name}))
    }

    /// Adds any content block of MCP.
    #[must_use]
    pub fn with_block(mut self, block: Value) -> Self {
        if let Some(content) = self.0["content"].as_array_mut() {
            content.push(block);
        }
        self
    }

    /// Adds what is not for the model.
    #[must_use]
    pub fn with_meta(mut self, meta: Map<String, Value>) -> Self {
        self.0["_meta"] = meta.into();
        self
    }

    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

impl From<String> for ToolResult {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for ToolResult {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::check_result;

    #[test]
    fn every_form_is_one_that_is_taken() {
        let everything = ToolResult::text("a")
            .with_image("aGk=", "image/png")
            .with_resource("file:///a", "b")
            .with_link("file:///b", "b");
        for result in
            [everything, ToolResult::structured(json!({"a": 1})), ToolResult::error("no"), "x".into()]
        {
            assert_eq!(check_result(None, &result.into_json()), Ok(()));
        }
    }
}
