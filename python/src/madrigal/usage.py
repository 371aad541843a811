"""What a run used and what it cost.

The program repeats itself: each block of a message states the usage of the whole message, and ``total_cost_usd`` counts
since the process started and goes on across resume. So usage is counted once for each message, and cost as the
difference of totals.
"""

from __future__ import annotations

import math
from typing import Any, TypedDict

from .messages import AssistantMessage, Message, ResultMessage, StreamEvent

_TOKENS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Usage(TypedDict):
    """Tokens."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int


class CostMeter:
    """Turns cumulative totals into the cost of each turn and of a run, in US dollars.

    A total that is smaller than the one before means that the program counts anew (a new process without resume): all
    of it is charged. ``/clear`` changes the session id and not the count, so ids play no part.

    Args:
        resumed_at_usd: For a session that is resumed: its last ``total_cost_usd``, which is not charged again.

    >>> meter = CostMeter()
    >>> [meter.charge_total(total) for total in (0.25, 0.75, 0.5)]
    [0.25, 0.5, 0.5]
    >>> meter.cost_usd
    1.25

    """

    def __init__(self, resumed_at_usd: float = 0.0) -> None:
        self._last = resumed_at_usd
        self._spent = 0.0

    @property
    def cost_usd(self) -> float:
        """Charged so far."""
        return self._spent

    def charge(self, result: ResultMessage) -> float:
        """What this turn cost; 0 for a result that states no total."""
        return self.charge_total(result.total_cost_usd)

    def charge_total(self, total: float | None) -> float:
        """The same for a total. One of 0 comes from a program that could not start, and has not counted anything."""
        if total is None or not math.isfinite(total) or total <= 0:
            return 0.0
        cost = total - self._last if total >= self._last else total
        self._last = total
        self._spent += cost
        return cost


class UsageMeter:
    """Adds up tokens and money of a run, each once.

    Give it every message, in order, over as many processes as the run has.

    Args:
        resumed_at_usd: For a session that is resumed: its last ``total_cost_usd``, which is not counted again.

    >>> import asyncio
    >>> from madrigal import UsageMeter, query
    >>> async def main():
    ...     meter = UsageMeter()
    ...     async for message in query(prompt="What is 2 + 2?"):
    ...         meter.add(message)
    ...     return meter.message_count
    >>> asyncio.run(main())
    1

    """

    def __init__(self, resumed_at_usd: float = 0.0) -> None:
        self._messages: dict[str, Usage] = {}
        self._cost = CostMeter(resumed_at_usd)

    def add(self, message: Message) -> None:
        """Takes note of a message."""
        if isinstance(message, StreamEvent):
            self._event(message)
        elif isinstance(message, AssistantMessage):
            # The program itself speaks as this model; that costs nothing.
            if message.model != "<synthetic>":
                self._count(message.message_id, message.usage)
        elif isinstance(message, ResultMessage):
            self._cost.charge(message)

    def _event(self, message: StreamEvent) -> None:
        match message.event.get("type"):
            case "message_start":
                started = message.event.get("message") or {}
                self._count(started.get("id"), started.get("usage"))
            case "message_delta":
                self._count(message.api_message_id, message.event.get("usage"))

    def _count(self, message_id: str | None, usage: dict[str, Any] | None) -> None:
        if not message_id:
            return
        known = self._messages.setdefault(message_id, _nothing())
        # The counts only grow, and not every frame states all of them: the largest of each is the final one.
        for name in _TOKENS:
            known[name] = max(known[name], (usage or {}).get(name) or 0)  # type: ignore[literal-required]

    @property
    def usage(self) -> Usage:
        """Tokens of all messages of the model, subagents included.

        Without ``include_partial_messages`` the counts of output are those known when each block was complete, which
        can be less than was billed.
        """
        total = _nothing()
        for usage in self._messages.values():
            for name in _TOKENS:
                total[name] += usage[name]  # type: ignore[literal-required]
        return total

    @property
    def message_count(self) -> int:
        """How many messages of the model were counted."""
        return len(self._messages)

    @property
    def cost_usd(self) -> float:
        """US dollars."""
        return self._cost.cost_usd


def _nothing() -> Usage:
    return Usage(input_tokens=0, output_tokens=0, cache_creation_input_tokens=0, cache_read_input_tokens=0)
