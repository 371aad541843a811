"""Questions of the engine, each answered by a task of its own; the exception of a function is kept for the reader."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .errors import MadrigalError
from .permissions import CanUseTool, context_from_wire, result_to_wire

if TYPE_CHECKING:
    from ._session import Session


class Asks:
    """The open questions of one session."""

    def __init__(self, session: Session, can_use_tool: CanUseTool | None, context: Context) -> None:
        # A function that never returns must not keep a forgotten session alive.
        self._session = weakref.ref(session)
        self._can_use_tool = can_use_tool
        self._context = context
        self._running: dict[str, Callable[[], None]] = {}
        self._failed: dict[str, BaseException] = {}

    def start(self, ask: str, request: dict[str, Any]) -> None:
        """Starts the function that answers a question."""
        session = self._session()
        function = self._can_use_tool
        if session is None or function is None:
            return
        loop = session.loop

        async def run() -> None:
            try:
                context = context_from_wire(request)
                result = function(request["tool_name"], request.get("input", {}), context)
                answer = result_to_wire(await result if inspect.isawaitable(result) else result)
                self._answer(ask, result=answer)
            except Exception as error:
                self._failed[ask] = error
                self._answer(ask, error={"message": str(error) or type(error).__name__})
            finally:
                self._running.pop(ask, None)

        self._running[ask] = loop.spawn(run, self._context)

    def _answer(self, ask: str, **answer: Any) -> None:
        session = self._session()
        if session is not None and ask in self._running:
            session.answer(ask, **answer)

    def cancel(self, ask: str) -> None:
        """Stops answering: the question was withdrawn."""
        cancel = self._running.pop(ask, None)
        if cancel is not None:
            cancel()

    def cancel_all(self) -> None:
        """Stops answering anything."""
        for ask in list(self._running):
            self.cancel(ask)

    def original(self, error: MadrigalError) -> BaseException:
        """The exception of the function, where this error stands for one."""
        if error.code != "callback":
            return error
        return self._failed.pop(str(error.context.get("ask")), error)
