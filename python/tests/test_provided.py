"""What a program provides: hooks, tools, elicitation and dialogs, under asyncio and under trio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, TypedDict

import anyio
import pytest
from conftest import Play, Run, unknown

import madrigal
from madrigal import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    HookMatcher,
    InvalidArgumentError,
    InvalidOptionsError,
    create_sdk_mcp_server,
    tool,
    tool_context,
)
from madrigal._schema import input_schema

PROMPT: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"init": {}}]


def request(number: int, **request: Any) -> dict[str, Any]:
    return {"emit": {"type": "control_request", "request_id": f"r{number}", "request": request}}


def answered(number: int) -> list[dict[str, Any]]:
    """Waits for the answer and shows it as a message."""
    return [
        {"await": {"type": "control_response", "response": {"request_id": f"r{number}"}}, "save": f"a{number}"},
        {"emit": {"type": "answered", "response": f"$a{number}.response"}},
    ]


def hooked(number: int, name: str = "h1", **data: Any) -> list[dict[str, Any]]:
    given = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "rm"}, **data}
    asked = request(number, subtype="hook_callback", callback_id=name, input=given, tool_use_id="t1")
    return [asked, *answered(number)]


def called(number: int, name: str, arguments: dict[str, Any], **meta: Any) -> dict[str, Any]:
    message = {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments, "_meta": meta},
    }
    return request(number, subtype="mcp_message", server_name="calc", message=message)


async def answers(stream: AsyncIterator[madrigal.Message]) -> dict[str, Any]:
    response: dict[str, Any] = (await unknown(stream, "answered"))["response"]
    return response


def test_a_hook_is_told_and_answers(run: Run, play: Play) -> None:
    told: list[Any] = []

    async def hook(data: Any, tool_use_id: str | None, context: madrigal.HookContext) -> Any:
        told.append((data, tool_use_id, context))
        return {"continue_": False, "stopReason": "no"}

    async def quiet(*_: Any) -> Any:
        return None

    steps = [{"await": {"type": "control_request", "request": {"subtype": "initialize"}}, "save": "init"}]
    show = [{"emit": {"type": "hooks", "hooks": "$init.request.hooks"}}]
    hooks: Any = {"PreToolUse": [HookMatcher("Bash", [hook, quiet], timeout=1.5, on_failure="block")]}

    async def main() -> None:
        told.clear()
        options = play(*steps, *PROMPT, *show, *hooked(1), *hooked(2, "h2"), {"result": {}}, hooks=hooks)
        async with ClaudeSDKClient(options) as client:
            await client.query("hi")
            stream = client.receive_messages()
            (matcher,) = (await unknown(stream, "hooks"))["hooks"]["PreToolUse"]
            assert (matcher["matcher"], matcher["timeout"], matcher["onFailure"]) == ("Bash", 1.5, "block")
            assert len(matcher["hookCallbackIds"]) == 2
            assert (await answers(stream))["response"] == {"continue": False, "stopReason": "no"}
            assert (await answers(stream))["response"] == {}
        ((data, tool_use_id, context),) = told
        assert (data["tool_name"], tool_use_id, context) == ("Bash", "t1", {"signal": None})

    run(main)


def test_what_a_hook_raises_reaches_the_reader(run: Run, play: Play) -> None:
    class OwnError(Exception):
        pass

    async def hook(*_: Any) -> Any:
        raise OwnError("mine")

    async def wrong(*_: Any) -> Any:
        return "yes"

    async def main() -> None:
        hooks: Any = {"PreToolUse": [HookMatcher(hooks=[hook, wrong])]}
        async with ClaudeSDKClient(play(*PROMPT, *hooked(1), *hooked(2, "h2"), {"result": {}}, hooks=hooks)) as client:
            await client.query("hi")
            stream = client.receive_messages()
            with pytest.raises(OwnError, match="mine"):
                await answers(stream)
            assert "mine" in (await answers(stream))["error"]
            with pytest.raises(TypeError, match="a hook must return a dict or None, not str"):
                await answers(stream)

    run(main)


@tool("add", "Adds two numbers", {"a": float, "b": float}, madrigal.ToolAnnotations(readOnlyHint=True))
async def add(arguments: dict[str, Any]) -> dict[str, Any]:
    total = arguments["a"] + arguments["b"]
    return {"content": [{"type": "text", "text": str(total)}], "structured_content": {"sum": total}}


@tool("boom", "Fails", {})
async def boom(arguments: Any) -> dict[str, Any]:
    raise ValueError("no such number")


@tool("count", "Counts", {"to": int})
async def count(arguments: Any) -> dict[str, Any]:
    context = tool_context()
    assert (context.server, context.tool, context.meta["claudecode/toolUseId"]) == ("calc", "count", "t1")
    context.report_progress(1, arguments["to"], "one")
    return {"content": [], "is_error": True}


def calc(*tools: Any) -> dict[str, Any]:
    return {"mcp_servers": {"calc": create_sdk_mcp_server("calculator", "2.0.0", tools, instructions="Adds.")}}


def test_a_tool_is_a_function(run: Run, play: Play) -> None:
    async def main() -> None:
        steps = [called(7, "add", {"a": 1, "b": 2}), *answered(7), called(8, "boom", {}), *answered(8)]
        async with ClaudeSDKClient(play(*PROMPT, *steps, {"result": {}}, **calc(add, boom))) as client:
            await client.query("hi")
            stream = client.receive_messages()
            reply = (await answers(stream))["response"]["mcp_response"]
            assert reply["id"] == 7
            assert reply["result"]["content"] == [{"type": "text", "text": "3"}]
            assert reply["result"]["structuredContent"] == {"sum": 3}
            # The model reads it; the reader of the stream does not.
            result = (await answers(stream))["response"]["mcp_response"]["result"]
            assert result["isError"] is True
            assert "no such number" in result["content"][0]["text"]

    run(main)


def test_a_tool_tells_its_progress(run: Run, play: Play) -> None:
    async def main() -> None:
        asked = called(7, "count", {"to": 2}, progressToken="p", **{"claudecode/toolUseId": "t1"})
        told: dict[str, Any] = {
            "await": {"type": "control_request", "request": {"subtype": "mcp_message"}},
            "save": "told",
        }
        show = {"emit": {"type": "told", "message": "$told.request.message"}}
        async with ClaudeSDKClient(play(*PROMPT, asked, told, show, *answered(7), **calc(count))) as client:
            await client.query("hi")
            stream = client.receive_messages()
            message = (await unknown(stream, "told"))["message"]
            assert message["method"] == "notifications/progress"
            expected = {"progressToken": "p", "progress": 1, "total": 2, "message": "one"}
            assert message["params"] == expected
            assert (await answers(stream))["response"]["mcp_response"]["result"]["isError"] is True

    run(main)


def test_tools_are_replaced(run: Run, play: Play) -> None:
    async def main() -> None:
        told: dict[str, Any] = {
            "await": {"type": "control_request", "request": {"subtype": "mcp_message"}},
            "save": "told",
        }
        acknowledged = {
            "emit": {
                "type": "control_response",
                "response": {"subtype": "success", "request_id": "$told.request_id"},
            }
        }
        steps = [told, acknowledged, *PROMPT, called(7, "boom", {}), *answered(7)]
        async with ClaudeSDKClient(play(*steps, **calc(add))) as client:
            await client.set_tools("calc", [boom])
            await client.query("hi")
            result = (await answers(client.receive_messages()))["response"]["mcp_response"]["result"]
            assert "no such number" in result["content"][0]["text"]
            with pytest.raises(madrigal.MadrigalError):
                await client.set_tools("nobody", [boom])

    run(main)


def test_questions_of_servers_and_dialogs_are_answered(run: Run, play: Play) -> None:
    async def on_elicitation(asked: Any) -> Any:
        assert asked["mcp_server_name"] == "s"
        return {"action": "accept", "content": {"name": "x"}}

    async def on_user_dialog(asked: Any) -> Any:
        return {"behavior": "completed", "result": asked["payload"]}

    async def main() -> None:
        steps = [
            request(1, subtype="elicitation", mcp_server_name="s", message="Your name?", mode="form"),
            *answered(1),
            request(2, subtype="request_user_dialog", dialog_kind="k", payload={"x": 1}),
            *answered(2),
        ]
        options = play(
            *PROMPT,
            *steps,
            on_elicitation=on_elicitation,
            on_user_dialog=on_user_dialog,
            supported_dialog_kinds=["k"],
        )
        async with ClaudeSDKClient(options) as client:
            await client.query("hi")
            stream = client.receive_messages()
            assert (await answers(stream))["response"] == {"action": "accept", "content": {"name": "x"}}
            assert (await answers(stream))["response"] == {"behavior": "completed", "result": {"x": 1}}

    run(main)


def test_a_hook_that_is_no_longer_wanted_is_cancelled(run: Run, play: Play) -> None:
    async def main() -> None:
        cancelled = anyio.Event()

        async def hook(*_: Any) -> Any:
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.set()

        asked = request(1, subtype="hook_callback", callback_id="h1", input={}, tool_use_id="t1")
        withdrawn = {"emit": {"type": "control_cancel_request", "request_id": "r1"}}
        hooks: Any = {"Stop": [HookMatcher(hooks=[hook])]}
        async with ClaudeSDKClient(play(*PROMPT, asked, withdrawn, {"result": {}}, hooks=hooks)) as client:
            await client.query("hi")
            await cancelled.wait()

    run(main)


class Unit(TypedDict):
    name: Literal["km", "mi"]


class _Needed(TypedDict):
    distance: Annotated[float, "How far"]


class Trip(_Needed, total=False):
    unit: Unit
    stops: list[str] | None


def test_schemas_of_types() -> None:
    assert input_schema({}) == {"type": "object", "properties": {}}
    assert input_schema({"type": str, "tags": dict[str, int]}) == {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["type", "tags"],
    }
    assert input_schema(Trip) == {
        "type": "object",
        "properties": {
            "distance": {"type": "number", "description": "How far"},
            "unit": {"type": "object", "properties": {"name": {"enum": ["km", "mi"]}}, "required": ["name"]},
            "stops": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        },
        "required": ["distance"],
    }


@pytest.mark.parametrize("schema", [5, int, {"a": object()}, {"a": "word"}])
def test_a_schema_that_is_none_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="input_schema"):
        tool("t", "", schema)


def test_descriptions_of_tools() -> None:
    @tool(
        "find",
        "Finds",
        {"q": str},
        madrigal.ToolAnnotations(title="Find", maxResultSizeChars=5),
        search_hint="look",
        always_load=True,
        meta={"x": 1},
    )
    async def find(arguments: Any) -> dict[str, Any]:
        return {}

    described = find.to_dict()
    assert described["annotations"] == {"title": "Find"}
    assert described["_meta"] == {
        "x": 1,
        "anthropic/searchHint": "look",
        "anthropic/alwaysLoad": True,
        "anthropic/maxResultSizeChars": 5,
    }


def test_outside_of_a_tool_there_is_no_context() -> None:
    with pytest.raises(InvalidArgumentError, match="no tool function runs here"):
        tool_context()


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("hooks.Stop[0]", {"hooks": {"Stop": ["x"]}}),
        ("hooks.Stop[0].hooks", {"hooks": {"Stop": [HookMatcher(hooks=["x"])]}}),  # type: ignore[list-item]
        ("hooks.Stop[0].timeout", {"hooks": {"Stop": [HookMatcher(hooks=[print], timeout=0)]}}),  # type: ignore[list-item]
        ("mcp_servers.s.instance", {"mcp_servers": {"s": {"type": "sdk", "name": "s", "instance": 5}}}),
    ],
)
def test_what_cannot_be_provided_is_named(path: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionsError) as caught:
        ClaudeAgentOptions(**given).to_request()
    assert caught.value.context["field"] == path
