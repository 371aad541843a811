"""Many queries under shared limits: side by side, one after the other, against each other."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from ._call import Call
from ._host import _settled
from ._orchestrate import Engine
from ._tasks_from import END, Pull, listed
from .errors import ClosedError, InvalidArgumentError
from .outcomes import (
    MapReduceOutcome,
    OrchestratorStats,
    Outcome,
    Progress,
    RaceOutcome,
    UntilOutcome,
    VoteOutcome,
)
from .tasks import TaskLike, TaskPrompt, needed, unfit

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._loop import Waiter
    from .limits import OrchestratorConfig
    from .options import ClaudeAgentOptions

Quorum = Literal["majority", "unanimous", "plurality"]
"""More than half of all that were asked say the same; all do; more say it than anything else."""


class Tolerate(TypedDict):
    """Goes on until more than so many tasks were not answered."""

    tolerate: int


class Done(TypedDict):
    """The answer is good."""

    done: Literal[True]


class AskAgain(TypedDict):
    """What the session is asked next."""

    prompt: TaskPrompt


OnError = Union[Literal["collect", "fail_fast"], Tolerate]  # noqa: UP007
"""What happens when a task is not answered: go on with the others, give them up, or go on up to a number."""
Verdict = Union[Done, AskAgain]  # noqa: UP007
"""What is made of an answer: ``{"done": True}``, or ``{"prompt": ...}`` to be asked next."""
TaskSource = Union[Iterable[TaskLike], AsyncIterable[TaskLike]]  # noqa: UP007
"""Tasks at once, or as they come."""
Step = Union[TaskLike, Callable[["Outcome | None"], "TaskLike | Awaitable[TaskLike]"]]  # noqa: UP007
"""A task, or a function that makes it from the outcome of the step before (``None`` for the first)."""


class Orchestrator:
    """Runs many queries under shared limits. Belongs to the event loop in which it was entered.

    Every call gives outcomes, also for tasks that were not answered; it raises only when it cannot say what became of
    its tasks. Cancelling the task that awaits a call gives the call up: what it started is ended. Leaving the
    ``async with`` gives up all calls and waits until nothing of them is left. Functions may be coroutine functions
    or plain ones.

    Args:
        options: The options of tasks; those of a task go over them.
        config: Limits and places; see :class:`OrchestratorConfig`.

    Raises:
        InvalidOptionsError: On entering; the message names the field.

    >>> import asyncio
    >>> from madrigal import Orchestrator, Task
    >>> async def main():
    ...     async with Orchestrator(max_concurrent=2) as orchestrator:
    ...         for outcome in await orchestrator.parallel(["What is 2 + 2?", Task("And 1 + 3?", name="other")]):
    ...             print(outcome.name, outcome.status, outcome.text)
    >>> asyncio.run(main())
    None succeeded 4
    other succeeded 4

    """

    def __init__(self, options: ClaudeAgentOptions | None = None, **config: Unpack[OrchestratorConfig]) -> None:
        self._options = options
        self._config: dict[str, Any] = dict(config)
        self._engine: Engine | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def open(self) -> None:
        """Opens it without ``async with``; then :meth:`close` must be called.

        Raises:
            InvalidOptionsError: The message names the field.
            InvalidArgumentError: It is open already.

        """
        if self._engine is not None:
            raise InvalidArgumentError("the orchestrator is open already", operation="open")
        self._engine = Engine(self._options, self._config)
        self._closed = False

    async def close(self) -> None:
        """Gives up all calls and waits until nothing of them is left; they raise `ClosedError`."""
        engine, self._engine = self._engine, None
        self._closed = True
        if engine is not None:
            await engine.shut(graceful=True)

    def _open(self) -> Engine:
        if self._engine is None:
            problem = "the orchestrator is closed" if self._closed else "enter the orchestrator with `async with` first"
            raise ClosedError(problem, operation="run", context={"reason": "closed"})
        return self._engine

    async def run(self, task: TaskLike) -> Outcome:
        """Runs one task.

        >>> import asyncio
        >>> from madrigal import Orchestrator
        >>> async def main():
        ...     async with Orchestrator() as orchestrator:
        ...         print((await orchestrator.run("What is 2 + 2?")).text)
        >>> asyncio.run(main())
        4

        """
        return await self._open().call(
            lambda call: {"kind": "run", "task": call.task(task)}, lambda result, call: call.outcome(result["outcome"])
        )

    async def parallel(
        self, tasks: TaskSource, *, max_concurrent: int | None = None, on_error: OnError = "collect"
    ) -> list[Outcome]:
        """Runs tasks side by side; the outcomes have the order of the tasks.

        Args:
            tasks: Any iterable or async iterable; but for a list or tuple, one is taken when there is a place for it.
            max_concurrent: How many of these run at a time; 1 or more. Default and most: that of the orchestrator.
            on_error: What happens when a task is not answered. Who is given up is ``cancelled`` or ``skipped``.

        Raises:
            InvalidArgumentError: ``max_concurrent`` is below 1; nothing was started.
            Exception: What the iterable raises.

        """
        return await self._open().call(
            lambda call: _parallel(call, tasks, max_concurrent, on_error, None),
            lambda result, call: call.outcomes(result["outcomes"]),
        )

    def as_completed(
        self,
        tasks: TaskSource,
        *,
        max_concurrent: int | None = None,
        on_error: OnError = "collect",
        max_unread: int = 16,
    ) -> AsCompleted:
        """The same, each outcome as it is there: an async iterator. Leaving it early gives the others up.

        Args:
            tasks: As in :meth:`parallel`.
            max_concurrent: As there.
            on_error: As there.
            max_unread: While so many outcomes are unread, no more tasks are taken from the iterable.

        >>> import asyncio
        >>> from madrigal import Orchestrator
        >>> async def main():
        ...     async with Orchestrator() as orchestrator:
        ...         async with orchestrator.as_completed(f"What is {n} + {n}?" for n in (2, 2, 2)) as outcomes:
        ...             print(sorted([outcome.index async for outcome in outcomes]))
        >>> asyncio.run(main())
        [0, 1, 2]

        """
        if isinstance(max_unread, bool) or not isinstance(max_unread, int) or max_unread < 1:
            raise unfit("max_unread", f"expected a number above 0, not {max_unread!r:.80}")
        return AsCompleted(
            self._open(), lambda call, room: _parallel(call, tasks, max_concurrent, on_error, room), max_unread
        )

    async def pipeline(
        self, steps: Iterable[Step], *, use_context: bool = True, stop_on_error: bool = True
    ) -> list[Outcome]:
        """Runs tasks one after the other.

        Args:
            steps: Tasks, or functions that make one from the outcome before.
            use_context: Each task is told the text of the answer before it; one that a function makes is not.
            stop_on_error: A step that is not answered ends it; those behind it are ``skipped``.

        """

        def describe(call: Call) -> dict[str, Any]:
            given = listed(steps, "steps")
            wire = []
            for step in given:
                if callable(step):
                    call.skip()
                    wire.append({"ask": True})
                else:
                    wire.append(call.place(step))

            async def make(asked: dict[str, Any]) -> Any:
                before = asked.get("before")
                return call.task(await _settled(given[asked["index"]](before and call.outcome(before))))

            call.deciding["step"] = make
            return {"kind": "pipeline", "steps": wire, "use_context": use_context, "stop_on_error": stop_on_error}

        return await self._open().call(describe, lambda result, call: call.outcomes(result["outcomes"]))

    async def race(
        self,
        tasks: Iterable[TaskLike],
        *,
        accept: Callable[[Outcome], bool | Awaitable[bool]] | None = None,
        stagger: float | None = None,
    ) -> RaceOutcome:
        """The first good answer wins; the others are stopped.

        Args:
            tasks: What competes. The same task twice is a second attempt for an answer that is late.
            accept: Whether an answer counts. Default: every one does.
            stagger: Takes up each task only so many seconds after the one before, or when one ended without an answer
                that counts. Default: all at once.

        Raises:
            Exception: What `accept` raises.

        """

        def describe(call: Call) -> dict[str, Any]:
            wire: dict[str, Any] = {"kind": "race", "tasks": _all(call, tasks)}
            if accept is not None:
                function = needed("accept", accept)

                async def accepted(asked: dict[str, Any]) -> bool:
                    return bool(await call.decided(_call(function, call.outcome(asked["outcome"]))))

                call.deciding["accept"] = accepted
                wire["ask"] = True
            if stagger is not None:
                if isinstance(stagger, bool) or not isinstance(stagger, (int, float)) or not 0 <= stagger < 1e9:
                    raise unfit("stagger", f"expected seconds, 0 or more, not {stagger!r:.80}")
                wire["stagger_ms"] = round(stagger * 1000)
            return wire

        def read(result: dict[str, Any], call: Call) -> RaceOutcome:
            outcomes = call.outcomes(result["outcomes"])
            return RaceOutcome(winner=_winner(result["winner"], outcomes), outcomes=outcomes)

        return await self._open().call(describe, read)

    async def vote(
        self,
        tasks: Iterable[TaskLike],
        *,
        ballot: Callable[[Outcome], str | Awaitable[str | None] | None] | None = None,
        quorum: Quorum = "majority",
    ) -> VoteOutcome:
        """What most answers say.

        Args:
            tasks: Who votes.
            ballot: What an answer says, in a form in which equal answers are equal; ``None`` for one that says nothing.
                Default: its text in small letters, without what is not a letter or digit at its ends, blanks as one.
            quorum: When something has won.

        Raises:
            Exception: What `ballot` raises.

        """

        def describe(call: Call) -> dict[str, Any]:
            wire: dict[str, Any] = {"kind": "vote", "tasks": _all(call, tasks), "quorum": quorum}
            if ballot is not None:
                function = needed("ballot", ballot)

                async def said(asked: dict[str, Any]) -> Any:
                    return await call.decided(_text(function, call.outcome(asked["outcome"])))

                call.deciding["ballot"] = said
                wire["ask"] = True
            return wire

        def read(result: dict[str, Any], call: Call) -> VoteOutcome:
            outcomes = call.outcomes(result["outcomes"])
            return VoteOutcome(
                ballot=result["ballot"],
                winner=_winner(result["winner"], outcomes),
                agreement=result["agreement"],
                counts=result["counts"],
                outcomes=outcomes,
                error=result["error"] and call.reason(result["error"]),
            )

        return await self._open().call(describe, read)

    async def map_reduce(
        self,
        tasks: Iterable[TaskLike],
        reduce: Callable[[list[Outcome]], TaskLike | Awaitable[TaskLike]],
        *,
        fan_in: int | None = None,
    ) -> MapReduceOutcome:
        """Makes one answer of many.

        Args:
            tasks: Whose answers are put together.
            reduce: The task that makes one answer of several.
            fan_in: How many answers are put together at most at once; 2 or more. Default 8.

        Raises:
            InvalidArgumentError: ``fan_in`` is below 2; nothing was started.

        """

        def describe(call: Call) -> dict[str, Any]:
            function = needed("reduce", reduce)

            async def reduced(asked: dict[str, Any]) -> Any:
                return call.task(await _settled(function(call.outcomes(asked["outcomes"]))))

            call.deciding["reduce"] = reduced
            wire: dict[str, Any] = {"kind": "map_reduce", "tasks": _all(call, tasks)}
            return wire if fan_in is None else {**wire, "fan_in": fan_in}

        def read(result: dict[str, Any], call: Call) -> MapReduceOutcome:
            return MapReduceOutcome(
                outcome=result["outcome"] and call.outcome(result["outcome"]),
                mapped=call.outcomes(result["mapped"]),
                reduced=call.outcomes(result["reduced"]),
                error=result["error"] and call.reason(result["error"]),
            )

        return await self._open().call(describe, read)

    async def until(
        self, task: TaskLike, judge: Callable[[Outcome, int], Verdict | Awaitable[Verdict]], *, rounds: int
    ) -> UntilOutcome:
        """Asks one session again until its answer is good.

        Args:
            task: What it is asked first.
            judge: Looks at the answer of a round, counted from 1: ``{"done": True}``, or ``{"prompt": ...}``.
            rounds: How many at most; 1 or more.

        Raises:
            InvalidArgumentError: ``rounds`` is below 1; nothing was started.

        """

        def describe(call: Call) -> dict[str, Any]:
            function = needed("judge", judge)

            async def judged(asked: dict[str, Any]) -> Any:
                return await _settled(function(call.outcome(asked["outcome"]), asked["round"]))

            call.deciding["judge"] = judged
            return {"kind": "until", "task": call.task(task), "rounds": rounds}

        def read(result: dict[str, Any], call: Call) -> UntilOutcome:
            return UntilOutcome(
                done=result["done"],
                outcomes=call.outcomes(result["outcomes"]),
                error=result["error"] and call.reason(result["error"]),
            )

        return await self._open().call(describe, read)

    def progress(self) -> AsyncIterator[Progress]:
        """What happens to tasks from now on, in an async iterator that ends with the orchestrator.

        Nothing waits for who reads it: what is not read yet is kept, pieces of text of one task put together.
        """
        return self._open().watch()

    async def stats(self) -> OrchestratorStats:
        """Counts over everything it did."""
        return OrchestratorStats(**await self._open().request("stats"))

    async def reset_stats(self) -> None:
        """Sets the counts back to 0."""
        await self._open().request("reset_stats")


class AsCompleted:
    """Outcomes as they are there. Ends what is left when its ``async with`` is left, or by :meth:`aclose`."""

    def __init__(
        self, engine: Engine, describe: Callable[[Call, Callable[[], Awaitable[None]]], dict[str, Any]], most: int
    ) -> None:
        self._engine = engine
        self._describe = describe
        self._most = most
        self._unread: deque[Outcome] = deque()
        self._waiters: list[Waiter] = []
        self._cancel: Callable[[], None] | None = None
        self._over = False
        self._error: BaseException | None = None

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __anext__(self) -> Outcome:
        if self._cancel is None and not self._over:
            self._start()
        while not self._unread:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._over:
                raise StopAsyncIteration
            await self._wait()
        outcome = self._unread.popleft()
        self._wake()
        return outcome

    async def aclose(self) -> None:
        """Gives up what is not there yet, without waiting for its programs."""
        self._over = True
        self._unread.clear()
        self._error = None
        if self._cancel is not None:
            self._cancel()
        self._wake()

    def __del__(self) -> None:
        if self._cancel is not None and not self._over:
            self._cancel()

    def _start(self) -> None:
        import contextvars
        import weakref

        # An iterator that is forgotten must end: its work must not keep it.
        mine = weakref.ref(self)
        engine, describe = self._engine, self._describe

        def came(outcome: Outcome) -> None:
            if (one := mine()) is not None and not one._over:
                one._unread.append(outcome)
                one._wake()

        async def room() -> None:
            while (one := mine()) is not None and len(one._unread) >= one._most:
                waiter = engine.loop.waiter()
                one._waiters.append(waiter)
                del one
                await waiter.wait()

        def described(call: Call) -> dict[str, Any]:
            call.on_outcome = came
            return {**describe(call, room), "each": True}

        async def work() -> None:
            error: BaseException | None = None
            try:
                await engine.call(described, lambda result, call: None)
            except Exception as raised:
                error = raised
            finally:
                if (one := mine()) is not None:
                    one._error = None if one._over else error
                    one._over = True
                    one._wake()

        self._cancel = engine.loop.spawn(work, contextvars.copy_context())

    async def _wait(self) -> None:
        waiter = self._engine.loop.waiter()
        self._waiters.append(waiter)
        try:
            await waiter.wait()
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set()


def _parallel(
    call: Call,
    tasks: TaskSource,
    max_concurrent: int | None,
    on_error: OnError,
    room: Callable[[], Awaitable[None]] | None,
) -> dict[str, Any]:
    wire: dict[str, Any] = {"kind": "parallel", "on_error": on_error}
    if max_concurrent is not None:
        wire["max_concurrent"] = max_concurrent
    if isinstance(tasks, (list, tuple)):
        return {**wire, "tasks": [call.place(task) for task in tasks]}
    pull = Pull(tasks, call.loop)

    async def next_task(_: dict[str, Any]) -> Any:
        if room is not None:
            await room()
        found: Any = await pull.next()
        return None if found is END else call.place(found)

    call.deciding["next_task"] = next_task
    call.on_end = pull.stop
    return wire


def _all(call: Call, tasks: Iterable[TaskLike]) -> list[dict[str, Any]]:
    return [call.task(task) for task in listed(tasks, "tasks")]


async def _call(function: Callable[..., Any], *given: Any) -> Any:
    return await _settled(function(*given))


async def _text(function: Callable[..., Any], outcome: Outcome) -> str | None:
    said = await _call(function, outcome)
    if said is None or isinstance(said, str):
        return said
    raise unfit("ballot", f"expected a text or None, not {said!r:.80}")


def _winner(index: int | None, outcomes: list[Outcome]) -> Outcome | None:
    return next((one for one in outcomes if one.index == index), None)
