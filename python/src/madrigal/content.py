"""The blocks of which messages are made: one class for each kind, and :class:`UnknownBlock` for all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ServerToolName = Literal[
    "advisor",
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "tool_search_tool_regex",
    "tool_search_tool_bm25",
]
"""A tool that runs at the API."""


@dataclass
class TextBlock:
    """Text of the model."""

    text: str
    citations: list[dict[str, Any]] | None = None
    """What in it is quoted from where."""


@dataclass
class ThinkingBlock:
    """The model's reasoning."""

    thinking: str
    signature: str


@dataclass
class RedactedThinkingBlock:
    """Reasoning that only the model can read."""

    data: str


@dataclass
class ToolUseBlock:
    """The model calls a tool."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass
class ToolResultBlock:
    """What a tool gave back."""

    tool_use_id: str
    content: str | list[dict[str, Any]] | None = None
    is_error: bool | None = None


@dataclass
class ServerToolUseBlock:
    """The model calls a tool that runs at the API."""

    id: str
    name: ServerToolName | str
    input: dict[str, Any]


@dataclass
class ServerToolResultBlock:
    """What a tool that runs at the API gave back; ``type`` says which kind of result it is."""

    tool_use_id: str
    content: Any
    type: str = ""


@dataclass
class McpToolUseBlock:
    """The model calls a tool of a server that the API reaches."""

    id: str
    name: str
    server_name: str
    input: dict[str, Any]


@dataclass
class McpToolResultBlock:
    """What a tool of such a server gave back."""

    tool_use_id: str
    content: str | list[dict[str, Any]] | None = None
    is_error: bool | None = None


@dataclass
class ImageBlock:
    """A picture: ``{"type": "base64", "media_type": ..., "data": ...}`` or where it is."""

    source: dict[str, Any]


@dataclass
class DocumentBlock:
    """A document, such as a PDF."""

    source: dict[str, Any]
    title: str | None = None
    context: str | None = None


@dataclass
class SearchResultBlock:
    """A passage that a search found, to be cited."""

    source: str
    title: str
    content: list[dict[str, Any]]


@dataclass
class ToolReferenceBlock:
    """A tool that a search among tools found."""

    tool_name: str


@dataclass
class ContainerUploadBlock:
    """A file in the container of the API."""

    file_id: str


@dataclass
class UnknownBlock:
    """A content block of a kind that has no class here, whole."""

    type: str
    data: dict[str, Any]


ContentBlock = (
    TextBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | ServerToolUseBlock
    | ServerToolResultBlock
    | McpToolUseBlock
    | McpToolResultBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ToolReferenceBlock
    | ContainerUploadBlock
    | UnknownBlock
)
"""A piece of a message."""


def _server_result(data: dict[str, Any]) -> ServerToolResultBlock:
    return ServerToolResultBlock(data["tool_use_id"], data["content"], data["type"])


_BUILDERS: dict[str, Callable[[dict[str, Any]], ContentBlock]] = {
    "text": lambda data: TextBlock(data["text"], data.get("citations")),
    "thinking": lambda data: ThinkingBlock(data["thinking"], data.get("signature", "")),
    "redacted_thinking": lambda data: RedactedThinkingBlock(data["data"]),
    "tool_use": lambda data: ToolUseBlock(data["id"], data["name"], data.get("input", {})),
    "tool_result": lambda data: ToolResultBlock(data["tool_use_id"], data.get("content"), data.get("is_error")),
    "server_tool_use": lambda data: ServerToolUseBlock(data["id"], data["name"], data.get("input", {})),
    "mcp_tool_use": lambda data: McpToolUseBlock(data["id"], data["name"], data["server_name"], data.get("input", {})),
    "mcp_tool_result": lambda data: McpToolResultBlock(data["tool_use_id"], data.get("content"), data.get("is_error")),
    "image": lambda data: ImageBlock(data["source"]),
    "document": lambda data: DocumentBlock(data["source"], data.get("title"), data.get("context")),
    "search_result": lambda data: SearchResultBlock(data["source"], data["title"], data["content"]),
    "tool_reference": lambda data: ToolReferenceBlock(data["tool_name"]),
    "container_upload": lambda data: ContainerUploadBlock(data["file_id"]),
    **{
        f"{tool}_tool_result": _server_result
        for tool in (
            "advisor",
            "web_search",
            "web_fetch",
            "code_execution",
            "bash_code_execution",
            "text_editor_code_execution",
            "tool_search",
        )
    },
}


def block_from_wire(data: Any) -> ContentBlock:
    """The block for its JSON. One that lacks what its kind must have is an `UnknownBlock`.

    >>> block_from_wire({"type": "text", "text": "4"})
    TextBlock(text='4', citations=None)
    >>> block_from_wire({"type": "hologram", "x": 1})
    UnknownBlock(type='hologram', data={'type': 'hologram', 'x': 1})
    """
    if not isinstance(data, dict):
        return UnknownBlock("", {"value": data})
    kind = data.get("type", "")
    try:
        return _BUILDERS[kind](data)
    except (KeyError, TypeError):
        return UnknownBlock(str(kind), data)


def content_of(content: Any) -> str | list[ContentBlock]:
    """The content of a message."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError("content is neither text nor blocks")
    return [block_from_wire(block) for block in content]


def text_of(content: str | list[ContentBlock]) -> str:
    """The text in it."""
    if isinstance(content, str):
        return content
    return "".join(block.text for block in content if isinstance(block, TextBlock))
