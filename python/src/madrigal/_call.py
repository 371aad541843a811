"""One call of an orchestrator: its tasks with their functions, and what is decided here on the way.

It is gone with its reply, and what it kept with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ._asks import Asks
from .errors import CallbackError, ClosedError, MadrigalError, from_wire
from .outcomes import Outcome, outcome_from_wire
from .tasks import TaskHost, TaskLike, task_to_wire

if TYPE_CHECKING:
    from ._orchestrate import Engine

Decide = Callable[[dict[str, Any]], Awaitable[Any]]
"""Answers a question about a call."""

# A task that the engine refuses, too: so one that cannot be read has its place, and is counted.
_REFUSED = {"prompt": None}


class Call:
    """One call of an orchestrator."""

    def __init__(self, engine: Engine, number: int, context: Context) -> None:
        self.number = number
        self.deciding: dict[str, Decide] = {}
        self.on_outcome: Callable[[Outcome], None] = lambda _: None
        self.on_end: Callable[[], None] = lambda: None
        self.failure: BaseException | None = None
        self.loop = engine.loop
        self._tell = engine.tell
        self._base = engine.base
        self._hosts: dict[int, TaskHost] = {}
        self._unreadable: dict[int, MadrigalError] = {}
        self._tasks = 0
        self._asks = Asks(engine, self, context)

    def task(self, task: TaskLike) -> dict[str, Any]:
        """A task as it crosses. Raises what is wrong with it."""
        number, self._tasks = self._tasks, self._tasks + 1
        wire, self._hosts[number] = task_to_wire(task, self._base, {"run": self.number, "task": number})
        return wire

    def place(self, task: TaskLike) -> dict[str, Any]:
        """The same; one that cannot be read has an outcome that says so. For positions that are counted from 0."""
        index = self._tasks
        try:
            return self.task(task)
        except MadrigalError as error:
            self._unreadable[index] = error
            return _REFUSED

    def skip(self) -> None:
        """Leaves a position to a task that is made later."""
        self._tasks += 1

    def outcome(self, wire: dict[str, Any]) -> Outcome:
        """An outcome as a dataclass."""
        outcome = outcome_from_wire(wire, self.reason)
        if outcome.status != "succeeded":
            outcome.error = self._unreadable.get(outcome.index, outcome.error)
        return outcome

    def outcomes(self, wire: list[dict[str, Any]]) -> list[Outcome]:
        """Several of them."""
        return [self.outcome(one) for one in wire]

    def came(self, wire: dict[str, Any]) -> None:
        """An outcome came by itself: its task is over."""
        self.on_outcome(self.outcome(wire))
        self._hosts.pop(wire["index"], None)
        self._unreadable.pop(wire["index"], None)

    def reason(self, wire: dict[str, Any]) -> MadrigalError:
        """The error beside outcomes: always one of ours, with what a function raised as its cause."""
        error = from_wire(wire)
        raised = self._asks.raised(error)
        if isinstance(error, CallbackError) and isinstance(raised, MadrigalError):
            return raised
        if raised is not None:
            error.__cause__ = raised
        return error

    def original(self, error: MadrigalError) -> BaseException:
        """What a function raised, where the error of the call tells of that."""
        return self._asks.original(error)

    async def decided(self, decision: Awaitable[Any]) -> Any:
        """A decision without which the result would be wrong: when it fails, so does the call."""
        try:
            return await decision
        except Exception as error:
            self.give_up(error)
            raise

    def give_up(self, error: BaseException) -> None:
        """The call fails with this, when all it started has ended."""
        if self.failure is None:
            self.failure = error
            self._tell("cancel", run=self.number)

    def closed(self) -> None:
        """Its orchestrator is closed."""
        self.give_up(ClosedError("the orchestrator was closed", operation="run", context={"reason": "closed"}))

    def ask(self, signal: dict[str, Any]) -> None:
        """The engine has a question about the call, or a program of it has."""
        ref = signal.get("ref")
        host = self if ref is None else self._hosts.get(ref["task"], self)
        self._asks.start(signal["ask"], signal["kind"], signal["request"], host)

    def withdraw(self, ask: str) -> None:
        """The question needs no answer any more."""
        self._asks.cancel(ask)

    def end(self) -> None:
        """It is over."""
        self._asks.cancel_all()
        self.on_end()

    async def answer(self, kind: str, request: dict[str, Any], progress: object) -> Any:
        """See `Answering`."""
        if kind not in self.deciding:
            raise LookupError(f"nobody answers questions of the kind {kind!r}")
        return await self.deciding[kind](request)

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """See `Answering`."""
        return True
