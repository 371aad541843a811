"""Pieces grow back into blocks, each handed out once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from madrigal import Accumulator, CompleteBlock, Message, StreamEvent, TextBlock, ThinkingBlock, ToolUseBlock
from madrigal.messages import from_wire


def event(**event: Any) -> Message:
    return StreamEvent("u", "s", event)


def said(message_id: str, *content: dict[str, Any], parent: str | None = None) -> Message:
    message = {"id": message_id, "model": "m", "content": list(content)}
    return from_wire({"type": "assistant", "message": message, "parent_tool_use_id": parent, "agent_id": parent}, "")


def streamed(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[Message]:
    return [
        event(type="content_block_start", index=index, content_block=start),
        *(event(type="content_block_delta", index=index, delta=delta) for delta in deltas),
        event(type="content_block_stop", index=index),
    ]


START = event(type="message_start", message={"id": "m", "content": []})


def test_each_block_comes_out_once() -> None:
    thinking = {"type": "thinking", "thinking": "let me see", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "t", "name": "Read", "input": {"a": [1]}}
    messages = [
        START,
        *streamed(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "let me "},
            {"type": "thinking_delta", "thinking": "see"},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        said("m", thinking),
        *streamed(
            1,
            {"type": "tool_use", "id": "t", "name": "Read", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": "[1]}"},
        ),
        said("m", call),
    ]
    blocks = Accumulator()
    assert [complete for message in messages for complete in blocks.add(message)] == [
        CompleteBlock(ThinkingBlock("let me see", "c2ln"), "m"),
        CompleteBlock(ToolUseBlock("t", "Read", {"a": [1]}), "m"),
    ]


def test_a_block_that_is_said_before_its_last_piece_comes_out_once() -> None:
    blocks = Accumulator()
    *pieces, stop = streamed(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "a"})
    complete = [found for message in (START, *pieces) for found in blocks.add(message)]
    assert blocks.text() == "a"
    assert blocks.growing() == [TextBlock("a")]
    complete += blocks.add(said("m", {"type": "text", "text": "a"}))
    complete += blocks.add(stop)
    assert complete == [CompleteBlock(TextBlock("a"), "m")]
    assert blocks.text() == ""


def test_subagents_are_kept_apart() -> None:
    blocks = Accumulator()
    for message in (START, *streamed(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "main"})[:-1]):
        blocks.add(message)
    inner = blocks.add(said("m2", {"type": "text", "text": "inner"}, parent="toolu_1"))
    assert inner == [CompleteBlock(TextBlock("inner"), "m2", "toolu_1", "toolu_1")]
    assert (blocks.text(), blocks.text("toolu_1")) == ("main", "")


def test_what_is_cut_short_or_abandoned_does_not_come_out() -> None:
    blocks = Accumulator()
    delta = event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "begun late"})
    blocks.add(delta)
    assert blocks.text() == "begun late"
    blocks.add(StreamEvent("u", "s", {"type": "ping"}, abandoned_blocks={"from_block_index": 0}))
    assert blocks.text() == ""
    blocks.add(delta)
    blocks.add(from_wire({"type": "result", "subtype": "error_during_execution", "is_error": True}, ""))
    assert blocks.growing() == []


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_gives_the_same_text(seed: int) -> None:
    dice = random.Random(seed)
    pieces = ["".join(dice.choices('aä✓😀"\\\n', k=dice.randrange(9))) for _ in range(dice.randrange(20))]
    blocks = Accumulator()
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    complete = [
        found for message in streamed(0, {"type": "text", "text": ""}, *deltas) for found in blocks.add(message)
    ]
    assert complete == [CompleteBlock(TextBlock("".join(pieces)), "")]
