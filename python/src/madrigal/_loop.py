"""What the package needs of an async library, and how asyncio and trio give it.

Small on purpose: something to wait for, a task that nobody awaits, a descriptor to watch, and news of the end of the
loop. Neither library is imported here before a program that runs it asks for a session.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .errors import ClosedError, InvalidArgumentError

if TYPE_CHECKING:
    import asyncio

    import trio


class Waiter(Protocol):
    """Something that happens once."""

    def set(self) -> None:
        """It happened. May be called twice."""

    async def wait(self) -> None:
        """Returns when it has happened."""


class Loop(Protocol):
    """One running event loop."""

    def check(self) -> None:
        """Raises `ClosedError` unless this is the loop that runs now."""

    def waiter(self) -> Waiter:
        """Something new to wait for."""

    async def checkpoint(self) -> None:
        """Lets others run."""

    def spawn(self, task: Callable[[], Awaitable[None]], context: Context) -> Callable[[], None]:
        """Starts a task and returns what cancels it."""

    def watch(self, descriptor: int, readable: Callable[[], None], ended: Callable[[], None]) -> None:
        """Calls `readable` whenever the descriptor is, and `ended` when the loop ends."""

    def unwatch(self, descriptor: int) -> None:
        """Stops watching."""


class Resident(Protocol):
    """What is made once for each loop."""

    def ended(self) -> None:
        """The loop has ended."""


ResidentT = TypeVar("ResidentT", bound=Resident)


def current(make: Callable[[Loop], ResidentT]) -> ResidentT:
    """What `make` gave for the running loop, made on the first call for each loop."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and _in_trio(trio):
        return _current_trio(make)
    asyncio: Any = sys.modules.get("asyncio")
    try:
        running = asyncio and asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is None:
        raise InvalidArgumentError("no event loop is running: call this in a coroutine run by asyncio or trio")
    found = _ASYNCIO.get(running)
    if found is None:
        # A loop that was closed without closing its async generators gave no news of its end.
        for reference in _ASYNCIO.keyrefs():
            loop = reference()
            if loop is not None and loop.is_closed() and (dead := _ASYNCIO.pop(loop, None)) is not None:
                dead.ended()
        found = _ASYNCIO[running] = make(AsyncioLoop(running))
    return cast(ResidentT, found)


_ASYNCIO: weakref.WeakKeyDictionary[Any, Resident] = weakref.WeakKeyDictionary()


class _Future:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._future = loop.create_future()

    def set(self) -> None:
        if not self._future.done():
            with suppress(RuntimeError):  # In a closed loop nobody waits.
                self._future.set_result(None)

    async def wait(self) -> None:
        await self._future


class AsyncioLoop:
    """The `Loop` of asyncio, and of what replaces its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        import asyncio

        self._asyncio = asyncio
        # What is kept for a loop must not keep the loop.
        self._loop = weakref.ref(loop)
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: AsyncGenerator[None, None] | None = None

    def check(self) -> None:
        """See `Loop`."""
        loop = self._loop()
        if loop is None or loop.is_closed():
            raise ClosedError(
                "the event loop that this session belongs to is closed", context={"reason": "loop_closed"}
            )
        try:
            running = self._asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not loop:
            raise ClosedError("this session belongs to another event loop", context={"reason": "other_loop"})

    def waiter(self) -> Waiter:
        """See `Loop`."""
        return _Future(self._asyncio.get_running_loop())

    async def checkpoint(self) -> None:
        """See `Loop`."""
        await self._asyncio.sleep(0)

    def spawn(self, task: Callable[[], Awaitable[None]], context: Context) -> Callable[[], None]:
        """See `Loop`."""

        async def run() -> None:
            await task()

        # A task copies the context that is current when it is made.
        running = context.run(self._asyncio.get_running_loop().create_task, run())
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

        def cancel() -> None:
            with suppress(RuntimeError):  # A closed loop has no running tasks.
                running.cancel()

        return cancel

    def watch(self, descriptor: int, readable: Callable[[], None], ended: Callable[[], None]) -> None:
        """See `Loop`."""
        # In an empty context: the variables of whoever came first are not for everybody.
        Context().run(self._asyncio.get_running_loop().add_reader, descriptor, readable)
        # asyncio has no news of the end of a loop, but it closes the async generators that were started in it.
        self._end = _until_the_end(ended)
        with suppress(StopIteration):
            self._end.__anext__().send(None)

    def unwatch(self, descriptor: int) -> None:
        """See `Loop`."""
        self._end = None
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.remove_reader(descriptor)


async def _until_the_end(ended: Callable[[], None]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        ended()


def _in_trio(trio: Any) -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


_trio_variable: Any = None


def _current_trio(make: Callable[[Loop], ResidentT]) -> ResidentT:
    import trio

    global _trio_variable
    if _trio_variable is None:
        _trio_variable = trio.lowlevel.RunVar("madrigal", None)
    found = _trio_variable.get()
    if found is None:
        found = make(TrioLoop())
        _trio_variable.set(found)
    return cast(ResidentT, found)


class _Event:
    def __init__(self, event: trio.Event) -> None:
        self._event = event

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class TrioLoop:
    """The `Loop` of trio."""

    def __init__(self) -> None:
        import trio

        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._ended = False

    def check(self) -> None:
        """See `Loop`."""
        if self._ended:
            raise ClosedError(
                "the event loop that this session belongs to is closed", context={"reason": "loop_closed"}
            )
        try:
            running = self._trio.lowlevel.current_trio_token()
        except RuntimeError:
            running = None
        if running is not self._token:
            raise ClosedError("this session belongs to another event loop", context={"reason": "other_loop"})

    def waiter(self) -> Waiter:
        """See `Loop`."""
        return _Event(self._trio.Event())

    async def checkpoint(self) -> None:
        """See `Loop`."""
        await self._trio.lowlevel.checkpoint()

    def spawn(self, task: Callable[[], Awaitable[None]], context: Context) -> Callable[[], None]:
        """See `Loop`."""
        scope = self._trio.CancelScope()

        async def run() -> None:
            with scope:
                await task()

        self._trio.lowlevel.spawn_system_task(run, name="madrigal", context=context.copy())
        return scope.cancel

    def watch(self, descriptor: int, readable: Callable[[], None], ended: Callable[[], None]) -> None:
        """See `Loop`."""

        async def run() -> None:
            try:
                while True:
                    await self._trio.lowlevel.wait_readable(descriptor)
                    readable()
            except self._trio.ClosedResourceError:
                pass
            finally:
                self._ended = True
                ended()

        self._trio.lowlevel.spawn_system_task(run, name="madrigal inbox")

    def unwatch(self, descriptor: int) -> None:
        """See `Loop`."""
        if not self._ended:
            self._trio.lowlevel.notify_closing(descriptor)
