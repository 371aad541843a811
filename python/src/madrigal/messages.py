"""What the program says: one class for each kind of message and of content block.

The names and fields are those of ``claude_agent_sdk``. Beyond them, every message has ``raw``, the line as the
program wrote it, and ``text``, what a reader would show. A kind that this version does not know is an
:class:`UnknownMessage` or :class:`UnknownBlock`: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TextBlock:
    """Text of the model."""

    text: str


@dataclass
class ThinkingBlock:
    """The model's reasoning."""

    thinking: str
    signature: str


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
class UnknownBlock:
    """A content block of a kind that has no class here, whole."""

    type: str
    data: dict[str, Any]


ContentBlock = TextBlock | ThinkingBlock | ToolUseBlock | ToolResultBlock | UnknownBlock


def _raw() -> str:
    # A message compares and prints by what it says, not by how its line was written.
    line: str = field(default="", repr=False, compare=False)
    return line


def _text_of(content: str | list[ContentBlock]) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.text for block in content if isinstance(block, TextBlock))


@dataclass
class UserMessage:
    """A tool result, or a prompt that the program repeats or makes itself."""

    content: str | list[ContentBlock]
    uuid: str | None = None
    parent_tool_use_id: str | None = None
    tool_use_result: Any = None
    origin: dict[str, Any] | None = None
    raw: str = _raw()

    @property
    def text(self) -> str:
        """Always ``""``: not something a reader would show."""
        return ""


@dataclass
class AssistantMessage:
    """One completed content block of the model. Several share a ``message_id``; their usage must not be added up."""

    content: list[ContentBlock]
    model: str
    parent_tool_use_id: str | None = None
    error: str | None = None
    usage: dict[str, Any] | None = None
    message_id: str | None = None
    stop_reason: str | None = None
    session_id: str | None = None
    uuid: str | None = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] | None = None
    raw: str = _raw()

    @property
    def text(self) -> str:
        """The text of its text blocks."""
        return _text_of(self.content)


@dataclass
class SystemMessage:
    """A fact or event of the session: ``subtype`` says which, ``data`` is the whole frame."""

    subtype: str
    data: dict[str, Any]
    raw: str = _raw()

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class DeferredToolUse:
    """A tool call that a hook put off."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass
class ResultMessage:
    """The end of a turn.

    Whether it succeeded is ``is_error``, not ``subtype``: a failed call of the model's API arrives as
    ``subtype="success"`` with ``is_error=True``. ``total_cost_usd`` counts from the start of the process.
    """

    subtype: str
    duration_ms: int
    duration_api_ms: int
    is_error: bool
    num_turns: int
    session_id: str
    stop_reason: str | None = None
    total_cost_usd: float | None = None
    usage: dict[str, Any] | None = None
    result: str | None = None
    structured_output: Any = None
    model_usage: dict[str, Any] | None = None
    permission_denials: list[Any] | None = None
    deferred_tool_use: DeferredToolUse | None = None
    errors: list[str] | None = None
    api_error_status: int | None = None
    uuid: str | None = None
    terminal_reason: str | None = None
    origin: dict[str, Any] | None = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] | None = None
    raw: str = _raw()

    @property
    def text(self) -> str:
        """The final text, or the text of the error."""
        return self.result or ""


@dataclass
class StreamEvent:
    """A piece of a message while it is made; only with ``include_partial_messages``."""

    uuid: str
    session_id: str
    event: dict[str, Any]
    parent_tool_use_id: str | None = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] | None = None
    raw: str = _raw()

    @property
    def text(self) -> str:
        """The text of a text delta, ``""`` for all other events. The assistant message repeats it."""
        text = (self.event.get("delta") or {}).get("text")
        return text if isinstance(text, str) else ""


@dataclass
class RateLimitInfo:
    """How much of the subscription's limit is used. Times are seconds since 1970."""

    status: str
    resets_at: int | None = None
    rate_limit_type: str | None = None
    utilization: float | None = None
    overage_status: str | None = None
    overage_resets_at: int | None = None
    overage_disabled_reason: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass
class RateLimitEvent:
    """The state of the subscription's limit changed."""

    rate_limit_info: RateLimitInfo
    uuid: str
    session_id: str
    raw: str = _raw()

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class UnknownMessage:
    """A frame of a kind that has no class here: ``type``, the whole frame as ``data``, the line as ``raw``."""

    type: str
    data: dict[str, Any]
    raw: str = _raw()

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


Message = UserMessage | AssistantMessage | SystemMessage | ResultMessage | StreamEvent | RateLimitEvent | UnknownMessage


def _block(data: Any) -> ContentBlock:
    try:
        match data["type"]:
            case "text":
                return TextBlock(data["text"])
            case "thinking":
                return ThinkingBlock(data["thinking"], data.get("signature", ""))
            case "tool_use":
                return ToolUseBlock(data["id"], data["name"], data.get("input", {}))
            case "tool_result":
                return ToolResultBlock(data["tool_use_id"], data.get("content"), data.get("is_error"))
            case kind:
                return UnknownBlock(str(kind), data)
    except (KeyError, TypeError):
        kind = data.get("type", "") if isinstance(data, dict) else ""
        return UnknownBlock(str(kind), data if isinstance(data, dict) else {"value": data})


def _content(content: Any) -> str | list[ContentBlock]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError("content is neither text nor blocks")
    return [_block(block) for block in content]


def _assistant(frame: dict[str, Any], raw: str) -> AssistantMessage:
    message = frame["message"]
    content = _content(message["content"])
    return AssistantMessage(
        content=[TextBlock(content)] if isinstance(content, str) else content,
        model=message.get("model", ""),
        parent_tool_use_id=frame.get("parent_tool_use_id"),
        error=frame.get("error"),
        usage=message.get("usage"),
        message_id=message.get("id"),
        stop_reason=message.get("stop_reason"),
        session_id=frame.get("session_id"),
        uuid=frame.get("uuid"),
        user_message_uuid=frame.get("user_message_uuid"),
        user_message_uuids=frame.get("user_message_uuids"),
        raw=raw,
    )


def _user(frame: dict[str, Any], raw: str) -> UserMessage:
    return UserMessage(
        content=_content(frame["message"]["content"]),
        uuid=frame.get("uuid"),
        parent_tool_use_id=frame.get("parent_tool_use_id"),
        tool_use_result=frame.get("tool_use_result"),
        origin=frame.get("origin"),
        raw=raw,
    )


def _system(frame: dict[str, Any], raw: str) -> SystemMessage:
    return SystemMessage(frame["subtype"], frame, raw)


def _result(frame: dict[str, Any], raw: str) -> ResultMessage:
    deferred = frame.get("deferred_tool_use")
    return ResultMessage(
        subtype=frame["subtype"],
        duration_ms=frame.get("duration_ms", 0),
        duration_api_ms=frame.get("duration_api_ms", 0),
        is_error=frame["is_error"],
        num_turns=frame.get("num_turns", 0),
        session_id=frame.get("session_id", ""),
        stop_reason=frame.get("stop_reason"),
        total_cost_usd=frame.get("total_cost_usd"),
        usage=frame.get("usage"),
        result=frame.get("result"),
        structured_output=frame.get("structured_output"),
        model_usage=frame.get("modelUsage"),
        permission_denials=frame.get("permission_denials"),
        deferred_tool_use=deferred and DeferredToolUse(deferred["id"], deferred["name"], deferred["input"]),
        errors=frame.get("errors"),
        api_error_status=frame.get("api_error_status"),
        uuid=frame.get("uuid"),
        terminal_reason=frame.get("terminal_reason"),
        origin=frame.get("origin"),
        user_message_uuid=frame.get("user_message_uuid"),
        user_message_uuids=frame.get("user_message_uuids"),
        raw=raw,
    )


def _stream_event(frame: dict[str, Any], raw: str) -> StreamEvent:
    return StreamEvent(
        uuid=frame.get("uuid", ""),
        session_id=frame.get("session_id", ""),
        event=frame["event"],
        parent_tool_use_id=frame.get("parent_tool_use_id"),
        user_message_uuid=frame.get("user_message_uuid"),
        user_message_uuids=frame.get("user_message_uuids"),
        raw=raw,
    )


def _rate_limit(frame: dict[str, Any], raw: str) -> RateLimitEvent:
    info = frame["rate_limit_info"]
    return RateLimitEvent(
        rate_limit_info=RateLimitInfo(
            status=info["status"],
            resets_at=info.get("resetsAt"),
            rate_limit_type=info.get("rateLimitType"),
            utilization=info.get("utilization"),
            overage_status=info.get("overageStatus"),
            overage_resets_at=info.get("overageResetsAt"),
            overage_disabled_reason=info.get("overageDisabledReason"),
            raw=info,
        ),
        uuid=frame.get("uuid", ""),
        session_id=frame.get("session_id", ""),
        raw=raw,
    )


_BUILDERS: dict[str, Callable[[dict[str, Any], str], Message]] = {
    "assistant": _assistant,
    "user": _user,
    "system": _system,
    "result": _result,
    "stream_event": _stream_event,
    "rate_limit_event": _rate_limit,
}


def from_wire(frame: dict[str, Any], raw: str) -> Message:
    """The message for a frame and its line. A frame that lacks what its type must have is an `UnknownMessage`.

    >>> from_wire({"type": "system", "subtype": "init", "model": "m"}, "")
    SystemMessage(subtype='init', data={'type': 'system', 'subtype': 'init', 'model': 'm'})
    >>> from_wire({"type": "new_in_2027", "x": 1}, "").data["x"]
    1
    """
    kind = frame.get("type", "")
    build = _BUILDERS.get(kind)
    if build is not None:
        try:
            return build(frame, raw)
        except (KeyError, TypeError, AttributeError):
            pass
    return UnknownMessage(str(kind), frame, raw)
