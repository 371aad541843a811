"""A session store of the program: asked by sessions, and by the functions that need none."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import Play, Run

import madrigal
from madrigal import ClaudeAgentOptions, ClaudeSDKClient, InMemorySessionStore, SessionKey, SessionStore
from madrigal._stored import methods_of
from madrigal.testing import run_session_store_conformance

SESSION = "00000000-0000-4000-8000-000000000001"
KEY: SessionKey = {"project_key": "-", "session_id": SESSION}
PROMPT: Any = {
    "type": "user",
    "uuid": "00000000-0000-4000-8000-0000000000a1",
    "parentUuid": None,
    "isSidechain": False,
    "sessionId": SESSION,
    "cwd": "/",
    "timestamp": "2026-01-02T03:04:05.000Z",
    "message": {"role": "user", "content": "Tidy up"},
}
MIRROR = {"type": "transcript_mirror", "filePath": f"/c/projects/-/{SESSION}.jsonl", "entries": [PROMPT]}
TURN: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"init": {}}, {"emit": MIRROR}, {"result": {}}]


class Down(Exception):
    """What a store raises that is down."""


class Plain:
    """A store of plain functions, without the optional ones."""

    def __init__(self) -> None:
        self.kept: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []

    def append(self, key: dict[str, Any], entries: list[dict[str, Any]]) -> object:
        self.kept.append((key, entries))
        return object()

    def load(self, key: dict[str, Any]) -> list[dict[str, Any]] | None:
        return None


class Broken(InMemorySessionStore):
    async def load(self, key: SessionKey) -> Any:
        raise Down("no route to the store")


def test_a_method_that_is_only_inherited_is_left_out() -> None:
    class Short(SessionStore):
        async def append(self, key: SessionKey, entries: list[Any]) -> None: ...
        async def load(self, key: SessionKey) -> None: ...

    assert methods_of(Short()) == ["append", "load"] == methods_of(Plain())
    assert methods_of(InMemorySessionStore()) == [
        "append",
        "load",
        "list_sessions",
        "list_session_summaries",
        "delete",
        "list_subkeys",
    ]


def test_the_engine_is_told_of_the_store() -> None:
    store: Any = Plain()
    options = ClaudeAgentOptions(session_store=store, session_store_flush="eager", load_timeout_ms=5)
    request = json.loads(options.to_request())
    assert request["session_store"] == {"methods": ["append", "load"]}
    assert request["options"] == {"session_store_flush": "eager", "timeouts": {"store_ms": 5}}
    assert "session_store" not in json.loads(ClaudeAgentOptions().to_request())


def test_a_store_that_cannot_be_one_is_refused(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(madrigal.MadrigalError, match="a store must have `append`"):
            await ClaudeSDKClient(ClaudeAgentOptions(session_store="/tmp")).connect()  # type: ignore[arg-type]

    run(main)


def test_a_session_is_kept(play: Play, run: Run) -> None:
    async def main() -> None:
        store: Any = Plain()
        kinds = [
            type(message) async for message in madrigal.query(prompt="hi", options=play(*TURN, session_store=store))
        ]
        assert madrigal.ResultMessage in kinds
        assert madrigal.TranscriptMirrorMessage not in kinds
        assert store.kept == [(KEY, [PROMPT])]

    run(main)


def test_what_was_not_kept_is_told_and_the_run_goes_on(play: Play, run: Run) -> None:
    class Full(Plain):
        def append(self, key: dict[str, Any], entries: list[dict[str, Any]]) -> object:
            raise Down("full")

    async def main() -> None:
        store: Any = Full()
        messages = [message async for message in madrigal.query(prompt="hi", options=play(*TURN, session_store=store))]
        (told,) = [message for message in messages if isinstance(message, madrigal.MirrorErrorMessage)]
        assert (told.key, told.entries) == (KEY, 1)
        assert "full" in told.error
        assert any(isinstance(message, madrigal.ResultMessage) for message in messages)

    run(main)


def test_what_a_store_raises_reaches_who_resumes(play: Play, run: Run) -> None:
    async def main() -> None:
        options = play(*TURN, session_store=Broken(), resume=SESSION, cwd="/")
        with pytest.raises(Down, match="no route"):
            await ClaudeSDKClient(options).connect()

    run(main)


def test_sessions_of_a_store(run: Run) -> None:
    async def main() -> None:
        store = InMemorySessionStore()
        await store.append(KEY, [PROMPT])
        await madrigal.rename_session_via_store(store, SESSION, "Spring", "/")
        await madrigal.tag_session_via_store(store, SESSION, "home", "/")
        (info,) = await madrigal.list_sessions_from_store(store, "/")
        assert (info.custom_title, info.tag, info.first_prompt) == ("Spring", "home", "Tidy up")
        found = await madrigal.get_session_info_from_store(store, SESSION, "/")
        # One time is that of the store, the other that of the newest entry.
        assert found == dataclasses.replace(info, last_modified=found.last_modified if found else 0)
        (message,) = await madrigal.get_session_messages_from_store(store, SESSION, "/")
        assert (message.type, message.message) == ("user", PROMPT["message"])
        assert await madrigal.list_subagents_from_store(store, SESSION, "/") == []
        assert await madrigal.get_subagent_messages_from_store(store, SESSION, "a1", "/") == []
        copy = await madrigal.fork_session_via_store(store, SESSION, "/", title="Copy")
        assert store.size == 2
        await madrigal.delete_session_via_store(store, SESSION, "/")
        assert store.get_entries(KEY) == []
        assert [info.session_id for info in await madrigal.list_sessions_from_store(store, Path("/"))] == [
            copy.session_id
        ]
        store.clear()
        assert store.size == 0

    run(main)


def test_a_session_on_disk_is_brought_into_a_store(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "projects" / "-"
    folder.mkdir(parents=True)
    (folder / f"{SESSION}.jsonl").write_text(json.dumps(PROMPT) + "\n")

    async def main() -> None:
        store = InMemorySessionStore()
        for _ in range(2):
            await madrigal.import_session_to_store(SESSION, store, config_dir=tmp_path)
        assert store.get_entries(KEY) == [PROMPT]
        with pytest.raises(madrigal.InvalidArgumentError):
            await madrigal.import_session_to_store(SESSION[::-1], store, config_dir=tmp_path)

    run(main)


def test_what_a_store_raises_reaches_who_asks(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(Down, match="no route"):
            await madrigal.get_session_messages_from_store(Broken(), SESSION, "/")
        store: Any = Plain()
        with pytest.raises(madrigal.InvalidArgumentError, match="list_sessions"):
            await madrigal.list_sessions_from_store(store, "/")

    run(main)


def test_who_gives_up_stops_the_store(run: Run) -> None:
    async def main() -> None:
        begun, stopped = anyio.Event(), anyio.Event()

        class Slow(InMemorySessionStore):
            async def load(self, key: SessionKey) -> Any:
                begun.set()
                try:
                    await anyio.sleep_forever()
                finally:
                    stopped.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(madrigal.get_session_messages_from_store, Slow(), SESSION, "/")
            await begun.wait()
            tasks.cancel_scope.cancel()
        await stopped.wait()

    run(main)


def test_checks_of_a_store(run: Run) -> None:
    class Forgetful(InMemorySessionStore):
        async def delete(self, key: SessionKey) -> None:
            pass

    async def fresh() -> SessionStore:
        return Forgetful()

    async def main() -> None:
        passed = await run_session_store_conformance(InMemorySessionStore)
        assert len(passed) > 10
        with pytest.raises(AssertionError, match="delete_removes_a_session: "):
            await run_session_store_conformance(fresh)
        left = await run_session_store_conformance(fresh, skip_optional=frozenset({"delete"}))
        assert {name for name in passed if not name.startswith("delete")} >= set(left)
        with pytest.raises(madrigal.InvalidArgumentError, match="'load' is none of delete, list"):
            await run_session_store_conformance(fresh, skip_optional=frozenset({"load"}))

    run(main)
