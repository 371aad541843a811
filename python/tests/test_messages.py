"""Messages: the official classes and fields, the same whichever way they were made, and nothing lost."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import madrigal
from madrigal import _native
from madrigal.messages import from_wire
from madrigal.system_messages import SYSTEM_MESSAGES

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
                {"type": "search_result", "source": "s", "title": "t", "content": []},
                {"type": "tool_reference", "tool_name": "n"},
                {"type": "container_upload", "file_id": "f"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
                {"type": "mcp_tool_use", "id": "m", "name": "add", "server_name": "calc", "input": {}},
                {"type": "mcp_tool_result", "tool_use_id": "m", "content": "3", "is_error": False},
                {"type": "document", "source": {"type": "text", "data": "d"}, "title": "title"},
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
        madrigal.ImageBlock({"type": "base64", "data": "AA=="}),
        madrigal.SearchResultBlock("s", "t", []),
        madrigal.ToolReferenceBlock("n"),
        madrigal.ContainerUploadBlock("f"),
        madrigal.RedactedThinkingBlock("x"),
        madrigal.ServerToolUseBlock("s", "web_search", {"query": "q"}),
        madrigal.ServerToolResultBlock("s", [], "web_search_tool_result"),
        madrigal.McpToolUseBlock("m", "add", "calc", {}),
        madrigal.McpToolResultBlock("m", "3", False),
        madrigal.DocumentBlock({"type": "text", "data": "d"}, "title"),
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


@pytest.mark.parametrize("subtype", SYSTEM_MESSAGES)
def test_a_system_message_that_lacks_something_is_a_plain_one(subtype: str) -> None:
    frame = {"type": "system", "subtype": subtype}
    message = build(**frame)
    assert isinstance(message, madrigal.SystemMessage)
    assert (message.subtype, message.data, json.loads(message.raw), message.text) == (subtype, frame, frame, "")


RECORDINGS = sorted((ROOT / "tests" / "frames").glob("*.jsonl"))
CONTROL = {"control_request", "control_response", "control_cancel_request"}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_the_program_was_seen_to_say_has_classes(path: Path) -> None:
    frames = [json.loads(line) for line in path.read_text().splitlines()]
    said = [entry["frame"] for entry in frames if entry["dir"] == "out" and entry["frame"]["type"] not in CONTROL]
    messages = [build(**frame) for frame in said]
    assert len(messages) > 0
    for message, frame in zip(messages, said, strict=True):
        assert type(message) not in (madrigal.UnknownMessage, madrigal.SystemMessage), frame
        assert json.loads(message.raw) == frame
        blocks = getattr(message, "content", None)
        assert not isinstance(blocks, list) or not any(isinstance(block, madrigal.UnknownBlock) for block in blocks)


def test_a_task_is_followed_by_its_messages() -> None:
    ids = {"uuid": "u", "session_id": "s", "task_id": "t"}
    started = build(type="system", subtype="task_started", description="d", tool_use_id="x", **ids)
    assert isinstance(started, madrigal.TaskStartedMessage)
    assert (started.task_id, started.description, started.tool_use_id, started.task_type) == ("t", "d", "x", None)
    updated = build(type="system", subtype="task_updated", patch={"status": "completed"}, **ids)
    assert isinstance(updated, madrigal.TaskUpdatedMessage)
    assert updated.status in madrigal.TERMINAL_TASK_STATUSES
    assert updated.status == "completed"


def test_names_of_the_program_become_those_of_python() -> None:
    status = build(type="system", subtype="status", status=None, permissionMode="plan")
    assert isinstance(status, madrigal.StatusMessage)
    assert (status.status, status.permission_mode) == (None, "plan")
    said = build(type="system", subtype="notification", key="k", text="Look", priority="high")
    assert isinstance(said, madrigal.NotificationMessage)
    assert (said.content, said.text) == ("Look", "")
    hook = build(type="system", subtype="hook_response", hook_event="Stop", outcome="success")
    assert isinstance(hook, madrigal.HookEventMessage)
    assert (hook.hook_event_name, hook.outcome) == ("Stop", "success")


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
    "TaskStartedMessage": "subtype data task_id description uuid session_id tool_use_id task_type",
    "TaskProgressMessage": "subtype data task_id description usage uuid session_id tool_use_id last_tool_name",
    "TaskUpdatedMessage": "subtype data task_id patch status session_id uuid",
    "TaskNotificationMessage": "subtype data task_id status output_file summary uuid session_id tool_use_id usage",
    "HookEventMessage": "subtype data hook_event_name session_id uuid",
    "MirrorErrorMessage": "subtype data key error",
    "ConversationResetMessage": "new_conversation_id uuid session_id",
    "ServerToolUseBlock": "id name input",
    "ServerToolResultBlock": "tool_use_id content",
    "HookMatcher": "matcher hooks timeout on_failure",
    "SdkMcpTool": "name description input_schema handler annotations",
    "AgentDefinition": "description prompt tools disallowedTools model skills memory mcpServers initialPrompt maxTurns "
    "background effort permissionMode",
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
    fields = dataclasses.fields(getattr(madrigal, name))
    ours = [field.name for field in fields if not field.kw_only]
    assert ours[: len(official)] == official
    rest = [field for field in fields if field.name not in official]
    # What the official class does without may be left out here too.
    assert all(
        field.default is not dataclasses.MISSING for field in rest if field.default_factory is dataclasses.MISSING
    )
