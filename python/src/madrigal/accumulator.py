"""Puts deltas together again.

With ``include_partial_messages`` a block of content arrives in pieces; here they grow back into blocks, the text of
each readable at any time, those of a subagent kept apart from those of the main conversation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .content import ContentBlock, block_from_wire
from .messages import AssistantMessage, Message, ResultMessage, StreamEvent


@dataclass
class CompleteBlock:
    """A complete block of content."""

    block: ContentBlock
    message_id: str
    """The message of the model it belongs to."""
    parent_tool_use_id: str | None = None
    """The tool call whose subagent said it; ``None`` for the main conversation."""
    agent_id: str | None = None
    """The subagent, where the program names it."""


@dataclass
class _Speaker:
    """The message that somebody is in the middle of."""

    message_id: str = ""
    blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    streamed: int = 0
    """Of this message: blocks that were handed out and that the program will say once more, whole."""


# Which delta adds to which field.
_GROWS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
# The block that a first delta belongs to, when its beginning was missed.
_BEGINNING: dict[str, dict[str, Any]] = {
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": ""},
    "signature_delta": {"type": "thinking", "thinking": ""},
    "input_json_delta": {"type": "tool_use", "id": "", "name": "", "input": {}},
}


class Accumulator:
    """Turns messages into growing and complete blocks. Give it every message, in order.

    A block is handed out once: when its last piece arrives, or with the assistant message when there were no pieces
    (without partial messages, from subagents).

    >>> from madrigal import Accumulator, StreamEvent
    >>> blocks = Accumulator()
    >>> for event in (
    ...     {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ...     {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    ...     {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    ... ):
    ...     complete = blocks.add(StreamEvent("u", "s", event))
    >>> blocks.text()
    'Hello'
    >>> [end] = blocks.add(StreamEvent("u", "s", {"type": "content_block_stop", "index": 0}))
    >>> end.block.text
    'Hello'

    """

    def __init__(self) -> None:
        self._speakers: dict[str | None, _Speaker] = {}

    def add(self, message: Message) -> list[CompleteBlock]:
        """Takes a message and gives the blocks that it completes."""
        if isinstance(message, StreamEvent):
            return self._event(message)
        if isinstance(message, AssistantMessage):
            return self._said(message)
        if isinstance(message, ResultMessage):
            # What an interrupt cut short will not be completed.
            self._speakers.pop(None, None)
        return []

    def text(self, parent_tool_use_id: str | None = None) -> str:
        """The text that grows now; ``""`` when none does.

        Args:
            parent_tool_use_id: Of the subagent that this tool call started; ``None``: of the main conversation.

        """
        return "".join(
            str(block.get("text", "")) for _, block in self._growing(parent_tool_use_id) if block.get("type") == "text"
        )

    def growing(self, parent_tool_use_id: str | None = None) -> list[ContentBlock]:
        """The blocks that grow now, as far as they are; the input of a tool call comes when it is complete."""
        return [block_from_wire(block) for _, block in self._growing(parent_tool_use_id)]

    def _growing(self, parent: str | None) -> list[tuple[int, dict[str, Any]]]:
        speaker = self._speakers.get(parent)
        return sorted(speaker.blocks.items(), key=lambda item: item[0]) if speaker else []

    def _said(self, message: AssistantMessage) -> list[CompleteBlock]:
        message_id, parent = message.message_id or "", message.parent_tool_use_id
        speaker = self._speakers.setdefault(parent, _Speaker())
        if speaker.message_id != message_id:
            # Another message than the one that grew: its blocks are new, and those of the other will not end.
            speaker = self._speakers[parent] = _Speaker(message_id)
        known = min(speaker.streamed, len(message.content))
        speaker.streamed -= known
        complete = []
        for block in message.content[known:]:
            # Said before its last piece came: it is complete, and must not come out again.
            if speaker.blocks:
                first = min(speaker.blocks)
                del speaker.blocks[first]
                speaker.inputs.pop(first, None)
            complete.append(CompleteBlock(block, message_id, parent, message.agent_id))
        return complete

    def _event(self, message: StreamEvent) -> list[CompleteBlock]:
        event, parent = message.event, message.parent_tool_use_id
        speaker = self._speakers.setdefault(parent, _Speaker())
        if message.abandoned_blocks:
            first = message.abandoned_blocks.get("from_block_index", 0)
            speaker.blocks = {index: block for index, block in speaker.blocks.items() if index < first}
        index = event.get("index", 0)
        match event.get("type"):
            case "message_start":
                self._speakers[parent] = _Speaker((event.get("message") or {}).get("id", ""))
            case "content_block_start":
                speaker.blocks[index] = dict(event.get("content_block") or {})
                speaker.inputs.pop(index, None)
            case "content_block_delta":
                self._grow(speaker, index, event.get("delta") or {})
            case "content_block_stop" if index in speaker.blocks:
                block = _whole(speaker.blocks.pop(index), speaker.inputs.pop(index, ""))
                speaker.streamed += 1
                return [CompleteBlock(block_from_wire(block), speaker.message_id, parent)]
        return []

    def _grow(self, speaker: _Speaker, index: int, delta: dict[str, Any]) -> None:
        kind = delta.get("type", "")
        if kind not in _BEGINNING:
            return
        block = speaker.blocks.setdefault(index, dict(_BEGINNING[kind]))
        if kind == "input_json_delta":
            speaker.inputs[index] = speaker.inputs.get(index, "") + delta.get("partial_json", "")
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        else:
            name = _GROWS[kind]
            block[name] = block.get(name, "") + delta.get(name, "")


def _whole(block: dict[str, Any], text: str) -> dict[str, Any]:
    """The block with its input. One that is not JSON, as one that was cut off, is kept as text."""
    if text:
        try:
            block["input"] = json.loads(text)
        except ValueError:
            block["input"] = text
    return block
