"""What the scenarios cannot say: functions of tasks, outcomes as they come, cancelling, closing."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from conftest import simulator

import madrigal
from madrigal import CircuitBreaker, ClaudeAgentOptions, CostBudget, Orchestrator, RateLimiter, Task

pytestmark = pytest.mark.anyio

ECHO = [
    {"await": {"type": "user"}, "save": "p"},
    {"init": {}},
    {"result": {"result": "$p.message.content", "total_cost_usd": 0.25}},
]
HANG = [{"await": {"type": "user"}}, {"init": {}}, {"hang": True}]
ASKS = [
    {"await": {"type": "user"}},
    {
        "emit": {
            "type": "control_request",
            "request_id": "r1",
            "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t1"},
        }
    },
    {"await": {"type": "control_response"}, "save": "a"},
    {"result": {"result": "$a.response.response.behavior"}},
]


def playing(steps: list[Any], **more: Any) -> ClaudeAgentOptions:
    scenario = json.dumps({"name": "inline", "cli": steps})
    return ClaudeAgentOptions(cli_path=simulator(), env={"MADRIGAL_SIMULATE": scenario}, **more)


async def test_outcomes_come_as_they_are_there_and_leaving_gives_up_the_rest() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield f"task {taken}"

    async with Orchestrator(playing(ECHO), max_concurrent=2, rate_limit=None) as orchestrator:
        async with orchestrator.as_completed(endless()) as outcomes:
            seen = [(await anext(outcomes)).text for _ in range(5)]
        assert set(seen) <= {f"task {number}" for number in range(1, taken + 1)}
        assert taken < 100
        assert (await orchestrator.run("after")).text == "after"


async def test_each_task_has_functions_of_its_own() -> None:
    async def deny(*_: Any) -> Any:
        return madrigal.PermissionResultDeny(message="no")

    async def allow(*_: Any) -> Any:
        return madrigal.PermissionResultAllow()

    async with Orchestrator(playing(ASKS, can_use_tool=deny)) as orchestrator:
        tasks: list[str | Task] = ["a", Task("b", options=ClaudeAgentOptions(can_use_tool=allow))]
        assert [outcome.text for outcome in await orchestrator.parallel(tasks)] == ["deny", "allow"]


async def test_who_cancels_gives_the_call_up_and_closing_leaves_nothing() -> None:
    async with Orchestrator(playing(HANG)) as orchestrator:
        progress = orchestrator.progress()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(orchestrator.run, "a")
            while (await anext(progress)).stage != "started":
                pass
            tasks.cancel_scope.cancel()
        while (await anext(progress)).stage != "done":
            pass
        assert (await orchestrator.stats()).cancelled == 1
    with pytest.raises(madrigal.ClosedError):
        await orchestrator.run("b")


async def test_what_accept_raises_is_raised_by_the_call() -> None:
    boom = RuntimeError("boom")

    def accept(_: madrigal.Outcome) -> bool:
        raise boom

    async with Orchestrator(playing(ECHO)) as orchestrator:
        with pytest.raises(RuntimeError) as raised:
            await orchestrator.race(["a"], accept=accept)
        assert raised.value is boom


async def test_a_wait_for_a_start_that_is_cancelled_gives_its_place_up() -> None:
    limiter = RateLimiter(per_minute=1)
    await limiter.check_and_wait()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.check_and_wait)
        while limiter.state()["waiting"] == 0:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    while limiter.state()["waiting"]:
        await anyio.lowlevel.checkpoint()
    with pytest.raises(madrigal.RateLimitedError) as refused:
        await limiter.check_and_wait(timeout=0.01)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 1
    limiter.close()
    with pytest.raises(madrigal.ClosedError):
        limiter.state()


async def test_a_breaker_around_a_function() -> None:
    breaker = CircuitBreaker(failure_threshold=1)
    boom = ValueError("boom")

    async def attempt() -> None:
        raise boom

    with pytest.raises(ValueError, match="boom") as raised:
        await breaker.call(attempt)
    assert raised.value is boom
    with pytest.raises(madrigal.CircuitOpenError):
        await breaker.call(attempt)


def test_policies_need_no_loop_and_name_what_is_wrong() -> None:
    marks: list[dict[str, Any]] = []
    with CostBudget(marks.append, total_usd=1) as budget:
        budget.reserve(0.6).settle(0.55)
        assert [(mark["scope"], mark["percent"]) for mark in marks] == [("global", 50)]
        with pytest.raises(madrigal.BudgetExceededError):
            budget.reserve(0.5)
    with pytest.raises(madrigal.ClosedError):
        budget.state()
    with pytest.raises(madrigal.InvalidOptionsError, match="failure_threshold"):
        CircuitBreaker(failure_threshold=0)
    with pytest.raises(madrigal.InvalidArgumentError):
        CostBudget().limit(1, flow="a", run="b")
