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
    from ._loop import Waiter
    from ._session import Session


class _Question:
    """The state of one function call."""

    def __init__(self, begun: Waiter) -> None:
        self.started = self.withdrawn = False
        self.begun = begun
        self.cancel: Callable[[], None] = lambda: None


class Asks:
    """The open questions of one session."""

    def __init__(self, session: Session, can_use_tool: CanUseTool | None, context: Context) -> None:
        # A function that never returns must not keep a forgotten session alive.
        self._session = weakref.ref(session)
        self._can_use_tool = can_use_tool
        self._context = context
        self._running: dict[str, _Question] = {}
        self._newest: _Question | None = None
        self._failed: dict[str, BaseException] = {}

    def start(self, ask: str, request: dict[str, Any]) -> None:
        """Starts the function that answers a question."""
        session = self._session()
        function = self._can_use_tool
        if session is None or function is None:
            return
        question = self._running[ask] = _Question(session.loop.waiter())
        before, self._newest = self._newest, question

        async def run() -> None:
            # Trio starts tasks in any order; questions are asked in the order in which they came.
            if before is not None and not before.started:
                await before.begun.wait()
            question.started = True
            question.begun.set()
            if question.withdrawn:
                question.cancel()
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

        question.cancel = session.loop.spawn(run, self._context)

    def _answer(self, ask: str, **answer: Any) -> None:
        session = self._session()
        if session is not None and ask in self._running:
            session.answer(ask, **answer)

    def cancel(self, ask: str) -> None:
        """Stops answering: the question was withdrawn."""
        question = self._running.pop(ask, None)
        if question is None:
            return
        # A function that has not begun begins all the same, and is cancelled where it first waits: what it is asked
        # does not depend on how fast the program changes its mind.
        question.withdrawn = True
        if question.started:
            question.cancel()

    def cancel_all(self) -> None:
        """Stops answering anything."""
        while self._running:
            self._running.popitem()[1].cancel()

    def original(self, error: MadrigalError) -> BaseException:
        """The exception of the function, where this error stands for one."""
        if error.code != "callback":
            return error
        return self._failed.pop(str(error.context.get("ask")), error)
