"""Limits by themselves, without an orchestrator: how often something starts, when to stop asking, how much is spent."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from ._policy import Decider, Line
from .errors import ClosedError, InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .limits import Budget, Circuit, Key, RateLimit, TaskClass

T = TypeVar("T")

CircuitPhase = Literal["closed", "open", "half_open"]
"""Where a breaker stands: all passes, nothing passes, or one probe after the other."""
Forced = Literal["open", "disabled", "metrics_only"]
"""A state somebody wants, whatever happens: nothing passes; all passes uncounted; all passes and is counted."""


class Spender(TypedDict, total=False):
    """On whose account something is spent: the run, which belongs to a flow, which uses a key."""

    key: Key
    """Default: the empty key."""
    flow: str
    """The flow, by a name of its own."""
    run: str
    """The run, by a name of its own."""


class Answered(TypedDict):
    """A server answered."""

    type: Literal["answered"]


class _Throttled(TypedDict):
    type: Literal["throttled"]


class Throttled(_Throttled, total=False):
    """A server wants fewer requests (429, 529)."""

    retry_after_ms: int
    """The wait it asked for."""


class ServerClosed(TypedDict):
    """Nothing will be answered for a while."""

    type: Literal["closed"]
    wait_ms: int
    """How long."""


RateFeedback = Answered | Throttled | ServerClosed
"""What a server said about the rate."""


class RatePermit:
    """A start that was counted. Forgetting it changes nothing: it has started."""

    def __init__(self, line: Line, number: int) -> None:
        self._line = line
        self._number = number

    def refund(self) -> None:
        """Nothing was sent: the start does not count."""
        self._line.decide("refund", permit=self._number)

    def settle_tokens(self, tokens: int) -> None:
        """Corrects the estimate of tokens to those that counted."""
        self._line.decide("settle_tokens", permit=self._number, tokens=tokens)


class RateLimiter:
    """Lets runs start no more often than a limit says; who must wait does so in order.

    By default 60 starts a minute and 1000 an hour, for each key. Belongs to the event loop in which it is used: to
    one at a time, and when that has ended to the next.

    Raises:
        InvalidOptionsError: At its first use; the message names the field.

    >>> import asyncio
    >>> from madrigal import RateLimiter
    >>> async def main():
    ...     limiter = RateLimiter(per_minute=2)
    ...     await limiter.check_and_wait()
    ...     print(limiter.state()["last_minute"])
    >>> asyncio.run(main())
    1

    """

    def __init__(self, **limit: Unpack[RateLimit]) -> None:
        self._limit: dict[str, Any] = dict(limit)
        self._line: Line | None = None
        self._closed = False

    def _open(self) -> Line:
        if self._closed:
            raise ClosedError("the rate limiter is closed", operation="rate_limiter", context={"reason": "closed"})
        if self._line is None:
            self._line = Line(self._limit)
        return self._line

    async def check_and_wait(
        self,
        key: Key | None = None,
        *,
        tokens: int | None = None,
        task_class: TaskClass | None = None,
        timeout: float | None = None,
    ) -> RatePermit:
        """Waits until a start is due.

        Args:
            key: Whose start.
            tokens: An estimate of the tokens it will use, where tokens are limited.
            task_class: Who goes first. Default ``normal``.
            timeout: Seconds after which it is too late. Default: never.

        Raises:
            RateLimitedError: At once, when it could not start in time; ``retry_after`` says when it could.

        """
        line = self._open()
        reply = await line.acquire(_wish(key, tokens, task_class, timeout))
        return RatePermit(line, reply["permit"])

    def try_acquire(
        self, key: Key | None = None, *, tokens: int | None = None, task_class: TaskClass | None = None
    ) -> RatePermit | None:
        """A start if one is due now, else ``None``; :meth:`state` says when."""
        line = self._open()
        number = line.decide("try_acquire", wish=_wish(key, tokens, task_class, None))["permit"]
        return None if number is None else RatePermit(line, number)

    def feedback(self, said: RateFeedback, key: Key | None = None) -> None:
        """Tells what a server said: it answered, wants fewer, or wants none for a while."""
        self._open().decide("feedback", said=said, key=key)

    def state(self, key: Key | None = None) -> dict[str, Any]:
        """``last_minute``, ``last_hour``, ``next_start_ms``, ``share``, ``closed_ms`` and ``waiting``."""
        state: dict[str, Any] = self._open().decide("state", key=key)
        return state

    def close(self) -> None:
        """Forgets it; who waits hears `ClosedError`."""
        self._closed = True
        if self._line is not None:
            self._line.release("the rate limiter is closed")


class _Closing:
    _policy: Decider

    def close(self) -> None:
        """Forgets it. What is asked of it afterwards raises `ClosedError`."""
        self._policy.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CircuitTicket:
    """A request that was let through and whose end is not known yet. Only its first verdict counts."""

    def __init__(self, policy: Decider, number: int) -> None:
        self._policy = policy
        self._number = number

    def success(self) -> None:
        """It went well."""
        self._policy.decide("finish", ticket=self._number, verdict="success")

    def failure(self, *, retry_after: float | None = None) -> None:
        """It failed. `retry_after`: the seconds a server asked for."""
        wait = None if retry_after is None else _milliseconds("retry_after", retry_after)
        self._policy.decide("finish", ticket=self._number, verdict="failure", retry_after_ms=wait)

    def ignore(self) -> None:
        """How it ended says nothing about the other side."""
        self._policy.decide("finish", ticket=self._number, verdict="ignored")


class CircuitBreaker(_Closing):
    """Opens when something has failed too often, and tries it again after a while. Needs no event loop.

    By default it opens after 5 failures in a row for 60 seconds, and 2 successes close it.

    Raises:
        InvalidOptionsError: The message names the field.

    >>> from madrigal import CircuitBreaker
    >>> breaker = CircuitBreaker(failure_threshold=1)
    >>> breaker.allow_request()
    True
    >>> breaker.record_failure()
    >>> breaker.allow_request(), breaker.state
    (False, 'open')

    """

    def __init__(self, **circuit: Unpack[Circuit]) -> None:
        self._policy = Decider("circuit_breaker", circuit)

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Calls a function if it may pass; whether it raises is the verdict.

        Raises:
            CircuitOpenError: Without calling it; ``retry_after`` says when to come back.
            Exception: What it raises.

        """
        ticket = self.try_request()
        try:
            result = attempt()
            value = await result if inspect.isawaitable(result) else result
        except Exception:
            ticket.failure()
            raise
        except BaseException:
            ticket.ignore()
            raise
        ticket.success()
        return value

    def allow_request(self) -> bool:
        """Whether a request may pass. Half open, the first to ask has the probe: record what came of it."""
        allowed: bool = self._policy.decide("allow_request")
        return allowed

    def record_success(self) -> None:
        """A request went well."""
        self._policy.decide("record_success")

    def record_failure(self) -> None:
        """A request failed."""
        self._policy.decide("record_failure")

    def try_request(self) -> CircuitTicket:
        """Lets a request through whose verdict is told by its ticket. Raises `CircuitOpenError`."""
        return CircuitTicket(self._policy, self._policy.decide("try_request")["ticket"])

    @property
    def state(self) -> CircuitPhase:
        """Where it stands."""
        phase: CircuitPhase = self.info()["state"]
        return phase

    def info(self) -> dict[str, Any]:
        """All that is known of it.

        That is ``state``, ``forced``, ``retry_after_ms``, ``consecutive_failures``, ``successes``, ``failures``,
        ``openings``, ``cause`` and ``generation``.
        """
        info: dict[str, Any] = self._policy.decide("state")
        return info

    def force(self, state: Forced | None = None) -> None:
        """Puts it into a state, whatever happens; without one it decides again by itself."""
        self._policy.decide("force", state=state)

    def reset(self) -> None:
        """Forgets all that happened."""
        self._policy.decide("reset")


class Reservation:
    """What is held for a run. What is never settled stays charged, for nobody knows what it cost."""

    def __init__(self, policy: Decider, number: int) -> None:
        self._policy = policy
        self._number = number

    def observe(self, so_far_usd: float) -> None:
        """What the run has cost so far. Raises `BudgetExceededError` when it should be stopped."""
        self._policy.decide("observe", reservation=self._number, so_far_usd=so_far_usd)

    def settle(self, cost_usd: float) -> None:
        """What it has cost in the end; also of one that was uncertain."""
        self._policy.decide("settle", reservation=self._number, cost_usd=cost_usd)

    def uncertain(self, observed_usd: float = 0.0) -> None:
        """It is over and nobody knows what it cost: what it may have cost stays charged."""
        self._policy.decide("uncertain", reservation=self._number, observed_usd=observed_usd)


class CostBudget(_Closing):
    """Limits of money for runs, flows, keys and everything, in US dollars. Needs no event loop.

    Args:
        on_mark: Told when 50, 80 or 95 percent of a limit are spent: ``scope``, ``name``, ``percent``, ``limit_usd``,
            ``spent_usd``, ``held_usd``. Called by the call that reached the mark.
        budget: The limits; see :class:`Budget`.

    Raises:
        InvalidOptionsError: The message names the field.

    >>> from madrigal import CostBudget
    >>> budget = CostBudget(total_usd=5)
    >>> held = budget.reserve(0.5)
    >>> held.settle(0.25)
    >>> budget.state()["total_spent_usd"]
    0.25

    """

    def __init__(self, on_mark: Callable[[dict[str, Any]], object] | None = None, **budget: Unpack[Budget]) -> None:
        def heard(signal: dict[str, Any]) -> None:
            if signal.get("event") == "budget" and on_mark is not None:
                on_mark(signal["mark"])

        self._policy = Decider("cost_budget", budget, heard)

    def reserve(
        self, cap_usd: float, *, spender: Spender | None = None, margin_usd: float | None = None
    ) -> Reservation:
        """Holds what a run may cost at most, and `margin_usd` for a request that passes it.

        Raises:
            BudgetExceededError: When a limit has no room for it.

        """
        reply = self._policy.decide("reserve", cap_usd=cap_usd, spender=spender, margin_usd=margin_usd)
        return Reservation(self._policy, reply["reservation"])

    def limit(self, limit_usd: float | None, *, flow: str | None = None, run: str | None = None) -> None:
        """Gives a flow or a run a limit of its own; ``None``: none."""
        name, whose = _one(flow, run)
        self._policy.decide(f"limit_{name}", **{name: whose, "limit_usd": limit_usd})

    def forget(self, *, flow: str | None = None, run: str | None = None) -> None:
        """Forgets a flow or a run that is over."""
        name, whose = _one(flow, run)
        self._policy.decide(f"forget_{name}", **{name: whose})

    def state(self, spender: Spender | None = None) -> dict[str, Any]:
        """``total_spent_usd``, ``uncertain_usd`` and the ``accounts`` of a spender."""
        state: dict[str, Any] = self._policy.decide("state", spender=spender)
        return state


def _wish(key: Key | None, tokens: int | None, task_class: TaskClass | None, timeout: float | None) -> dict[str, Any]:
    wait = None if timeout is None else _milliseconds("timeout", timeout)
    given = {"key": key, "tokens": tokens, "class": task_class, "timeout_ms": wait}
    return {name: value for name, value in given.items() if value is not None}


def _milliseconds(name: str, seconds: float) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
        problem = f"{name}: expected seconds, 0 or more, not {seconds!r:.80}"
        raise InvalidArgumentError(problem, operation="policy", context={"field": name})
    return round(seconds * 1000)


def _one(flow: str | None, run: str | None) -> tuple[str, str]:
    if (flow is None) == (run is None):
        raise InvalidArgumentError("flow, run: give one of the two", operation="policy", context={"field": "flow"})
    return ("flow", flow) if flow is not None else ("run", str(run))
