"""A session of the engine in terms of coroutines.

Signals are handed on when they come, messages when they are asked for. Everything here runs in the thread of the event
loop. Whatever was drained but not yet read stays in `buffer`, so a wait that is cancelled loses nothing.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import os
import warnings
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from . import _log, _native
from ._asks import Answering, Asks
from ._host import Host
from ._hub import Hub, current_hub
from ._loop import Loop, Waiter
from .errors import ClosedError, InvalidArgumentError, MadrigalError, ProtocolError, from_wire
from .options import ClaudeAgentOptions
from .permissions import warn_if_shadowed

if TYPE_CHECKING:
    from .messages import Message

BATCH = 256
"""Messages taken at once: then others may run."""
EARLY = 100_000
"""Messages kept while the program has not answered `initialize`."""


class Session:
    """One session, open from the start. One that `may_be_left` open is ended without a warning when it is forgotten."""

    def __init__(self, options: ClaudeAgentOptions, *, may_be_left: bool = False) -> None:
        self._stderr = options.stderr
        self.host = Host(options)
        self._begin(options.to_request, self.host, may_be_left=may_be_left)
        warn_if_shadowed(options.can_use_tool, options.permission_mode, options.allowed_tools)

    def _begin(self, request: Callable[[], str], host: Answering, *, may_be_left: bool) -> None:
        self._may_be_left = may_be_left
        self._hub: Hub = current_hub()
        self._hub.check()
        self._context = contextvars.copy_context()
        self._asks = Asks(self, host, self._context)
        self._replies: dict[int, _Reply] = {}
        self._waiters: list[Waiter] = []
        self._tasks: list[Callable[[], None]] = []
        self._commands = 0
        self._refused: MadrigalError | None = None
        self._error: BaseException | None = None
        self._closed: str | None = None
        self.buffer: deque[Message] = deque()
        self.opened: dict[str, Any] | None = None
        self.end: dict[str, Any] | None = None
        _log.follow(self._hub.inbox)
        self._native = _native.open(request(), self._hub.inbox)
        self._hub.sessions[self._native.number] = self

    _stderr: Callable[[str], None] | None = None
    _what = "session"

    @property
    def loop(self) -> Loop:
        """The event loop it was opened in."""
        return self._hub.loop

    # What comes in.

    def woken(self) -> None:
        """The hub says that there is something to take."""
        if self._closed is not None:
            return
        try:
            self._hear()
        finally:
            self._wake()

    def _hear(self) -> None:
        """Hands on the signals that are there."""
        for signal in self._native.signals():
            self._signal(signal)

    def _signal(self, signal: dict[str, Any]) -> None:
        match signal["event"]:
            case "opened":
                self.opened = signal
            case "ask":
                self._asks.start(signal["ask"], signal.get("kind", "can_use_tool"), signal["request"])
            case "ask_cancelled":
                self._asks.cancel(signal["ask"])
            case "reply":
                self._reply(signal)
            case "stderr":
                self._stderr_line(signal["line"])

    def _reply(self, signal: dict[str, Any]) -> None:
        reply = self._replies.pop(signal["id"], None)
        if reply is not None:
            reply.set(signal)
        elif signal["id"] is None and signal.get("error"):
            self._refused = self._refused or from_wire(signal["error"])

    def _stderr_line(self, line: str) -> None:
        if self._stderr is None:
            return
        try:
            self._context.copy().run(self._stderr, line)
        except Exception:
            import logging

            logging.getLogger("madrigal").exception("the stderr function of the options failed")

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set()

    async def _wait(self) -> None:
        self._check()
        waiter = self.loop.waiter()
        self._waiters.append(waiter)
        try:
            await waiter.wait()
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _check(self) -> None:
        if self._closed is not None:
            raise ClosedError(self._closed, context={"reason": "closed"})
        try:
            self._hub.check()
        except ClosedError as error:
            if error.context.get("reason") == "loop_closed":
                self.release(error.message)
            raise

    def fail(self, error: BaseException) -> None:
        """Makes the reader raise this next, and ends the session."""
        self._error = error
        self._native.close(False)
        self._wake()

    # What is asked for.

    def _drain(self) -> bool:
        """Takes what waits; whether the reader has something to do now."""
        messages, error, end = self._native.drain(BATCH)
        self.buffer.extend(messages)
        if error is not None:
            self._error = self._asks.original(error)
        if end is not None:
            # What came before the end is handed on before it; the wake that tells of it may still be on its way.
            self._hear()
            self.end = end
        return bool(messages) or error is not None or end is not None

    def _over(self) -> bool:
        """Whether the stream has ended. Raises the error that stands before or at its end."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self.end is not None and self.end.get("error"):
            raise self._asks.original(from_wire(self.end["error"]))
        if self.end is not None and self._refused is not None:
            raise self._refused
        return self.end is not None

    async def fill(self) -> bool:
        """Waits until `buffer` holds a message; `False` at the end of the stream. Raises the errors in the stream."""
        while not self.buffer:
            if self._over():
                return False
            self._check()
            if not self._drain():
                await self._wait()
            elif self.buffer:
                # A stream that is never empty must leave room for answers, questions and everybody else. When this is
                # cancelled, the messages are there for the next wait, which then does not wait at all.
                await self.loop.checkpoint()
        return True

    async def started(self) -> dict[str, Any]:
        """Waits until the program is ready; messages that come before stay in `buffer`."""
        while self.opened is None:
            if self._over():
                raise ClosedError("the program ended before it was ready", operation="open")
            self._check()
            if len(self.buffer) > EARLY:
                raise ProtocolError(f"{EARLY} messages came before the answer to `initialize`", operation="open")
            if self._drain():
                await self.loop.checkpoint()
            else:
                await self._wait()
        return self.opened

    async def request(self, command: str, **fields: Any) -> Any:
        """Hands over a command and waits for its reply. Raises what went wrong."""
        self._check()
        self._commands += 1
        number = self._commands
        text = _command(command, id=number, **fields)
        reply = self._expect(number)
        try:
            self._native.submit(text)
            return await reply.result()
        finally:
            self._replies.pop(number, None)

    def _expect(self, number: int) -> _Reply:
        reply = self._replies[number] = _Reply(self.loop.waiter())
        return reply

    def post(self, command: str, **fields: Any) -> None:
        """Hands over a command without waiting; when it is refused, the end of the stream says so."""
        self._native.submit(_command(command, **fields))

    def spawn(self, task: Callable[[], Awaitable[None]]) -> None:
        """Starts a task that ends with the session."""
        self._tasks.append(self.loop.spawn(task, self._context))

    def tell(self, command: str, **fields: Any) -> None:
        """Hands over a command that has no reply; ignored when the session has ended in the meantime."""
        if self._closed is None:
            with contextlib.suppress(ClosedError):
                self._native.submit(_command(command, **fields))

    # The end.

    async def close(self, *, graceful: bool) -> None:
        """Ends the program and waits until it is gone. Unread messages are dropped."""
        if self._closed is not None:
            return
        try:
            self._hub.check()
            self._native.close(graceful)
            while self.end is None:
                self.buffer.clear()
                if not self._drain():
                    await self._wait()
                else:
                    await self.loop.checkpoint()
        finally:
            self.release("the session is closed")

    def release(self, reason: str) -> None:
        """Forgets the session; when its program still runs, it is ended without waiting."""
        if self._closed is not None:
            return
        self._closed = reason
        self._asks.cancel_all()
        for cancel in self._tasks:
            cancel()
        self._native.release()
        self.buffer.clear()
        for reply in self._replies.values():
            reply.fail(ClosedError(reason, context={"reason": "closed"}))
        self._wake()

    def orphaned(self) -> None:
        """The event loop has ended, and with it everybody who could use the session."""
        self.release("the event loop that this session belongs to is closed")

    def __del__(self) -> None:
        # `_closed` and `_native` are missing when `__init__` failed.
        if getattr(self, "_native", None) is None or self._closed is not None:
            return
        if not self._may_be_left and self._hub.process == os.getpid():
            warnings.warn(f"unclosed {self._what} {self._native.number}", ResourceWarning, source=self, stacklevel=1)
        self._native.release()


def _command(command: str, **fields: Any) -> str:
    try:
        return json.dumps({"command": command, **fields}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"no JSON form: {error}", operation=command) from None


class _Reply:
    """The outcome of one command."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._signal: dict[str, Any] = {}
        self._error: MadrigalError | None = None

    def set(self, signal: dict[str, Any]) -> None:
        self._signal = signal
        self._waiter.set()

    def fail(self, error: MadrigalError) -> None:
        self._error = error
        self._waiter.set()

    async def result(self) -> Any:
        await self._waiter.wait()
        if self._error is not None:
            raise self._error
        if self._signal.get("error"):
            raise from_wire(self._signal["error"])
        return self._signal.get("result")
