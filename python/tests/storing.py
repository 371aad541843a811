"""The session store of a scenario: one in memory, behind one that can fail, hang or lack methods."""

from __future__ import annotations

from typing import Any

import anyio
from asking import Boom

import madrigal

METHODS = ("append", "load", "list_sessions", "list_session_summaries", "delete", "list_subkeys")


class Unsteady:
    """Made once for a scenario; its methods are attributes, and those it lacks are not there."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.memory = madrigal.InMemorySessionStore()
        self.raised: list[Boom] = []
        self._holds: list[dict[str, Any]] = list(given.get("holds", ()))
        self._fails: dict[str, int] = dict(given.get("fails", {}))
        self._hangs: list[str] = given.get("hangs", [])
        for name in METHODS:
            if name not in given.get("lacks", ()):
                setattr(self, name, self._method(name))

    def _method(self, name: str) -> Any:
        async def method(*arguments: Any) -> Any:
            if self._fails.get(name, 0) != 0:
                self._fails[name] -= 1
                self.raised.append(Boom("the store is down", method=name))
                raise self.raised[-1]
            if name in self._hangs:
                await anyio.sleep_forever()
            return await getattr(self.memory, name)(*arguments)

        return method

    async def fill(self) -> None:
        """What it holds before the run."""
        while self._holds:
            held = self._holds.pop(0)
            await self.memory.append(held["key"], held["entries"])
