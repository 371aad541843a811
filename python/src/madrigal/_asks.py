"""Questions of the engine, each answered by a task of its own; the exception of a function is kept for the reader."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol

from .errors import MadrigalError

if TYPE_CHECKING:
    from ._loop import Waiter
    from ._session import Session


class Answering(Protocol):
    """Who answers."""

    async def answer(self, kind: str, request: dict[str, Any], progress: Callable[..., None]) -> Any:
        """The answer to a question, as the engine reads it. Raises what the function raises."""

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """Whether what a function raises is kept for whoever asked."""


class _Question:
    """The state of one function call."""

    def __init__(self, begun: Waiter) -> None:
        self.started = self.withdrawn = False
        self.begun = begun
        self.cancel: Callable[[], None] = lambda: None


class Asks:
    """The open questions of one session."""

    def __init__(self, session: Session, host: Answering, context: Context) -> None:
        # A function that never returns must not keep a forgotten session alive.
        self._session = weakref.ref(session)
        self._host = host
        self._context = context
        self._running: dict[str, _Question] = {}
        self._newest: _Question | None = None
        self._failed: dict[str, BaseException] = {}

    def start(self, ask: str, kind: str, request: dict[str, Any], host: Answering | None = None) -> None:
        """Starts the function that answers a question, one of `host` when it is given."""
        host = host or self._host
        session = self._session()
        if session is None:
            return
        question = self._running[ask] = _Question(session.loop.waiter())
        before, self._newest = self._newest, question

        def progress(progress: float, total: float | None, message: str | None) -> None:
            self._progress(ask, progress, total, message)

        async def run() -> None:
            # Trio starts tasks in any order; questions are asked in the order in which they came.
            if before is not None and not before.started:
                await before.begun.wait()
            question.started = True
            question.begun.set()
            if question.withdrawn:
                question.cancel()
            try:
                self._answer(ask, result=await host.answer(kind, request, progress))
            except Exception as error:
                if host.keeps(kind, request):
                    self._failed[ask] = error
                self._answer(ask, error={"message": str(error) or type(error).__name__})
            finally:
                self._running.pop(ask, None)

        question.cancel = session.loop.spawn(run, self._context)

    def _answer(self, ask: str, **answer: Any) -> None:
        session = self._session()
        if session is not None and ask in self._running:
            session.tell("answer", ask=ask, **answer)

    def _progress(self, ask: str, progress: float, total: float | None, message: str | None) -> None:
        session = self._session()
        if session is not None and ask in self._running:
            given = {"total": total, "message": message}
            rest = {name: value for name, value in given.items() if value is not None}
            session.tell("progress", ask=ask, progress=progress, **rest)

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

    def open(self) -> list[str]:
        """The questions that are not answered yet."""
        return list(self._running)

    def cancel_all(self) -> None:
        """Stops answering anything."""
        while self._running:
            self._running.popitem()[1].cancel()

    def forget(self) -> None:
        """What functions raised so far is of no use any more."""
        self._failed.clear()

    def raised(self, error: MadrigalError) -> BaseException | None:
        """What the function raised that this error tells of; it may be asked for again."""
        return self._failed.get(str(error.context.get("ask")))

    def original(self, error: MadrigalError) -> BaseException:
        """The exception of the function, where this error stands for one, or was caused by one."""
        original = self._failed.pop(str(error.context.get("ask")), None)
        if original is None:
            return error
        if error.code == "callback":
            return original
        error.__cause__ = original
        return error
