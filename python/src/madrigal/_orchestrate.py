"""One orchestrator of the engine: hands its signals to its calls, and what happens to those who watch."""

from __future__ import annotations

import contextvars
import json
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ._call import Call
from ._request import invalid
from ._session import Session
from .errors import MadrigalError, from_wire
from .options import ClaudeAgentOptions
from .outcomes import Progress, progress_from_wire
from .tasks import options_to_wire

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class _Nobody:
    """An orchestrator has no questions of its own; its calls have."""

    async def answer(self, kind: str, request: dict[str, Any], progress: object) -> Any:
        raise LookupError(f"nobody answers questions of the kind {kind!r}")

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        return False


class Engine(Session):
    """One orchestrator of the engine."""

    _what = "orchestrator"

    def __init__(self, options: ClaudeAgentOptions | None, config: dict[str, Any]) -> None:
        self.base = ClaudeAgentOptions() if options is None else options
        # The managers of fallbacks live as long as it does.
        self._config = config
        self._calls: dict[int, Call] = {}
        self._watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()
        self._closing = False
        self._begin(lambda: self._text(config), _Nobody(), may_be_left=False)

    def _text(self, config: dict[str, Any]) -> str:
        if "options" in config:
            raise invalid("options", "give the options of tasks as the first argument")
        options, beside = options_to_wire(self.base, "options")
        auth = {"auth": beside["auth"]} if "auth" in beside else {}
        core = {**_fallen(config), "options": options}
        try:
            return json.dumps({"orchestrator": core, "progress": True, **auth}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise invalid("config", f"no JSON form: {error}") from None

    async def call(self, describe: Callable[[Call], dict[str, Any]], read: Callable[[Any, Call], T]) -> T:
        """Makes a call. `describe` says what, `read` what its result comes to."""
        self._check()
        self._commands += 1
        call = Call(self, self._commands, contextvars.copy_context())
        self._calls[call.number] = call
        try:
            result = await self._run(call, describe(call))
        except MadrigalError as error:
            raised = call.failure or call.original(error)
            if raised is error:
                raise
            raise raised from raised.__cause__
        else:
            if call.failure is not None:
                raise call.failure
            return read(result, call)
        finally:
            del self._calls[call.number]
            call.end()

    async def _run(self, call: Call, flow: dict[str, Any]) -> Any:
        try:
            text = json.dumps({"command": "run", "id": call.number, "flow": flow}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise invalid("tasks", f"no JSON form: {error}") from None
        reply = self._expect(call.number)
        try:
            self._native.submit(text)
            return await reply.result()
        except MadrigalError:
            raise
        except BaseException:
            # Who waited is cancelled, and so is the call.
            self.tell("cancel", run=call.number)
            raise
        finally:
            self._replies.pop(call.number, None)

    def watch(self) -> Watcher:
        """From now on somebody watches."""
        self._check()
        self.take()  # What happened before is not for this one.
        watcher = Watcher(self)
        self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """One who watched has gone."""
        self._watchers.discard(watcher)

    async def shut(self, *, graceful: bool) -> None:
        """Gives up all calls and waits until nothing of them is left."""
        self._closing = True
        for call in list(self._calls.values()):
            call.closed()
        await self.close(graceful=graceful)

    def woken(self) -> None:
        """See `Session`."""
        super().woken()
        if self._closed is None and not self._closing and self._wanted():
            self.take()

    def _wanted(self) -> bool:
        # Events are left in the engine while those who watch are busy, and dropped when nobody watches.
        watchers = list(self._watchers)
        return not watchers or any(watcher.waits for watcher in watchers)

    def take(self) -> None:
        """Hands what happened to all who watch."""
        while self._closed is None and self.end is None and self._drain():
            pass
        if self.end is not None:
            self._leave_watchers()

    def _drain(self) -> bool:
        found = super()._drain()
        watchers = list(self._watchers)
        while self.buffer:
            wire = getattr(self.buffer.popleft(), "data", None)
            if isinstance(wire, dict):
                for watcher in watchers:
                    watcher.put(wire)
        return found

    def _signal(self, signal: dict[str, Any]) -> None:
        match signal["event"]:
            case "ask":
                ref = signal.get("ref") or signal["request"]
                if (call := self._calls.get(ref["run"])) is not None:
                    call.ask(signal)
            case "ask_cancelled":
                for call in self._calls.values():
                    call.withdraw(signal["ask"])
            case "outcome":
                if (call := self._calls.get(signal["run"])) is not None:
                    call.came(signal["outcome"])
            case _:
                super()._signal(signal)

    def release(self, reason: str) -> None:
        """See `Session`."""
        super().release(reason)
        self._leave_watchers()

    def _leave_watchers(self) -> None:
        for watcher in list(self._watchers):
            watcher.end()
        self._watchers.clear()


def _fallen(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the managers of fallbacks by their numbers."""
    from ._auth import manager_number

    fallbacks = config.get("fallbacks")
    if not isinstance(fallbacks, (list, tuple)):
        return config
    return {
        **config,
        "fallbacks": [
            {**one, "auth": manager_number(one["auth"], f"fallbacks[{place}].auth")}
            if isinstance(one, Mapping) and "auth" in one
            else one
            for place, one in enumerate(fallbacks)
        ],
    }


class Watcher:
    """One who watches: an async iterator of what happens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unread: deque[Progress] = deque()
        self._waiters: list[Any] = []
        self._sequence = 0
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Progress:
        loop = self._engine.loop
        loop.check()
        while True:
            if not self._unread and not self._over:
                self._engine.take()
            if self._unread:
                await loop.checkpoint()
                if self._unread:
                    return self._unread.popleft()
            elif self._over:
                raise StopAsyncIteration
            else:
                await self._wait(loop.waiter())

    async def _wait(self, waiter: Any) -> None:
        self._waiters.append(waiter)
        try:
            await waiter.wait()
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def aclose(self) -> None:
        """Stops watching."""
        self._unread.clear()
        self.end()
        self._engine.leave(self)

    @property
    def waits(self) -> bool:
        """Whether somebody waits for what happens next."""
        return bool(self._waiters)

    def put(self, wire: dict[str, Any]) -> None:
        """Something happened."""
        error = from_wire(wire["error"]) if wire.get("error") else None
        self._unread.append(progress_from_wire(wire, self._sequence, error))
        self._sequence += 1
        self._wake()

    def end(self) -> None:
        """Nothing will happen any more."""
        self._over = True
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set()
