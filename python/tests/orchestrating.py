"""The steps of a scenario for an orchestrator, with what a host decides on the way as data."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
from asking import Boom
from matching import matches

import madrigal

LATE = 10.0
Place = Callable[[dict[str, Any]], madrigal.ClaudeAgentOptions]


class Conductor:
    """An orchestrator and its progress so far."""

    def __init__(self, config: dict[str, Any], place: Place, managers: dict[str, madrigal.AuthManager]) -> None:
        rest, self.managers = dict(config), managers
        options = place(rest.pop("options", {}))
        if "auth" in rest:
            options = dataclasses.replace(options, auth=managers[rest.pop("auth")])
        if "fallbacks" in rest:
            rest["fallbacks"] = [self.named(one) for one in rest["fallbacks"]]
        self.orchestrator = madrigal.Orchestrator(options, **rest)
        self.orchestrator.open()
        self.progress: AsyncIterator[madrigal.Progress] = self.orchestrator.progress()
        self.seen: list[dict[str, Any]] = []

    def named(self, fallback: Any) -> Any:
        """A fallback with the manager that it names."""
        return {**fallback, "auth": self.managers[fallback["auth"]]} if "auth" in fallback else fallback

    async def look(self) -> dict[str, Any]:
        self.seen.append(wire(await anext(self.progress)))
        return self.seen[-1]

    async def flow(self, flow: dict[str, Any], reply: Any, cancel_when: Any) -> None:
        if cancel_when is None:
            said = await self.perform(flow)
            assert matches(reply, said), f"{reply}: {said}"
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.perform, flow)
            while not matches(cancel_when, await self.look()):
                pass
            tasks.cancel_scope.cancel()

    async def stats(self, pattern: Any) -> None:
        late = anyio.current_time() + LATE
        while not matches(pattern, stats := wire(await self.orchestrator.stats())):
            assert anyio.current_time() < late, stats
            await anyio.sleep(0.005)

    async def stages(self, patterns: list[Any]) -> None:
        at = 0
        with anyio.fail_after(LATE):
            for pattern in patterns:
                while True:
                    if at == len(self.seen):
                        await self.look()
                    at += 1
                    if matches(pattern, self.seen[at - 1]):
                        break
        assert [one["sequence"] for one in self.seen] == list(range(len(self.seen)))

    async def perform(self, flow: dict[str, Any]) -> Any:
        rest = dict(flow)
        kind, orchestrator = rest.pop("kind"), self.orchestrator

        def task(written: Any) -> Any:
            return task_of(written, self.managers)

        tasks = [task(one) for one in rest.pop("tasks", [])]
        if "stagger_ms" in rest:
            rest["stagger"] = rest.pop("stagger_ms") / 1000
        match kind:
            case "run":
                return {"outcome": wire(await orchestrator.run(task(rest["task"])))}
            case "parallel":
                source: Any = slowly(tasks) if rest.pop("lazy", False) else tasks
                if rest.pop("each", False):
                    return {"count": len([one async for one in orchestrator.as_completed(source, **rest)])}
                return {"outcomes": wire(await orchestrator.parallel(source, **rest))}
            case "pipeline":
                steps = [step(one, task) for one in rest.pop("steps")]
                return {"outcomes": wire(await orchestrator.pipeline(steps, **rest))}
            case "race":
                if (accept := rest.pop("accept", None)) is not None:
                    rest["accept"] = lambda outcome: decided(accept.get(outcome.text)) is True
                return won(await orchestrator.race(tasks, **rest))
            case "vote":
                if (ballot := rest.pop("ballot", None)) is not None:
                    rest["ballot"] = lambda outcome: decided(ballot.get(outcome.text))
                return won(await orchestrator.vote(tasks, **rest))
            case "map_reduce":
                reduce = rest.pop("reduce")
                return wire(await orchestrator.map_reduce(tasks, lambda _: task(decided(reduce)), **rest))
            case "until":
                verdicts = rest.pop("judge")
                asked = task(rest.pop("task"))
                return wire(await orchestrator.until(asked, lambda _, n: decided(verdicts[:n][-1]), **rest))
        raise AssertionError(f"no such call: {kind}")


class Raised(Boom):
    """What a function of the host raises."""


def task_of(written: Any, managers: dict[str, madrigal.AuthManager]) -> Any:
    if not isinstance(written, dict) or "raise" in written:
        return written
    given = dict(written)
    if "options" in given:
        given["options"] = madrigal.ClaudeAgentOptions(**given["options"])
    if "auth" in given:
        options = given.get("options", madrigal.ClaudeAgentOptions())
        given["options"] = dataclasses.replace(options, auth=managers[given.pop("auth")])
    if "timeout_ms" in given:
        given["timeout"] = given.pop("timeout_ms") / 1000
    if "class" in given:
        given["task_class"] = given.pop("class")
    return madrigal.Task(**given)


def step(written: Any, task: Callable[[Any], Any]) -> Any:
    if not isinstance(written, dict) or not {"make", "raise"} & set(written):
        return task(written)
    return lambda _: task(decided(written.get("make", written)))


def decided(value: Any) -> Any:
    if isinstance(value, dict) and "raise" in value:
        raise Raised(value["raise"])
    return value


async def slowly(tasks: list[Any]) -> AsyncIterator[Any]:
    for one in tasks:
        yield decided(one)


def wire(value: Any) -> Any:
    """A result in the form in which it crosses."""
    if isinstance(value, madrigal.MadrigalError):
        facts = {name: getattr(value, name) for name in ("code", "message", "operation", "context", "causes")}
        after = {} if value.retry_after is None else {"after_ms": round(value.retry_after * 1000)}
        return {**facts, "retry": {"verdict": value.retry, **after}}
    if isinstance(value, list):
        return [wire(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        raw = getattr(value, "raw", "")
        return (
            json.loads(raw)
            if raw
            else {item.name: wire(getattr(value, item.name)) for item in dataclasses.fields(value)}
        )
    return value


def won(result: madrigal.RaceOutcome | madrigal.VoteOutcome) -> dict[str, Any]:
    said: dict[str, Any] = wire(result)
    return {**said, "winner": None if result.winner is None else result.winner.index}
