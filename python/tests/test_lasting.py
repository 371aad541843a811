"""Event loops that come one after the other: what an auth manager and a rate limiter know goes with them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import pytest
import trio
from conftest import Play
from set_up import NOTHING, ONE, TWO

from madrigal import AuthManager, ClosedError, RateLimiter, ResultMessage, StoredToken, query


class Run(Protocol):
    def __call__(self, work: Callable[[], Awaitable[Any]]) -> Any: ...


def with_asyncio(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


def with_trio(work: Callable[[], Awaitable[Any]]) -> Any:
    return trio.run(work)


def without_a_word(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """As a library does that closes its loop and nothing else."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


LOOPS: list[Any] = [with_asyncio, with_trio, without_a_word]


class Safe:
    """A store that looks at the loop it is asked in."""

    def __init__(self) -> None:
        self.token: StoredToken | None = None

    async def load(self) -> StoredToken | None:
        return self.token

    async def save(self, token: StoredToken) -> None:
        self.token = token

    async def clear(self) -> None:
        self.token = None


@pytest.mark.parametrize("first", LOOPS)
@pytest.mark.parametrize("second", LOOPS)
def test_a_manager_goes_on_in_the_next_loop(play: Play, first: Run, second: Run) -> None:
    options = play({"await": {"type": "user"}}, {"init": {}}, {"result": {"result": "$env.CLAUDE_CODE_OAUTH_TOKEN"}})
    auth = AuthManager(**NOTHING, store="memory", setup=lambda: ONE)
    options.auth = auth

    async def said() -> str | None:
        results = [one async for one in query(prompt="hi", options=options) if isinstance(one, ResultMessage)]
        return results[0].result

    async def set_up() -> str | None:
        await auth.setup_token()
        return await said()

    # The token is in the manager alone.
    assert (first(set_up), second(said)) == (ONE, ONE)

    async def replace() -> None:
        await auth.set_credential(TWO)

    first(replace)
    assert second(said) == TWO


@pytest.mark.parametrize("first", LOOPS)
@pytest.mark.parametrize("second", LOOPS)
def test_functions_of_the_host_are_called_in_the_loop_that_runs(first: Run, second: Run) -> None:
    store, given = Safe(), iter([ONE, TWO])

    async def new_token() -> str:
        return next(given)

    auth = AuthManager(**NOTHING, store=store, setup=new_token)

    async def get() -> str:
        await auth.setup_token()
        return await auth.get_token()

    assert (first(get), second(get)) == (ONE, TWO)
    assert store.token is not None
    assert store.token["token"] == TWO


@pytest.mark.parametrize("first", LOOPS)
def test_what_a_loop_left_undone_is_not_waited_for(first: Run) -> None:
    events = trio.Event if first is with_trio else asyncio.Event
    begun, never = events(), events()
    left = False

    async def new_token() -> str:
        if not left:
            begun.set()
            await never.wait()
        return ONE

    auth = AuthManager(**NOTHING, store="memory", setup=new_token)

    async def leave() -> None:
        if first is with_trio:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(auth.setup_token)
                await begun.wait()
                nursery.cancel_scope.cancel()
        else:
            task = asyncio.ensure_future(auth.setup_token())
            await begun.wait()
            if first is with_asyncio:
                return
            # A loop that is closed over a waiting task says so; that is not what this is about.
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    first(leave)
    left = True
    assert asyncio.run(auth.setup_token()).method == "oauth_token"


@pytest.mark.parametrize("first", LOOPS)
@pytest.mark.parametrize("second", LOOPS)
def test_a_limiter_counts_on_in_the_next_loop(first: Run, second: Run) -> None:
    limiter = RateLimiter(per_minute=2)

    async def start() -> bool:
        return limiter.try_acquire() is not None

    assert (first(start), second(start), first(start)) == (True, True, False)


def test_two_loops_at_once_are_refused() -> None:
    auth = AuthManager(**NOTHING, store="memory", credential=ONE)
    used, done = threading.Event(), threading.Event()

    async def hold() -> None:
        await auth.get_token()
        used.set()
        await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert used.wait(30)
    try:
        with pytest.raises(ClosedError, match="this auth manager is used in another event loop; make one for each"):
            asyncio.run(auth.get_token())
    finally:
        done.set()
        thread.join()
    assert asyncio.run(auth.get_token()) == ONE
