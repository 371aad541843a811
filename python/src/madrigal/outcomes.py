"""What became of tasks, and what happens to them on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from .errors import MadrigalError

if TYPE_CHECKING:
    from .messages import Message

OutcomeStatus = Literal["succeeded", "failed", "rejected", "timed_out", "cancelled", "skipped"]
"""``failed``: as often as it may be tried; ``rejected``: not let in; ``cancelled``: not needed any more; ``skipped``:
never started, because of how another one ended."""
Start = Literal["cold", "prewarmed", "recycled"]
"""How a program came to be there: started for the task, ready before, or used by another run before."""
ProgressStage = Literal[
    "queued",
    "waiting",
    "admitted",
    "started",
    "hedge",
    "delta",
    "tool",
    "api_retry",
    "retry",
    "fallback",
    "budget",
    "done",
    "dropped",
]
"""What can happen to a task; see :class:`Progress`."""


@dataclass(kw_only=True)
class Outcome:
    """What became of a task."""

    index: int
    """The position of the task among its siblings, from 0."""
    status: OutcomeStatus
    """How it ended."""
    name: str | None = None
    """The name of the task."""
    text: str = ""
    """The text of the answer; empty when there is none."""
    structured_output: Any = None
    """The value that ``output_format`` asked for."""
    session_id: str | None = None
    """The last session it ran in; by this it can be resumed."""
    cost_usd: float = 0.0
    """What all attempts cost, in US dollars."""
    usage: dict[str, Any] = field(default_factory=dict)
    """Tokens of all attempts, in the words of the API."""
    attempts: int = 0
    """How often it was started."""
    start: Start | None = None
    """How its program came to be there, at the last attempt; ``None`` when it was never started."""
    duration_ms: int = 0
    """From being taken up to the outcome."""
    model: str | None = None
    """The model that served it, where it said so."""
    credential: str | None = None
    """Whose credential its last attempt was let in with: the fingerprint, or the name that a fallback gives it.
    ``None`` where only the program knows it, or it was not let in."""
    fallback: int = 0
    """Which of the fallbacks served it: 0 is the task as it was given."""
    error: MadrigalError | None = None
    """Why it was not answered. When a function of this program failed, its exception is the ``__cause__``."""
    messages: list[Message] = field(default_factory=list, repr=False)
    """The messages of the last attempt, without the pieces (``StreamEvent``) that whole messages repeat."""

    @property
    def ok(self) -> bool:
        """Whether it was answered."""
        return self.status == "succeeded"


@dataclass(kw_only=True)
class RaceOutcome:
    """How a race ended."""

    winner: Outcome | None
    """The first answer that counts."""
    outcomes: list[Outcome]
    """In the order of the tasks. Those that were beaten are ``cancelled``."""


@dataclass(kw_only=True)
class VoteOutcome:
    """How a vote ended."""

    ballot: str | None
    """What won."""
    winner: Outcome | None
    """The first answer that says it."""
    agreement: float
    """The part of all that were asked who say it, from 0 to 1."""
    counts: dict[str, int]
    """How many said what."""
    outcomes: list[Outcome]
    """In the order of the tasks. Those that could not change the result any more are ``cancelled``."""
    error: MadrigalError | None
    """Why nothing won."""


@dataclass(kw_only=True)
class MapReduceOutcome:
    """What was made of many answers."""

    outcome: Outcome | None
    """The last answer."""
    mapped: list[Outcome]
    """Those of the tasks, in order."""
    reduced: list[Outcome]
    """Those of the tasks that put some of the answers together, level by level; without the last."""
    error: MadrigalError | None
    """Why there is no answer."""


@dataclass(kw_only=True)
class UntilOutcome:
    """How asking again ended."""

    done: bool
    """Whether the last answer was found good."""
    outcomes: list[Outcome]
    """One for each round."""
    error: MadrigalError | None
    """Why it ended otherwise: the rounds were used up, one was not answered, ``judge`` failed."""


@dataclass(kw_only=True)
class OrchestratorStats:
    """Counts over everything an orchestrator did."""

    total: int
    """Tasks that have an outcome."""
    succeeded: int
    """Those that were answered."""
    failed: int
    """Those that failed or ran out of time."""
    rejected: int
    """Those that were not let in."""
    cancelled: int
    """Those that were given up or never started."""
    attempts: int
    """How often something was started."""
    hedged: int
    """Second attempts that were started beside one that was late."""
    hedges_won: int
    """Those of them that went on because they were answered first."""
    prewarmed: int
    """Tasks whose last attempt found a program that was started ahead."""
    recycled: int
    """Tasks whose last attempt found a program that had served another."""
    idle: int
    """Programs that stand ready now."""
    dropped: int
    """Programs that were taken out of the pool."""
    cost_usd: float
    """US dollars."""
    duration_ms: int
    """The sum of the durations of all tasks."""
    average_cost_usd: float
    """US dollars a task."""
    average_duration_ms: float
    """Milliseconds a task."""


@dataclass(kw_only=True)
class Progress:
    """Something happened to a task. Fields that a stage does not have are ``None``."""

    sequence: int
    """Counts from 0, without gaps, for each who watches."""
    flow: int
    """The call it belongs to, from 1; 0 for what belongs to none."""
    kind: str
    """Its kind: ``run``, ``parallel``, ``pipeline``, ``race``, ``vote``, ``map_reduce``, ``until``; ``pool``."""
    index: int
    """The position of the task in that call."""
    stage: ProgressStage
    """What happened: it was taken up, has to wait, was let in, its program runs, a second one is started beside it,
    it said something, uses a tool, its program waits to ask the API again, it will be tried again, it goes to the
    next of its fallbacks, a limit of money came near, it has its outcome; a program was taken out of the pool."""
    name: str | None = None
    """The name of the task."""
    text: str | None = None
    """``delta``: what it said."""
    tool: str | None = None
    """``tool``: which."""
    id: str | None = None
    """``tool``: the id of the call."""
    reason: str | None = None
    """``waiting``: for what (``rate``, ``slot``, ``start``, ``memory``, ``circuit``...); ``dropped``: why."""
    retry_after_ms: int | None = None
    """``waiting``: how long at least."""
    provider: str | None = None
    """``admitted``: who answers, as the limits count it, such as ``anthropic``."""
    credential: str | None = None
    """``admitted``: whose credential, by its fingerprint or the name that a fallback gives it; ``None`` where only the
    program knows it."""
    attempt: int | None = None
    """``started``, ``hedge``, ``api_retry``, ``retry``: counts from 1."""
    start: Start | None = None
    """``started``: how its program came to be there."""
    after_ms: int | None = None
    """``api_retry``, ``retry``: when; ``hedge``: after how long the first was late."""
    resume: bool | None = None
    """``retry``: by resuming its session instead of afresh."""
    model: str | None = None
    """``fallback``: to which."""
    error: MadrigalError | None = None
    """``retry``, ``fallback``: why."""
    scope: str | None = None
    """``budget``: ``run``, ``flow``, ``key_hour``, ``key_day`` or ``global``."""
    account: str | None = None
    """``budget``: whose it is."""
    percent: int | None = None
    """``budget``: 50, 80 or 95."""
    limit_usd: float | None = None
    """``budget``: the limit."""
    spent_usd: float | None = None
    """``budget``: what is spent of it."""
    held_usd: float | None = None
    """``budget``: what is held for runs under way."""
    status: str | int | None = None
    """``done``: that of the outcome; ``api_retry``: what the API gave."""
    cost_usd: float | None = None
    """``done``: what it cost."""
    duration_ms: int | None = None
    """``done``: how long it took."""
    pid: int | None = None
    """``dropped``: which program."""


_PROGRESS = {item.name for item in fields(Progress)}
_OUTCOME = {item.name for item in fields(Outcome)} - {"error", "messages"}


def outcome_from_wire(wire: dict[str, Any], reason: Callable[[dict[str, Any]], MadrigalError]) -> Outcome:
    """An outcome of the engine. `reason` makes its error."""
    from .messages import from_wire as message

    given = {name: wire[name] for name in _OUTCOME if wire.get(name) is not None}
    return Outcome(
        **given,
        error=reason(wire["error"]) if wire.get("error") else None,
        messages=[message(frame, json.dumps(frame)) for frame in wire.get("messages") or ()],
    )


def progress_from_wire(wire: dict[str, Any], sequence: int, error: MadrigalError | None) -> Progress:
    """What happened, as the engine tells it."""
    given = {name: value for name, value in wire.items() if name in _PROGRESS}
    return Progress(**{**given, "sequence": sequence, "error": error})
