"""What a program sees of a query and of a conversation, under asyncio and under trio."""

from __future__ import annotations

import contextvars
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from conftest import Play, Run, alive, unknown

import madrigal
from madrigal import (
    ClaudeSDKClient,
    ClosedError,
    ControlError,
    PermissionResultAllow,
    PermissionResultDeny,
    ResultMessage,
    _log,
    _native,
    query,
)

TURN: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "4"}}, {"result": {}}]
TURNS: list[dict[str, Any]] = [{"loop": TURN}]
ENDLESS: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"init": {}}, {"pause_ms": 600_000}]
ASK: list[dict[str, Any]] = [
    {"await": {"type": "user"}},
    {"init": {}},
    {
        "emit": {
            "type": "control_request",
            "request_id": "r1",
            "request": {
                "subtype": "can_use_tool",
                "tool_name": "Bash",
                "input": {"command": "ls"},
                "tool_use_id": "t1",
            },
        }
    },
    {"await": {"type": "control_response"}, "save": "answer"},
    {"emit": {"type": "answered", "answer": "$answer.response.response"}},
    {"result": {}},
]


async def gone(pid: int | None) -> None:
    assert pid is not None
    while alive(pid):
        await anyio.sleep(0.01)


def forget(things: list[Any]) -> None:
    things.clear()
    gc.collect()


def test_a_query_yields_its_messages(run: Run, play: Play) -> None:
    async def main() -> None:
        messages = [message async for message in query(prompt="2 + 2?", options=play(*TURN))]
        messages = [message for message in messages if not isinstance(message, madrigal.CommandLifecycleMessage)]
        assert [type(message).__name__ for message in messages] == [
            "InitMessage",
            "AssistantMessage",
            "ResultMessage",
        ]
        assert messages[1].text == "4"
        assert messages[1].raw.startswith("{")

    run(main)


def test_prompts_may_come_one_by_one(run: Run, play: Play) -> None:
    async def prompts() -> AsyncIterator[dict[str, Any]]:
        for text in ("one", "two"):
            yield {"type": "user", "message": {"role": "user", "content": text}}

    echo = [
        {"await": {"type": "user"}, "save": "one"},
        {"await": {"type": "user"}, "save": "two"},
        {"emit": {"type": "heard", "texts": ["$one.message.content", "$two.message.content"]}},
        {"result": {}},
    ]

    async def main() -> None:
        async with aclosing(query(prompt=prompts(), options=play(*echo))) as stream:
            assert (await unknown(stream, "heard"))["texts"] == ["one", "two"]
        async with ClaudeSDKClient(play(*echo)) as client:
            await client.query(prompts())
            assert (await unknown(client.receive_response(), "heard"))["texts"] == ["one", "two"]
        async with ClaudeSDKClient(play(*echo)) as client:
            await client.disconnect()
            await client.connect(prompts())
            assert (await unknown(client.receive_response(), "heard"))["texts"] == ["one", "two"]

    run(main)


def test_an_exception_of_the_prompts_reaches_the_reader(run: Run, play: Play) -> None:
    class Broken(Exception):
        pass

    problem = Broken()

    async def prompts() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "user", "message": {"role": "user", "content": "one"}}
        raise problem

    async def main() -> None:
        with pytest.raises(Broken) as caught:
            async for _ in query(prompt=prompts(), options=play(*ENDLESS)):
                pass
        assert caught.value is problem

    run(main)


def test_a_prompt_that_is_none_is_refused(run: Run, play: Play) -> None:
    async def main() -> None:
        for wrong in (5, ["a"], None):
            with pytest.raises(madrigal.InvalidArgumentError):
                async for _ in query(prompt=wrong, options=play(*TURN)):  # type: ignore[arg-type]
                    pass

    run(main)


STARTED: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"emit": {"type": "started", "pid": "$pid"}}, *ENDLESS]


def test_a_query_that_is_left_ends_its_process(run: Run, play: Play) -> None:
    async def main() -> None:
        async for message in query(prompt="hi", options=play(*STARTED)):
            if isinstance(message, madrigal.UnknownMessage) and message.type == "started":
                pid = message.data["pid"]
                break
        await gone(pid)
        async with aclosing(query(prompt="hi", options=play(*STARTED))) as stream:
            pid = (await unknown(stream, "started"))["pid"]
        await gone(pid)

    run(main)


def test_a_query_that_is_forgotten_in_a_cycle_ends_its_process(run: Run, play: Play) -> None:
    async def main() -> None:
        stream = query(prompt="hi", options=play(*STARTED))
        pid = (await unknown(stream, "started"))["pid"]
        cycle: list[Any] = [stream]
        cycle.append(cycle)
        del stream, cycle
        gc.collect()
        await gone(pid)

    run(main)


def test_a_query_whose_task_is_cancelled_ends_its_process(run: Run, play: Play) -> None:
    async def main() -> None:
        pids: list[int] = []

        async def read() -> None:
            stream = query(prompt="hi", options=play(*STARTED))
            pids.append((await unknown(stream, "started"))["pid"])
            started.set()
            await anext(stream)

        started = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await started.wait()
            tasks.cancel_scope.cancel()
        await gone(pids[0])

    run(main)


def test_a_client_that_is_left_by_an_exception_ends_its_process(run: Run, play: Play) -> None:
    async def main() -> None:
        pids: list[int | None] = []

        async def leave() -> None:
            async with ClaudeSDKClient(play(*ENDLESS)) as client:
                pids.append(client.pid)
                await client.query("hi")
                raise KeyError

        with pytest.raises(KeyError):
            await leave()
        await gone(pids[0])
        with anyio.CancelScope() as scope:
            async with ClaudeSDKClient(play(*ENDLESS)) as client:
                pids.append(client.pid)
                scope.cancel()
                await anyio.sleep_forever()
        await gone(pids[1])

    run(main)


def test_two_turns_of_one_client(run: Run, play: Play) -> None:
    async def main() -> None:
        async with ClaudeSDKClient(play(*TURNS)) as client:
            for _ in range(2):
                uuid = await client.query("2 + 2?")
                messages = [message async for message in client.receive_response()]
                assert isinstance(messages[-1], ResultMessage)
                assert messages[-1].user_message_uuids == [uuid]
            await client.finish()
            rest = [message async for message in client.receive_messages()]
            assert all(isinstance(message, madrigal.CommandLifecycleMessage) for message in rest)
        assert client.pid is None

    run(main)


def test_control_requests(run: Run, play: Play) -> None:
    async def main() -> None:
        async with ClaudeSDKClient(play(*TURNS)) as client:
            info = await client.get_server_info()
            assert info is not None
            assert info["pid"] == client.pid
            assert await client.get_mcp_status() == {"mcpServers": []}
            assert (await client.get_context_usage())["totalTokens"] > 0
            assert await client.control("set_model", model="opus") == {"model": "opus"}
            assert await client.interrupt() == {"still_queued": []}
            await client.set_model("opus")
            await client.set_permission_mode("plan")
            assert (await client.set_mcp_servers({"x": {"command": "true"}}))["added"] == ["x"]
            await client.toggle_mcp_server("x", enabled=True)
            await client.reconnect_mcp_server("x")
            await client.stop_task("t")
            with pytest.raises(ControlError, match="permission mode"):
                await client.set_permission_mode("yolo")  # type: ignore[arg-type]
            with pytest.raises(ControlError):
                await client.rewind_files("u")
            with pytest.raises(madrigal.InvalidArgumentError):
                await client.control("set_model", model=object())

    run(main)


def test_use_when_it_is_not_connected(run: Run, play: Play) -> None:
    async def main() -> None:
        client = ClaudeSDKClient(play(*TURNS))
        for use in (client.interrupt, client.get_server_info, lambda: client.query("x"), client.finish):
            with pytest.raises(ClosedError, match="not connected"):
                await use()
        with pytest.raises(ClosedError, match="not connected"):
            client.receive_messages()
        await client.disconnect()
        await client.connect("hi")
        with pytest.raises(ClosedError, match="already connected"):
            await client.connect()
        stream = client.receive_messages()
        await client.disconnect()
        await client.disconnect()
        assert [message async for message in stream] == []
        with pytest.raises(ClosedError, match="not connected"):
            await client.interrupt()
        await client.connect()
        await client.disconnect()

    run(main)


def test_a_program_that_is_not_there(run: Run, play: Play) -> None:
    options = play()
    options.cli_path = "/nowhere/claude"

    async def main() -> None:
        with pytest.raises(madrigal.CLINotFoundError, match="/nowhere/claude"):
            async with ClaudeSDKClient(options):
                pass
        with pytest.raises(madrigal.CLINotFoundError):
            async for _ in query(prompt="hi", options=options):
                pass

    run(main)


def test_a_program_that_ends_before_it_is_ready(run: Run, play: Play) -> None:
    async def main() -> None:
        with pytest.raises(madrigal.ProcessExitedError) as caught:
            await ClaudeSDKClient(play({"stderr": "out of cheese\n"}, {"exit": 3}, initialize="manual")).connect()
        assert caught.value.exit_code == 3
        assert "out of cheese" in (caught.value.stderr or "")

    run(main)


def test_a_wait_that_is_cancelled_loses_nothing(run: Run, play: Play) -> None:
    count = 200
    flood: list[dict[str, Any]] = [
        {"await": {"type": "user"}},
        *[step for i in range(count) for step in ({"emit": {"type": "n", "n": i}}, {"pause_ms": 1})],
        {"result": {}},
    ]

    async def main() -> None:
        async with ClaudeSDKClient(play(*flood)) as client:
            await client.query("go")
            seen: list[int] = []
            stream = client.receive_messages()
            while len(seen) < count:
                with anyio.move_on_after(0):
                    seen.append((await unknown(stream, "n"))["n"])
            assert seen == list(range(count))

    run(main)


@pytest.mark.parametrize("sync", [False, True])
def test_a_question_is_answered(run: Run, play: Play, sync: bool) -> None:
    asked: list[Any] = []

    def decide(name: str, tool_input: dict[str, Any], context: madrigal.ToolPermissionContext) -> Any:
        asked.append((name, tool_input, context.tool_use_id))
        return PermissionResultAllow(
            updated_input={"command": "ls -l"},
            updated_permissions=[madrigal.PermissionUpdate("setMode", mode="plan")],
        )

    async def decide_later(*question: Any) -> Any:
        await anyio.sleep(0)
        return decide(*question)

    async def main() -> None:
        options = play(*ASK, can_use_tool=decide if sync else decide_later)
        async with aclosing(query(prompt="hi", options=options)) as stream:
            answered = await unknown(stream, "answered")
        assert answered["answer"] == {
            "behavior": "allow",
            "updatedInput": {"command": "ls -l"},
            "updatedPermissions": [{"type": "setMode", "mode": "plan", "destination": "session"}],
        }
        assert asked == [("Bash", {"command": "ls"}, "t1")]

    run(main)


def test_an_exception_of_the_callback_reaches_the_reader(run: Run, play: Play) -> None:
    class Boom(Exception):
        pass

    problem = Boom("no idea")

    async def fail(*_: Any) -> Any:
        raise problem

    async def main() -> None:
        async with ClaudeSDKClient(play(*ASK, can_use_tool=fail)) as client:
            await client.query("hi")
            with pytest.raises(Boom) as caught:
                async for _ in client.receive_response():
                    pass
            assert caught.value is problem
            assert caught.value.__cause__ is None
            assert caught.value.__context__ is None
            # The session lives, and the program was told no.
            denied = await unknown(client.receive_response(), "answered")
            assert denied["answer"] == {"behavior": "deny", "message": "no idea"}

    run(main)


@pytest.mark.parametrize("answer", [None, {"behavior": "allow"}, PermissionResultDeny(message=object())])  # type: ignore[arg-type]
def test_an_answer_that_is_none_is_a_failure(run: Run, play: Play, answer: Any) -> None:
    async def decide(*_: Any) -> Any:
        return answer

    async def main() -> None:
        with pytest.raises((TypeError, madrigal.InvalidArgumentError)):
            async for _ in query(prompt="hi", options=play(*ASK, can_use_tool=decide)):
                pass

    run(main)


def test_questions_do_not_wait_behind_unread_messages(run: Run, play: Play) -> None:
    flood: list[dict[str, Any]] = [
        {"await": {"type": "user"}},
        {"flood": {"count": 20_000, "frame": {"type": "n", "n": "$i"}}},
        *ASK[2:],
    ]

    async def main() -> None:
        answered = anyio.Event()

        async def decide(*_: Any) -> Any:
            answered.set()
            return PermissionResultAllow()

        async with ClaudeSDKClient(play(*flood, can_use_tool=decide)) as client:
            await client.query("hi")
            # Nobody reads.
            await answered.wait()
            assert await client.get_mcp_status() == {"mcpServers": []}
            count = 0
            async for message in client.receive_response():
                count += isinstance(message, madrigal.UnknownMessage) and message.type == "n"
            assert count == 20_000

    run(main)


def test_functions_run_in_the_context_of_who_opened(run: Run, play: Play) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    async def decide(*_: Any) -> Any:
        seen.append(who.get())
        return PermissionResultAllow()

    async def ask(name: str) -> None:
        who.set(name)
        options = play({"stderr": "x\n"}, *ASK, can_use_tool=decide, stderr=lambda _: seen.append(who.get()))
        async for _ in query(prompt="hi", options=options):
            pass

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "a")
            tasks.start_soon(ask, "b")

    run(main)
    assert sorted(seen) == ["a", "a", "b", "b"]


def test_stderr_lines(run: Run, play: Play, caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        if line == "two":
            raise KeyError(line)

    async def main() -> None:
        async with ClaudeSDKClient(play({"stderr": "one\ntwo\nthree\n"}, *TURN, stderr=note)) as client:
            await client.query("hi")
            async for _ in client.receive_response():
                pass

    run(main)
    assert lines == ["one", "two", "three"]
    assert "stderr function" in caplog.text


def test_the_last_words_are_heard_before_the_end(run: Run, play: Play) -> None:
    lines: list[str] = []

    async def main() -> None:
        cli: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"stderr": "one\n"}, {"stderr": "two\n"}, {"exit": 3}]
        async with ClaudeSDKClient(play(*cli, stderr=lines.append)) as client:
            await client.query("hi")
            session = client._open()
            # The event loop does not run, so no wake comes: the end is seen by taking, as by a reader that is quicker.
            while session.end is None:
                session._drain()
            assert lines == ["one", "two"]

    run(main)


def test_log_lines_reach_logging(
    run: Run, play: Play, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[str] = []
    lines = [
        {"level": "debug", "target": "madrigal::x", "message": "started", "fields": {"pid": 5}},
        {"level": "warn", "target": "madrigal::x", "message": "late", "fields": {}, "dropped": 3},
    ]

    def set_log_level(level: str, inbox: Any) -> None:
        levels.append(level)

    monkeypatch.setattr(_native, "set_log_level", set_log_level)
    monkeypatch.setattr(_native, "logs", lambda: lines)

    async def main() -> None:
        for level in (logging.DEBUG, logging.WARNING, logging.CRITICAL):
            with caplog.at_level(level, logger="madrigal"):
                async with ClaudeSDKClient(play(*TURN)):
                    _log.forward()

    run(main)
    assert levels == ["debug", "warn", "off"]
    assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
        ("madrigal", logging.DEBUG, "started pid=5"),
        ("madrigal", logging.WARNING, "late (3 lines before this were dropped)"),
        ("madrigal", logging.WARNING, "late (3 lines before this were dropped)"),
    ]


def test_a_client_that_is_forgotten_ends_its_process(run: Run, play: Play) -> None:
    async def main() -> None:
        client = ClaudeSDKClient(play(*ENDLESS))
        await client.connect()
        pid = client.pid
        clients = [client]
        del client
        with pytest.warns(ResourceWarning, match="unclosed session"):
            forget(clients)
        await gone(pid)

    run(main)


def test_a_callback_that_hangs_does_not_keep_a_forgotten_client(run: Run, play: Play) -> None:
    async def main() -> None:
        asked = anyio.Event()

        async def hang(*_: Any) -> Any:
            asked.set()
            await anyio.sleep_forever()

        client = ClaudeSDKClient(play(*ASK, can_use_tool=hang))
        await client.connect("hi")
        await asked.wait()
        pid = client.pid
        clients = [client]
        del client
        with pytest.warns(ResourceWarning, match="unclosed session"):
            forget(clients)
        await gone(pid)

    run(main)


def test_many_at_once(run: Run, play: Play) -> None:
    options = play(*TURN)

    async def ask() -> None:
        texts = [message.text async for message in query(prompt="2 + 2?", options=options)]
        assert "".join(texts) == "44"

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(ask)

    run(main)


def test_a_function_that_is_never_asked_is_warned_about(run: Run, play: Play) -> None:
    async def can_use_tool(*_: Any) -> Any: ...

    async def main() -> None:
        for given in ({"permission_mode": "bypassPermissions"}, {"allowed_tools": ["Bash(ls)", "Read"]}):
            with pytest.warns(madrigal.CanUseToolShadowedWarning, match="can_use_tool is"):
                async with ClaudeSDKClient(play(*TURN, can_use_tool=can_use_tool, **given)):
                    pass
        async with ClaudeSDKClient(play(*TURN, can_use_tool=can_use_tool, allowed_tools=["Bash(ls)"])):
            pass

    run(main)
