"""A policy of the engine by its handle: questions that are answered at once, on the thread that asks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import _native
from ._lasting import Lasting
from ._native import Inbox
from .errors import ClosedError, InvalidArgumentError


def request(kind: str, config: Mapping[str, Any]) -> str:
    """What opens a policy."""
    return text({"policy": {kind: dict(config)}})


def question(command: str, fields: Mapping[str, Any]) -> str:
    """A question to a policy; what is `None` is not said."""
    return text({"command": command, **{name: value for name, value in fields.items() if value is not None}})


def text(value: dict[str, Any]) -> str:
    """As JSON. Raises `InvalidArgumentError`."""
    try:
        return json.dumps(value, allow_nan=False, default=os.fspath)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"no JSON form: {error}", operation="policy") from None


class Decider:
    """A policy that nobody waits for. It needs no event loop, and may be used from any thread."""

    def __init__(
        self, kind: str, config: Mapping[str, Any], heard: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self._heard = heard
        self._inbox = Inbox()
        self._process = os.getpid()
        self._native: _native.Session | None = _native.open(request(kind, config), self._inbox)

    def decide(self, command: str, **fields: Any) -> Any:
        """Asks it. Raises what it refuses."""
        native = self._native
        if native is None:
            raise ClosedError("the policy is closed", operation=command, context={"reason": "closed"})
        if self._process != os.getpid():
            raise ClosedError("the policy was opened before a fork; open a new one here", context={"reason": "forked"})
        try:
            return json.loads(native.decide(question(command, fields)))
        finally:
            self._inbox.take()
            if self._heard is not None:
                for signal in native.signals():
                    self._heard(signal)

    def close(self) -> None:
        """Forgets it."""
        native, self._native = self._native, None
        if native is not None:
            native.release()

    def __del__(self) -> None:
        if getattr(self, "_native", None) is not None and self._process == os.getpid():
            self.close()


class Line(Lasting):
    """A rate limiter: a policy in which callers wait, in one event loop after the other."""

    _what = "rate limiter"

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._host = _Nobody()
        self._begin(lambda: request("rate_limiter", config), self._host, may_be_left=True)

    def decide(self, command: str, **fields: Any) -> Any:
        """Asks it. Raises what it refuses."""
        self._check()
        return json.loads(self._native.decide(question(command, fields)))

    async def acquire(self, wish: dict[str, Any]) -> Any:
        """Waits for a start. Who is cancelled gives the place in the line up."""
        return await self.call("acquire", wish=wish)


class _Nobody:
    """A policy asks nothing."""

    async def answer(self, kind: str, request: dict[str, Any], progress: object) -> Any:
        raise LookupError(f"nobody answers questions of the kind {kind!r}")

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        return False
