//! Content blocks: what the model says and what tools answer.

use serde_json::Value;

use super::{
    Content,
    shape_macros::{choices, shapes},
};

choices! {
    /// One block of a message's content. A block of an unknown type, or one that lacks what its type must have, is kept whole.
    pub enum ContentBlock by "type" {
        /// Text.
        "text" => Text(TextBlock),
        /// The model's reasoning.
        "thinking" => Thinking(ThinkingBlock),
        /// Reasoning that the API gives only encrypted.
        "redacted_thinking" => RedactedThinking(RedactedThinkingBlock),
        /// A call of a tool.
        "tool_use" => ToolUse(ToolUseBlock),
        /// What a tool answered.
        "tool_result" => ToolResult(ToolResultBlock),
        /// A call of a tool that the API itself runs.
        "server_tool_use" => ServerToolUse(ServerToolUseBlock),
        /// What a search of the web found.
        "web_search_tool_result" => WebSearchToolResult(WebSearchToolResultBlock),
        /// A page that the API fetched.
        "web_fetch_tool_result" => WebFetchToolResult(WebFetchToolResultBlock),
        /// What code run by the API printed.
        "code_execution_tool_result" => CodeExecutionToolResult(CodeExecutionToolResultBlock),
        /// What a shell command run by the API printed.
        "bash_code_execution_tool_result" => BashCodeExecutionToolResult(BashCodeExecutionToolResultBlock),
        /// What an edit made by the API did.
        "text_editor_code_execution_tool_result" => TextEditorCodeExecutionToolResult(TextEditorCodeExecutionToolResultBlock),
        /// Tools that a search among deferred tools found.
        "tool_search_tool_result" => ToolSearchToolResult(ToolSearchToolResultBlock),
        /// What an advising model said.
        "advisor_tool_result" => AdvisorToolResult(AdvisorToolResultBlock),
        /// A call of a tool of an MCP server that the API itself is connected to.
        "mcp_tool_use" => McpToolUse(McpToolUseBlock),
        /// What such a tool answered.
        "mcp_tool_result" => McpToolResult(McpToolResultBlock),
        /// A picture.
        "image" => Image(ImageBlock),
        /// A document.
        "document" => Document(DocumentBlock),
        /// A passage found by a search, to be cited.
        "search_result" => SearchResult(SearchResultBlock),
        /// A tool, named in the answer of a search among tools.
        "tool_reference" => ToolReference(ToolReferenceBlock),
        /// A file in the container of the API.
        "container_upload" => ContainerUpload(ContainerUploadBlock),
    }
}

shapes! {
    /// Text.
    pub struct TextBlock("type" = "text") {
        /// The text.
        text: String = "text" needed,
        /// What in it is quoted from where, as the API gives it.
        citations: Option<Vec<Value>> = "citations",
    }

    /// The model's reasoning.
    pub struct ThinkingBlock("type" = "thinking") {
        /// The reasoning; empty when it is not shown.
        thinking: String = "thinking" needed,
        /// Proves to the API that it is unchanged.
        signature: String = "signature",
    }

    /// Reasoning that the API gives only encrypted.
    pub struct RedactedThinkingBlock("type" = "redacted_thinking") {
        /// The encrypted reasoning.
        data: String = "data" needed,
    }

    /// A call of a tool.
    pub struct ToolUseBlock("type" = "tool_use") {
        /// The id its result refers to.
        id: String = "id" needed,
        /// The tool.
        name: String = "name" needed,
        /// Its input, as the tool's schema says.
        input: Value = "input",
    }

    /// What a tool answered.
    pub struct ToolResultBlock("type" = "tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// Text or blocks (text, pictures, documents...), as the tool gave them; `None` when it gave none.
        content: Option<Content> = "content",
        /// Whether the call failed.
        is_error: bool = "is_error",
    }

    /// A call of a tool that the API itself runs.
    pub struct ServerToolUseBlock("type" = "server_tool_use") {
        /// The id its result refers to.
        id: String = "id" needed,
        /// The tool: `web_search`, `web_fetch`, `code_execution`...
        name: String = "name" needed,
        /// Its input.
        input: Value = "input",
    }

    /// What a search of the web found.
    pub struct WebSearchToolResultBlock("type" = "web_search_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The pages found, or an error.
        content: Value = "content",
    }

    /// A page that the API fetched.
    pub struct WebFetchToolResultBlock("type" = "web_fetch_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The page, or an error.
        content: Value = "content",
    }

    /// What code run by the API printed.
    pub struct CodeExecutionToolResultBlock("type" = "code_execution_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The output, or an error.
        content: Value = "content",
    }

    /// What a shell command run by the API printed.
    pub struct BashCodeExecutionToolResultBlock("type" = "bash_code_execution_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The output, or an error.
        content: Value = "content",
    }

    /// What an edit made by the API did.
    pub struct TextEditorCodeExecutionToolResultBlock("type" = "text_editor_code_execution_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The outcome, or an error.
        content: Value = "content",
    }

    /// Tools that a search among deferred tools found.
    pub struct ToolSearchToolResultBlock("type" = "tool_search_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The tools, or an error.
        content: Value = "content",
    }

    /// What an advising model said.
    pub struct AdvisorToolResultBlock("type" = "advisor_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// The advice, or an error.
        content: Value = "content",
    }

    /// A call of a tool of an MCP server that the API itself is connected to.
    pub struct McpToolUseBlock("type" = "mcp_tool_use") {
        /// The id its result refers to.
        id: String = "id" needed,
        /// The tool.
        name: String = "name" needed,
        /// The server.
        server_name: String = "server_name",
        /// Its input.
        input: Value = "input",
    }

    /// What a tool of such a server answered.
    pub struct McpToolResultBlock("type" = "mcp_tool_result") {
        /// The call this answers.
        tool_use_id: String = "tool_use_id" needed,
        /// Text or blocks.
        content: Option<Content> = "content",
        /// Whether the call failed.
        is_error: bool = "is_error",
    }

    /// A picture.
    pub struct ImageBlock("type" = "image") {
        /// The picture, or where it is.
        source: MediaSource = "source" needed,
    }

    /// A document.
    pub struct DocumentBlock("type" = "document") {
        /// The document, or where it is.
        source: MediaSource = "source" needed,
        /// Its title.
        title: Option<String> = "title",
        /// What the model is told about it.
        context: Option<String> = "context",
    }

    /// Where a picture or a document is. Which fields are there depends on `kind`.
    pub struct MediaSource {
        /// `base64`, `url`, `file`, `text`, `content`.
        kind: String = "type" needed,
        /// Its type, such as `image/png`.
        media_type: Option<String> = "media_type",
        /// The thing itself, encoded as `kind` says.
        data: Option<String> = "data",
        /// Where it can be fetched.
        url: Option<String> = "url",
        /// The id of a file that was given to the API before.
        file_id: Option<String> = "file_id",
    }

    /// A passage found by a search, to be cited.
    pub struct SearchResultBlock("type" = "search_result") {
        /// Where it is from.
        source: String = "source" needed,
        /// Its title.
        title: String = "title",
        /// The passage.
        content: Option<Content> = "content",
    }

    /// A tool, named in the answer of a search among tools.
    pub struct ToolReferenceBlock("type" = "tool_reference") {
        /// The tool.
        tool_name: String = "tool_name" needed,
    }

    /// A file in the container of the API.
    pub struct ContainerUploadBlock("type" = "container_upload") {
        /// Its id.
        file_id: String = "file_id" needed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_that_is_unknown_or_lacks_something_is_kept_whole() {
        for odd in
            [json!({"type": "hologram", "depth": 3}), json!({"type": "text"}), json!("words"), json!(null)]
        {
            assert_eq!(ContentBlock::from(odd.clone()), ContentBlock::Other(odd));
        }
    }

    #[test]
    fn a_tool_result_holds_pictures() {
        let value = json!({"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]});
        let ContentBlock::ToolResult(result) = ContentBlock::from(value.clone()) else { panic!("{value}") };
        let Some(Content::Blocks(blocks)) = &result.content else { panic!("{result:?}") };
        let ContentBlock::Image(image) = &blocks[0] else { panic!("{blocks:?}") };
        assert_eq!(image.source.media_type.as_deref(), Some("image/png"));
        assert_eq!(serde_json::to_value(&result).unwrap(), value);
    }
}
