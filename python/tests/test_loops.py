"""Event loops that end, that are not the right one, or that are not there."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from typing import Any

import pytest
import trio
from conftest import Play, alive

from madrigal import ClaudeSDKClient, ClosedError, InvalidArgumentError, MadrigalError, ResultMessage, query

TURNS: list[dict[str, Any]] = [{"loop": [{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]}]
LIMIT = 30


def wait_until_gone(pid: int | None) -> None:
    assert pid is not None
    deadline = time.monotonic() + LIMIT
    while alive(pid):
        assert time.monotonic() < deadline, "the process is still there"
        time.sleep(0.01)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_loop_that_ends_ends_its_sessions(play: Play, library: str) -> None:
    client = ClaudeSDKClient(play(*TURNS))

    async def main() -> int | None:
        await client.connect()
        return client.pid

    pid = asyncio.run(main()) if library == "asyncio" else trio.run(main)
    wait_until_gone(pid)
    with pytest.raises(ClosedError, match="event loop that this session belongs to is closed"):
        asyncio.run(client.interrupt())
    with pytest.raises(ClosedError, match="event loop"):
        trio.run(client.query, "x")
    asyncio.run(client.disconnect())


def test_a_loop_that_is_closed_without_a_word(play: Play) -> None:
    loop = asyncio.new_event_loop()
    client = ClaudeSDKClient(play(*TURNS))
    loop.run_until_complete(client.connect())
    pid = client.pid
    loop.close()
    with pytest.raises(ClosedError, match="is closed"):
        asyncio.run(client.query("x"))
    wait_until_gone(pid)

    # Nor does a loop stay in memory when nobody uses its sessions any more.
    reference = weakref.ref(loop)
    del loop, client

    async def another() -> None:
        async with ClaudeSDKClient(play(*TURNS)):
            pass

    asyncio.run(another())
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_another_loop_is_refused(play: Play, first: str) -> None:
    client = ClaudeSDKClient(play(*TURNS))
    connected, done = threading.Event(), threading.Event()

    async def hold_asyncio() -> None:
        async with client:
            connected.set()
            await asyncio.to_thread(done.wait)

    async def hold_trio() -> None:
        async with client:
            connected.set()
            await trio.to_thread.run_sync(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(hold_asyncio()) if first == "asyncio" else trio.run(hold_trio))
    thread.start()
    assert connected.wait(LIMIT)
    try:
        with pytest.raises(ClosedError, match="another event loop"):
            asyncio.run(client.query("x"))
    finally:
        done.set()
        thread.join()


def test_loops_in_threads_do_not_disturb_each_other(play: Play) -> None:
    options = play(*TURNS)
    counts: list[int] = []

    async def ask() -> int:
        return [type(message) async for message in query(prompt="x", options=options)].count(ResultMessage)

    def work(library: str) -> None:
        for _ in range(3):
            counts.append(asyncio.run(ask()) if library == "asyncio" else trio.run(ask))

    threads = [threading.Thread(target=work, args=(library,)) for library in ("asyncio", "trio") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1] * 12


def test_no_loop_is_said_to_be_missing(play: Play) -> None:
    step = ClaudeSDKClient(play(*TURNS)).connect()
    with pytest.raises(InvalidArgumentError, match="no event loop is running"):
        step.send(None)


def test_a_result_nobody_waits_for_is_harmless(play: Play) -> None:
    async def main() -> None:
        async with ClaudeSDKClient(play(*TURNS)) as client:
            for _ in range(20):
                task = asyncio.create_task(client.control("mcp_status"))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await client.get_mcp_status() == {"mcpServers": []}

    asyncio.run(main())


def test_requests_that_are_open_when_the_session_is_closed_fail(play: Play) -> None:
    async def main() -> None:
        stuck: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"emit": {"type": "stuck"}}, {"hang": True}]
        client = ClaudeSDKClient(play(*stuck))
        await client.connect("hi")
        async for message in client.receive_messages():
            if "stuck" in message.raw:
                break
        task = asyncio.create_task(client.control("mcp_status"))
        await asyncio.sleep(0)
        await client.__aexit__(KeyError, KeyError(), None)
        with pytest.raises(MadrigalError):
            await task

    asyncio.run(main())
