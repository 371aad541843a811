"""Tasks that are made when there is a place for one: from whatever gives one after the other."""

from __future__ import annotations

import contextvars
import inspect
from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

from ._loop import Loop, Waiter
from .tasks import TaskLike, unfit

END = object()
"""There are no more."""


class Pull:
    """Takes one task after the other."""

    def __init__(self, source: object, loop: Loop) -> None:
        self._loop = loop
        self._over = False
        self._busy = False
        self._line: deque[Waiter] = deque()
        self._values: Any
        if isinstance(source, AsyncIterable):
            self._values = aiter(source)
        elif isinstance(source, Iterable) and not isinstance(source, (str, bytes, dict)):
            self._values = iter(source)
        else:
            raise unfit("tasks", f"expected an iterable or async iterable of tasks, not {source!r:.80}")

    async def next(self) -> TaskLike | object:
        """The next, or `END`. A generator is never asked while it makes one."""
        while self._busy:
            waiter = self._loop.waiter()
            self._line.append(waiter)
            await waiter.wait()
        if self._over:
            return END
        self._busy = True
        try:
            found: object = next(self._values, END) if isinstance(self._values, Iterator) else await self._later()
        except BaseException:
            self._over = True
            raise
        finally:
            self._busy = False
            while self._line:
                self._line.popleft().set()
        self._over = self._over or found is END
        return found

    async def _later(self) -> object:
        try:
            return await anext(self._values)
        except StopAsyncIteration:
            return END

    def stop(self) -> None:
        """No more is wanted: lets a generator run its ``finally``."""
        self._over = True
        if self._busy:
            return
        if inspect.isgenerator(self._values):
            self._values.close()
        elif inspect.isasyncgen(self._values):
            self._loop.spawn(self._values.aclose, contextvars.copy_context())


def listed(tasks: object, name: str, operation: str = "orchestrate") -> list[Any]:
    """All of them at once."""
    if isinstance(tasks, Iterable) and not isinstance(tasks, (str, bytes, dict)):
        return list(tasks)
    raise unfit(name, f"expected an iterable, not {tasks!r:.80}", operation)
