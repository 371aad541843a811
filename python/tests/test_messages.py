"""Messages: the official classes and fields, the same whichever way they were made, and nothing lost."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

import pytest

import madrigal
from madrigal import _native
from madrigal.messages import from_wire

TEXTS = ["", "a", "key", "type", 'quote " and \\ and \n', "ä✓", "😀" * 3, "x" * 100, "\x00", "/"]


def some_json(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.randrange(9 if depth < 5 else 7)
    if kind == 7:
        return [some_json(dice, depth + 1) for _ in range(dice.randrange(5))]
    if kind == 8:
        return {dice.choice(TEXTS): some_json(dice, depth + 1) for _ in range(dice.randrange(5))}
    return [
        None,
        True,
        False,
        dice.randint(-(2**63), 2**64 - 1),
        dice.uniform(-1e9, 1e9),
        dice.choice(TEXTS),
        1e300,
    ][kind]


@pytest.mark.parametrize("seed", range(40))
def test_the_engine_builds_the_objects_that_json_builds(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(50):
        text = json.dumps(some_json(dice), ensure_ascii=dice.random() < 0.5)
        ours, theirs = _native.loads(text), json.loads(text)
        assert ours == theirs
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("text", [r'"\ud83d"', "[" * 500 + "]" * 500, '{"a":1,"a":2}', "-0.0", "1e400"])
def test_what_json_takes_is_taken(text: str) -> None:
    assert repr(_native.loads(text)) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", '{"a":}', "[1,]", "nul", '{"a":1} x'])
def test_what_json_refuses_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        _native.loads(text)


def build(**frame: Any) -> madrigal.Message:
    return from_wire(frame, json.dumps(frame))


def test_blocks_have_the_official_classes() -> None:
    message = build(
        type="assistant",
        message={
            "id": "msg_1",
            "model": "m",
            "stop_reason": None,
            "usage": {"output_tokens": 1},
            "content": [
                {"type": "text", "text": "a"},
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}},
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [{"type": "text", "text": "x"}],
                    "is_error": False,
                },
                {"type": "image", "source": {"type": "base64", "data": "AA=="}},
                {"type": "text"},
                "what",
                {"type": "text", "text": "b"},
            ],
        },
        uuid="u",
        session_id="s",
        parent_tool_use_id=None,
    )
    assert isinstance(message, madrigal.AssistantMessage)
    assert message.content == [
        madrigal.TextBlock("a"),
        madrigal.ThinkingBlock("hm", "s"),
        madrigal.ToolUseBlock("t", "Bash", {"command": "ls"}),
        madrigal.ToolResultBlock("t", [{"type": "text", "text": "x"}], False),
        madrigal.UnknownBlock("image", {"type": "image", "source": {"type": "base64", "data": "AA=="}}),
        madrigal.UnknownBlock("text", {"type": "text"}),
        madrigal.UnknownBlock("", {"value": "what"}),
        madrigal.TextBlock("b"),
    ]
    assert (message.text, message.message_id, message.model, message.uuid) == ("ab", "msg_1", "m", "u")


def test_a_result_has_its_fields() -> None:
    message = build(
        type="result",
        subtype="success",
        is_error=True,
        result="API Error",
        duration_ms=5,
        num_turns=1,
        session_id="s",
        total_cost_usd=0.5,
        modelUsage={"m": {"costUSD": 0.5}},
        deferred_tool_use={"id": "t", "name": "Bash", "input": {}},
        errors=["e"],
        api_error_status=529,
    )
    assert isinstance(message, madrigal.ResultMessage)
    assert (message.is_error, message.subtype, message.text) == (True, "success", "API Error")
    assert message.model_usage == {"m": {"costUSD": 0.5}}
    assert message.deferred_tool_use == madrigal.DeferredToolUse("t", "Bash", {})
    assert (message.errors, message.api_error_status, message.total_cost_usd) == (["e"], 529, 0.5)


def test_a_rate_limit_event_has_its_fields() -> None:
    message = build(
        type="rate_limit_event",
        rate_limit_info={"status": "allowed", "resetsAt": 5},
        uuid="u",
        session_id="s",
    )
    assert isinstance(message, madrigal.RateLimitEvent)
    assert (message.rate_limit_info.status, message.rate_limit_info.resets_at) == ("allowed", 5)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "from_the_future", "x": [1]},
        {"type": "assistant"},
        {"type": "assistant", "message": "text"},
        {"type": "assistant", "message": {"content": 5}},
        {"type": "user", "message": {}},
        {"type": "result"},
        {"type": "system"},
        {"type": "stream_event"},
        {"type": "rate_limit_event", "rate_limit_info": None},
    ],
    ids=json.dumps,
)
def test_a_frame_that_is_not_understood_is_kept(frame: dict[str, Any]) -> None:
    message = build(**frame)
    assert message == madrigal.UnknownMessage(frame["type"], frame)
    assert json.loads(message.raw) == frame


def test_messages_are_plain_dataclasses() -> None:
    one, other = (madrigal.StreamEvent("u", "s", {"type": "ping"}, raw=raw) for raw in ("a", "b"))
    assert one == other
    assert "raw" not in repr(one)
    assert dataclasses.replace(one, uuid="v").uuid == "v"
    assert one.text == ""


# Every class of `claude_agent_sdk` 0.2.187 that is here has its fields, in its order; ours come after.
OFFICIAL = {
    "UserMessage": "content uuid parent_tool_use_id tool_use_result origin",
    "AssistantMessage": "content model parent_tool_use_id error usage message_id stop_reason session_id uuid "
    "user_message_uuid user_message_uuids",
    "SystemMessage": "subtype data",
    "ResultMessage": "subtype duration_ms duration_api_ms is_error num_turns session_id stop_reason total_cost_usd "
    "usage result structured_output model_usage permission_denials deferred_tool_use errors api_error_status uuid "
    "terminal_reason origin user_message_uuid user_message_uuids",
    "DeferredToolUse": "id name input",
    "RateLimitEvent": "rate_limit_info uuid session_id",
    "RateLimitInfo": "status resets_at rate_limit_type utilization overage_status overage_resets_at "
    "overage_disabled_reason raw",
    "StreamEvent": "uuid session_id event parent_tool_use_id user_message_uuid user_message_uuids",
    "TextBlock": "text",
    "ThinkingBlock": "thinking signature",
    "ToolUseBlock": "id name input",
    "ToolResultBlock": "tool_use_id content is_error",
    "ToolPermissionContext": "signal suggestions tool_use_id agent_id blocked_path decision_reason title display_name "
    "description",
    "PermissionResultAllow": "behavior updated_input updated_permissions",
    "PermissionResultDeny": "behavior message interrupt",
    "PermissionUpdate": "type rules behavior mode directories destination",
    "PermissionRuleValue": "tool_name rule_content",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_fields(name: str) -> None:
    official = OFFICIAL[name].split()
    ours = [field.name for field in dataclasses.fields(getattr(madrigal, name))]
    assert ours[: len(official)] == official
    assert set(ours[len(official) :]) <= {"raw"}
