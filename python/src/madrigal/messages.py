"""What the program says: one class for each kind of message and of content block.

The names and fields are those of ``claude_agent_sdk``. Beyond them, every message has ``raw``, the line as the
program wrote it, and ``text``, what a reader would show. A kind that this version does not know is an
:class:`UnknownMessage` or :class:`UnknownBlock`: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from ._frames import Builder, SystemMessage
from .content import ContentBlock, TextBlock, content_of, text_of
from .message_types import (
    FastModeState,
    MessageOrigin,
    ModelUsage,
    PermissionDenial,
    RateLimitStatus,
    RateLimitType,
)

ValueT = TypeVar("ValueT")


@dataclass
class UserMessage:
    """A tool result, or a prompt that the program repeats or makes itself."""

    content: str | list[ContentBlock]
    uuid: str | None = None
    parent_tool_use_id: str | None = None
    tool_use_result: Any = None
    origin: MessageOrigin | None = None
    session_id: str | None = None
    timestamp: str | None = None
    is_replay: bool | None = None
    """The program repeats a prompt of yours."""
    is_synthetic: bool | None = None
    """The program made it."""
    agent_id: str | None = None
    subagent_type: str | None = None
    tool_result_meta: list[dict[str, Any]] | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

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
    request_id: str | None = None
    timestamp: str | None = None
    aborted: bool | None = None
    """It was interrupted while it was made."""
    is_api_error_message: bool | None = None
    """It stands for an error of the model's API."""
    api_error_status: int | None = None
    agent_id: str | None = None
    """The subagent that wrote it."""
    subagent_type: str | None = None
    task_description: str | None = None
    tool_use_meta: list[dict[str, Any]] | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """The text of its text blocks."""
        return text_of(self.content)


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
    model_usage: dict[str, ModelUsage] | None = None
    permission_denials: list[PermissionDenial] | None = None
    deferred_tool_use: DeferredToolUse | None = None
    errors: list[str] | None = None
    api_error_status: int | None = None
    uuid: str | None = None
    terminal_reason: str | None = None
    origin: MessageOrigin | None = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] | None = None
    api_error_type: str | None = None
    api_error: str | None = None
    ttft_ms: float | None = None
    """From the request to the first token, in milliseconds."""
    local_command: str | None = None
    """The command of the program that answered in place of the model."""
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    queued_turn_count: int | None = None
    result_index: int | None = None
    begun_message_ids: list[str] | None = None
    subagent_stats: dict[str, Any] | None = None
    safety_stops: Any = None
    fast_mode_state: FastModeState | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """The final text, or the text of the error."""
        return self.result or ""

    @overload
    def structured(self) -> Any: ...

    @overload
    def structured(self, kind: type[ValueT]) -> ValueT: ...

    def structured(self, kind: Any = Any) -> Any:
        """The value of a turn with ``output_format``, which the program has checked against the JSON Schema.

        Args:
            kind: The type to read it into: a dataclass, a TypedDict, a plain type such as ``list[str]``, or a class
                with a ``model_validate`` of its own. Left out: the JSON value as it is.

        Raises:
            StructuredOutputError: There is no value: the model answered with text, never met the schema, or the turn
                failed; or it does not fit ``kind``. The context has ``subtype`` and ``result``, the text there was
                instead, and ``field``, the path of what does not fit.

        >>> from typing import TypedDict
        >>> class Sum(TypedDict):
        ...     n: int
        >>> result = ResultMessage("success", 1, 1, False, 1, "s", structured_output={"n": 4})
        >>> result.structured(Sum)["n"]
        4

        """
        from ._structured import value_of

        return value_of(self, kind)

    def raise_for_error(self) -> None:
        """Raises when the turn failed, and does nothing when it did not.

        Raises:
            AuthError: The credentials were refused.
            TurnFailedError: Anything else. It has ``subtype``, ``errors``, ``api_error_status`` and more.

        """
        if self.is_error:
            from ._structured import failure_of

            raise failure_of(self)


@dataclass
class StreamEvent:
    """A piece of a message while it is made; only with ``include_partial_messages``."""

    uuid: str
    session_id: str
    event: dict[str, Any]
    parent_tool_use_id: str | None = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] | None = None
    ttft_ms: float | None = None
    """At the start of a message: from the request to the first token, in milliseconds."""
    api_message_id: str | None = None
    abandoned_blocks: dict[str, Any] | None = None
    """From ``from_block_index`` on, what was streamed of this message will not be completed."""
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """The text of a text delta, ``""`` for all other events. The assistant message repeats it."""
        text = (self.event.get("delta") or {}).get("text")
        return text if isinstance(text, str) else ""


@dataclass
class RateLimitInfo:
    """How much of the subscription's limit is used. Times are seconds since 1970."""

    status: RateLimitStatus
    resets_at: int | None = None
    rate_limit_type: RateLimitType | None = None
    utilization: float | None = None
    overage_status: RateLimitStatus | None = None
    overage_resets_at: int | None = None
    overage_disabled_reason: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass
class RateLimitEvent:
    """The state of the subscription's limit changed."""

    rate_limit_info: RateLimitInfo
    uuid: str
    session_id: str
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class ToolProgressMessage:
    """A tool that takes long still runs."""

    tool_use_id: str
    tool_name: str | None = None
    parent_tool_use_id: str | None = None
    elapsed_time_seconds: float = 0.0
    heartbeat: bool | None = None
    task_id: str | None = None
    subagent_type: str | None = None
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class AuthStatusMessage:
    """Logging in goes on."""

    is_authenticating: bool
    output: list[str] = field(default_factory=list)
    error: str | None = None
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class ToolUseSummaryMessage:
    """What some tool calls did, in short."""

    summary: str
    preceding_tool_use_ids: list[str] = field(default_factory=list)
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class PromptSuggestionMessage:
    """What might be asked next; only with ``prompt_suggestions``."""

    suggestion: str
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class ConversationResetMessage:
    """The conversation begins anew, under another session id."""

    new_conversation_id: str
    uuid: str
    session_id: str
    trigger: str | None = None
    user_message_uuid: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class CommandLifecycleMessage:
    """A prompt waits, is being answered, was answered or taken back."""

    command_uuid: str
    state: str
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class TranscriptMirrorMessage:
    """Lines of the transcript, as they are saved."""

    file_path: str
    entries: list[dict[str, Any]]
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class ActiveGoalMessage:
    """What the session works towards."""

    value: dict[str, Any] | None = None
    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class KeepAliveMessage:
    """The program is still there."""

    uuid: str | None = None
    session_id: str | None = None
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


@dataclass
class UnknownMessage:
    """A frame of a kind that has no class here: ``type``, the whole frame as ``data``, the line as ``raw``."""

    type: str
    data: dict[str, Any]
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


Message = (
    UserMessage
    | AssistantMessage
    | SystemMessage
    | ResultMessage
    | StreamEvent
    | RateLimitEvent
    | ToolProgressMessage
    | AuthStatusMessage
    | ToolUseSummaryMessage
    | PromptSuggestionMessage
    | ConversationResetMessage
    | CommandLifecycleMessage
    | TranscriptMirrorMessage
    | ActiveGoalMessage
    | KeepAliveMessage
    | UnknownMessage
)
"""What the program says."""


def _system(frame: dict[str, Any], raw: str) -> Message:
    # Many classes, which take longer to load than all others together; the program takes longer to start.
    from .system_messages import system_from_wire

    return system_from_wire(frame, raw)


def _assistant(frame: dict[str, Any], raw: str) -> Message:
    message = frame["message"]
    content = content_of(message["content"])
    return _ASSISTANT.build(
        {
            **frame,
            "content": [TextBlock(content)] if isinstance(content, str) else content,
            "model": message.get("model", ""),
            "usage": message.get("usage"),
            "message_id": message.get("id"),
            "stop_reason": message.get("stop_reason"),
        },
        raw,
    )


def _user(frame: dict[str, Any], raw: str) -> Message:
    return _USER.build({**frame, "content": content_of(frame["message"]["content"])}, raw)


def _result(frame: dict[str, Any], raw: str) -> Message:
    deferred = frame.get("deferred_tool_use")
    put_off = deferred and DeferredToolUse(deferred["id"], deferred["name"], deferred["input"])
    absent = {"duration_ms": 0, "duration_api_ms": 0, "num_turns": 0, "session_id": ""}
    return _RESULT.build({**absent, **frame, "deferred_tool_use": put_off}, raw)


def _stream_event(frame: dict[str, Any], raw: str) -> Message:
    return _STREAM_EVENT.build({"uuid": "", "session_id": "", **frame}, raw)


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


_ASSISTANT = Builder(AssistantMessage)
_USER = Builder(UserMessage)
_RESULT = Builder(ResultMessage)
_STREAM_EVENT = Builder(StreamEvent)
_BUILDERS: dict[str, Callable[[dict[str, Any], str], Message]] = {
    "assistant": _assistant,
    "user": _user,
    "system": _system,
    "result": _result,
    "stream_event": _stream_event,
    "rate_limit_event": _rate_limit,
    "tool_progress": Builder(ToolProgressMessage).build,
    "auth_status": Builder(AuthStatusMessage).build,
    "tool_use_summary": Builder(ToolUseSummaryMessage).build,
    "prompt_suggestion": Builder(PromptSuggestionMessage).build,
    "conversation_reset": Builder(ConversationResetMessage).build,
    "command_lifecycle": Builder(CommandLifecycleMessage).build,
    "transcript_mirror": Builder(TranscriptMirrorMessage).build,
    "active_goal": Builder(ActiveGoalMessage).build,
    "keep_alive": Builder(KeepAliveMessage).build,
}


def from_wire(frame: dict[str, Any], raw: str) -> Message:
    """The message for a frame and its line. A frame that lacks what its type must have is an `UnknownMessage`.

    >>> from_wire({"type": "prompt_suggestion", "suggestion": "Run the tests"}, "").suggestion
    'Run the tests'
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
    return UnknownMessage(str(kind), frame, raw=raw)
