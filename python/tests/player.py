"""Carries out the `host` steps of a scenario through the public names of the package, under asyncio or trio."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import resource
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import specialists
from asking import Asking, Boom, plain
from authority import Authority
from conftest import alive, simulator
from matching import in_order, matches
from orchestrating import Conductor, Raised
from policing import Police
from storing import Unsteady

import madrigal
from madrigal import _query, _session
from madrigal.client import ClaudeSDKClient
from madrigal.testing import run_session_store_conformance

NAMES = {"continue": "continue_conversation"}
FUNCTIONS = {"project_key": "project_key_for_directory"}
ARGUMENTS = {"previous": "prev"}
GONE_WITHIN = 10.0
STORED_WITHIN = 10.0
FLOOD = 2000
# What stands beside the name of a step.
BESIDE = ("error", "reply", "save", "with", "cancel_when", "types", "shown", "as", "of")


class Recorded(_session.Session):
    """Sessions opened by `query`, for what its public face does not tell: the pid and the exit."""

    last: Recorded | None = None

    def __init__(self, options: madrigal.ClaudeAgentOptions, *, may_be_left: bool = False) -> None:
        super().__init__(options, may_be_left=may_be_left)
        Recorded.last = self


_query.Session = Recorded  # type: ignore[attr-defined]


class Player:
    """One host. `path` is what the simulator plays; without one, `options` say what runs instead."""

    def __init__(self, path: Path | None, scenario: dict[str, Any], store: Unsteady | None = None) -> None:
        self.path, self.scenario = path, scenario
        self.store = store or (Unsteady(scenario["session_store"]) if "session_store" in scenario else None)
        self.expect: dict[str, Any] = scenario.get("expect", {})
        self.client: ClaudeSDKClient | None = None
        self.session: _session.Session | None = None
        self.stream: AsyncIterator[madrigal.Message] | None = None
        self.frames: list[dict[str, Any]] = []
        self.early: list[madrigal.Message] = []
        self.asking = Asking()
        self.conductor: Conductor | None = None
        self.police: Police | None = None
        self.authority: Authority | None = None
        self.auth: madrigal.AuthManager | None = None
        # The folder of the program, removed with the player.
        self.config: tempfile.TemporaryDirectory[str] | None = None
        if "files" in scenario:
            self.config = tempfile.TemporaryDirectory(prefix="madrigal-scenario-")
            for name, text in scenario["files"].items():
                file = Path(self.config.name, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                make(file, text)
        self.saved: dict[str, Any] = {}
        self.count = 0
        self.text: list[str] = []
        self.deltas: list[str] = []
        self.memory = memory_mb()
        self.pid: int | None = None

    def options(self) -> madrigal.ClaudeAgentOptions:
        given = {NAMES.get(name, name): value for name, value in self.scenario.get("options", {}).items()}
        if self.path is not None:
            given.setdefault("cli_path", simulator())
            given["env"] = {**given.get("env", {}), "MADRIGAL_SIMULATE": str(self.path)}
        if self.config is not None:
            given["env"] = {**given.get("env", {}), "CLAUDE_CONFIG_DIR": self.config.name}
        if self.store is not None:
            given["session_store"] = self.store
        if self.auth is not None:
            given["auth"] = self.auth
        options = madrigal.ClaudeAgentOptions(**{**given, **self.asking.options(self.scenario)})
        return specialists.through(options, self.scenario.get("through", ()))

    async def play(self, steps: list[dict[str, Any]]) -> None:
        if self.store is not None:
            await self.store.fill()
        for step in steps:
            expected = step.get("error")
            name = next(name for name in step if name not in BESIDE)
            try:
                await getattr(self, f"do_{name}")(step[name], step)
            except (madrigal.MadrigalError, Boom) as error:
                # The original exception arrives where the other languages see the code `callback`.
                if isinstance(error, Boom):
                    facts = {"code": "callback", "message": str(error), "context": error.context}
                    keepers = [self.asking, self.store, self.authority]
                    raised = [one for keeper in keepers if keeper is not None for one in keeper.raised]
                    assert isinstance(error, Raised) or any(error is one for one in raised)
                else:
                    facts = wire(error)
                assert expected is not None, f"{step}: {error!r} {facts}"
                assert matches(expected, facts), f"{step}: {facts}"
            else:
                assert expected is None, f"{step} should have failed"

    async def do_open(self, how: dict[str, Any], step: Any) -> None:
        options = self.options()
        if "auth" in how:
            options = dataclasses.replace(options, auth=self.managers[how["auth"]])
        client = ClaudeSDKClient(options)
        await client.connect()
        self.client, self.session, self.pid = client, client._session, client.pid
        self.stream = client.receive_messages()

    async def do_query(self, prompt: str, step: Any) -> None:
        self.stream = madrigal.query(prompt=prompt, options=self.options())
        # It starts with the first message asked for.
        self.early.append(await anext(self.stream))
        self.session = Recorded.last
        self.pid = ((self.session and self.session.opened) or {}).get("pid")

    async def do_send(self, prompt: Any, step: Any) -> None:
        async def one() -> AsyncIterator[dict[str, Any]]:
            yield prompt

        uuid = await self.open_client.query(prompt if isinstance(prompt, str) else one())
        self.saved[step.get("save", "")] = {"uuid": uuid}

    @property
    def open_client(self) -> ClaudeSDKClient:
        assert self.client is not None, "nothing is open"
        return self.client

    async def next_message(self) -> madrigal.Message | None:
        assert self.stream is not None, "nothing is open"
        message = self.early.pop(0) if self.early else await anext(self.stream, None)
        if message is not None:
            self.count += 1
            # What nobody expects is not kept: it may be a flood.
            if "deltas" in self.expect and isinstance(message, madrigal.StreamEvent):
                self.deltas.append(message.text)
            if "text" in self.expect and isinstance(message, madrigal.AssistantMessage):
                self.text.append(message.text)
        return message

    def keep(self, message: madrigal.Message) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(message.raw)
        self.frames.append(frame)
        if isinstance(message, madrigal.StreamEvent):
            assert message.event == frame["event"]
        return frame

    async def do_read(self, what: dict[str, Any], step: Any) -> None:
        wanted, until = what.get("count"), what.get("until")
        while wanted is None or wanted > 0:
            message = await self.next_message()
            if message is None:
                assert "end" in what, f"{step}: the stream ended after {self.frames[-3:]}"
                return
            wanted = wanted and wanted - 1
            # A flood is counted, not kept.
            if self.count > FLOOD and isinstance(message, madrigal.StreamEvent):
                assert not until or until.get("type", "stream_event") != "stream_event", "too many to look at"
            elif matches(until, self.keep(message)) and until is not None:
                return

    async def do_on_ask(self, how: dict[str, Any], step: Any) -> None:
        self.asking.rule(how)

    async def do_await_ask(self, pattern: Any, step: Any) -> None:
        while not any(matches(pattern, ask) for ask in self.asking.requests):
            await self.asking.change()

    async def do_answer(self, result: dict[str, Any], step: Any) -> None:
        (await self.asking.take()).answer(result)

    async def do_await_ask_cancelled(self, _: Any, step: Any) -> None:
        await (await self.asking.take()).cancelled.wait()

    async def do_progress(self, how: dict[str, Any], step: Any) -> None:
        context = (await self.asking.oldest(tool=True)).tool
        assert context is not None
        context.report_progress(**how)

    async def do_set_tools(self, how: dict[str, Any], step: Any) -> None:
        await self.open_client.set_tools(how["server"], [self.asking.tool(tool) for tool in how["tools"]])

    async def do_call(self, name: str, step: dict[str, Any]) -> None:
        given = {key: self.seen(value) for key, value in step.get("with", {}).items()}
        self.check_reply(await getattr(self.open_client, name)(**given), step)

    def seen(self, value: Any) -> Any:
        """What the last message that had this field said."""
        if not isinstance(value, str) or not value.startswith("$seen."):
            return value
        field = value.removeprefix("$seen.")
        return next(frame[field] for frame in reversed(self.frames) if field in frame)

    async def do_invoke(self, name: str, step: dict[str, Any]) -> None:
        if name in specialists.OPERATIONS:
            beside = dict(step.get("with", {}))
            if name in ("load_agents", "save_agent") and self.config is not None:
                beside.setdefault("config_dir", self.config.name)
            return self.check_reply(specialists.wire(specialists.OPERATIONS[name](**beside)), step)
        given = {ARGUMENTS.get(name, name): value for name, value in step.get("with", {}).items()}
        if name == "session_store_conformance":
            passed = await run_session_store_conformance(madrigal.InMemorySessionStore)
            return self.check_reply([{"check": check, "passed": True, "error": None} for check in passed], step)
        function = getattr(madrigal, FUNCTIONS.get(name, name))
        parameters = inspect.signature(function).parameters
        for store in {"store", "session_store"} & set(parameters):
            given[store] = self.store
        if self.config is not None and "config_dir" in parameters:
            given["config_dir"] = self.config.name
        result = function(**given)
        return self.check_reply(await result if inspect.isawaitable(result) else result, step)

    async def do_stored(self, key: Any, step: dict[str, Any]) -> None:
        assert self.store is not None
        with anyio.move_on_after(STORED_WITHIN):
            while not matches(step["reply"], await self.store.memory.load(key)):
                await anyio.sleep(0.01)
        self.check_reply(await self.store.memory.load(key), step)

    async def do_interrupt(self, _: Any, step: dict[str, Any]) -> None:
        self.check_reply(await self.open_client.interrupt(), step)

    async def do_control(self, request: dict[str, Any], step: dict[str, Any]) -> None:
        fields = dict(request)
        self.check_reply(await self.open_client.control(fields.pop("subtype"), **fields), step)

    def check_reply(self, reply: Any, step: dict[str, Any]) -> None:
        assert "reply" not in step or matches(step["reply"], plain(reply)), f"{step}: {reply}"

    async def do_cancel_wait(self, how: dict[str, int], step: Any) -> None:
        assert self.stream is not None
        for _ in range(how["times"]):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.wait_once)
                    await anyio.lowlevel.checkpoint()
                    await anyio.lowlevel.checkpoint()
                    scope.cancel()

    async def wait_once(self) -> None:
        assert self.stream is not None
        message = await anext(self.stream, None)
        if message is not None:
            self.early.append(message)

    async def do_finish(self, _: Any, step: Any) -> None:
        await self.open_client.finish()

    async def do_drop(self, _: Any, step: Any) -> None:
        """Cancels a task that reads; in a session, inside the `async with` of its client."""
        reading = anyio.Event()

        async def read() -> None:
            assert self.stream is not None
            try:
                reading.set()
                while await self.next_message() is not None:
                    pass
            except anyio.get_cancelled_exc_class() as error:
                if self.client is not None:
                    await self.client.__aexit__(type(error), error, None)
                raise

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await reading.wait()
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        if self.client is None:
            await self.stream.aclose()  # type: ignore[union-attr]

    async def do_orchestrator(self, config: dict[str, Any], step: Any) -> None:
        self.conductor = Conductor(config, self.place, self.managers)

    @property
    def managers(self) -> dict[str, madrigal.AuthManager]:
        """Those that have names."""
        return {} if self.authority is None else self.authority.named

    def place(self, options: dict[str, Any]) -> madrigal.ClaudeAgentOptions:
        given = {NAMES.get(name, name): value for name, value in options.items()}
        if self.path is not None:
            given.setdefault("cli_path", simulator())
            given["env"] = {**given.get("env", {}), "MADRIGAL_SIMULATE": str(self.path)}
        if self.config is not None:
            given["env"]["CLAUDE_CONFIG_DIR"] = self.config.name
        if self.auth is not None:
            given["auth"] = self.auth
        return madrigal.ClaudeAgentOptions(**given)

    @property
    def conducting(self) -> Conductor:
        assert self.conductor is not None, "no orchestrator is open"
        return self.conductor

    async def do_flow(self, flow: dict[str, Any], step: dict[str, Any]) -> None:
        await self.conducting.flow(flow, step.get("reply"), step.get("cancel_when"))

    async def do_stats(self, pattern: Any, step: Any) -> None:
        await self.conducting.stats(pattern)

    async def do_reset_stats(self, _: Any, step: Any) -> None:
        await self.conducting.orchestrator.reset_stats()

    async def do_policy(self, given: dict[str, Any], step: Any) -> None:
        self.police = Police(given)

    async def do_decide(self, asked: dict[str, Any], step: dict[str, Any]) -> None:
        assert self.police is not None, "no policy is open"
        self.check_reply(await self.police.decide(asked), step)

    async def do_auth(self, given: dict[str, Any], step: Any) -> None:
        if self.config is None:
            self.config = tempfile.TemporaryDirectory(prefix="madrigal-scenario-")
        self.authority = self.authority or Authority(self.scenario)
        self.auth = self.authority.open(given, step.get("as"), self.place({}), Path(self.config.name))

    async def do_auth_call(self, name: str, step: dict[str, Any]) -> None:
        assert self.authority is not None, "no auth manager is open"
        reply = await self.authority.call(name, step.get("of"), step.get("with", {}), step.get("types", ()))
        assert matches(step.get("shown", "$any"), self.authority.shown), f"it drew {self.authority.shown!r}"
        assert "reply" not in step or matches(step["reply"], reply), f"{step}: {reply}"

    async def do_stages(self, patterns: list[Any], step: Any) -> None:
        await self.conducting.stages(patterns)

    async def do_close(self, _: Any, step: Any) -> None:
        if self.conductor is not None:
            conductor, self.conductor = self.conductor, None
            await conductor.orchestrator.close()
        else:
            await self.open_client.disconnect()

    async def do_gone(self, which: dict[str, Any], step: Any) -> None:
        pids = [self.pid]
        for field in which.get("fields", ()):
            pids.append(next(frame[field] for frame in reversed(self.frames) if field in frame))
        if "saved" in which:
            pids.append(self.saved[which["saved"]])
        with anyio.fail_after(GONE_WITHIN):
            while any(alive(pid) for pid in pids if pid is not None):
                await anyio.sleep(0.01)

    async def do_memory_below_mb(self, limit: float, step: Any) -> None:
        grown = memory_mb() - self.memory
        assert grown < limit, f"the process grew by {grown:.1f} MB"

    async def do_times(self, times: int, step: dict[str, Any]) -> None:
        """What is expected is expected of each."""

        async def one() -> None:
            player = Player(self.path, self.scenario, self.store)
            player.auth = self.auth
            await player.play(step["do"])
            player.check()

        if step.get("parallel"):
            async with anyio.create_task_group() as tasks:
                for _ in range(times):
                    tasks.start_soon(one)
        else:
            for _ in range(times):
                await one()
        self.expect = {}

    def check(self) -> None:
        if self.authority is not None:
            self.authority.close()
        if self.config is not None:
            self.config.cleanup()
        expect = self.expect
        missing = in_order(expect.get("messages", []), self.frames)
        assert missing is None, f"no message for {expect['messages'][missing]} in {self.frames}"
        asks = self.asking.requests
        missing = in_order(expect.get("asks", []), asks)
        assert missing is None, f"no ask for {expect['asks'][missing]} in {asks}"
        assert len(asks) == len(expect.get("asks", asks)), f"asks: {asks}"
        assert expect.get("count", self.count) == self.count
        assert expect.get("text", "") == "".join(self.text)
        assert expect.get("deltas", "") == "".join(self.deltas)
        if "exit" in expect:
            assert self.session is not None
            assert self.session.end is not None
            assert matches(expect["exit"], self.session.end["exit"]), self.session.end


def wire(error: madrigal.MadrigalError) -> dict[str, Any]:
    facts = {name: getattr(error, name) for name in ("code", "message", "operation", "context", "causes")}
    wait = None if error.retry_after is None else round(error.retry_after * 1000)
    return {**facts, "retry": {"verdict": error.retry, "after_ms": wait}}


def make(file: Path, what: Any) -> None:
    """One of `files`: a text, one with permissions, or a symbolic link."""
    if isinstance(what, str):
        file.write_text(what)
    elif "link" in what:
        file.symlink_to(what["link"])
    else:
        file.write_text(what["text"])
        file.chmod(int(what["mode"], 8))


def memory_mb() -> float:
    if os.path.exists("/proc/self/statm"):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
