"""Options: what the engine is told, and how it says no."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from madrigal import AgentDefinition, ClaudeAgentOptions, InvalidOptionsError, _request, query


def told(**given: Any) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(ClaudeAgentOptions(**given).to_request())["options"]
    return options


def test_names_that_differ_are_translated() -> None:
    assert told(
        continue_conversation=True,
        cwd=Path("/tmp"),
        cli_path=Path("/bin/claude"),
        add_dirs=[Path("/a"), "/b"],
        max_buffer_size=5,
        limits={"buffer_bytes": 6},
        agents={"a": AgentDefinition("Reviews", "Look.", maxTurns=2), "b": {"description": "d", "prompt": "p"}},
    ) == {
        "continue": True,
        "cwd": "/tmp",
        "cli_path": "/bin/claude",
        "add_dirs": ["/a", "/b"],
        "limits": {"line_bytes": 5, "buffer_bytes": 6},
        "agents": {
            "a": {"description": "Reviews", "prompt": "Look.", "maxTurns": 2},
            "b": {"description": "d", "prompt": "p"},
        },
    }


def test_defaults_say_nothing_and_empty_lists_something() -> None:
    assert told() == {}
    assert told(tools=[], setting_sources=[], skills=[]) == {"tools": [], "setting_sources": [], "skills": []}


SAMPLES = json.loads((ROOT / "core" / "src" / "options" / "samples.json").read_text())
NAMES = {"continue": "continue_conversation"}


def test_there_is_an_option_for_each_of_the_engine() -> None:
    ours = {field.name for field in dataclasses.fields(ClaudeAgentOptions)}
    assert {NAMES.get(name, name) for name in SAMPLES} == ours - {
        "max_buffer_size",
        "load_timeout_ms",
    } - _request._PROVIDED


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SAMPLES.items() for value in values])
def test_the_engine_is_told_what_was_said(name: str, value: Any) -> None:
    default = getattr(ClaudeAgentOptions(), NAMES.get(name, name))
    assert told(**{NAMES.get(name, name): value}) == ({} if value == default else {name: value})


def test_servers_may_come_as_text_or_in_a_file() -> None:
    assert told(mcp_servers='{"mcpServers": {"s": {"command": "x"}}}') == {"mcp_servers": {"s": {"command": "x"}}}
    assert told(mcp_servers=Path("/servers.json")) == {"mcp_servers": "/servers.json"}
    with pytest.raises(InvalidOptionsError) as caught:
        told(mcp_servers='{"key": "test-secret"}')
    assert "test-secret" not in str(caught.value)


def test_a_function_is_told_as_a_question_or_a_wish() -> None:
    async def can_use_tool(*_: Any) -> Any: ...

    request = json.loads(ClaudeAgentOptions(can_use_tool=can_use_tool, stderr=print).to_request())
    assert (request["asks"], request["stderr"]) == (["can_use_tool"], True)
    request = json.loads(ClaudeAgentOptions().to_request())
    assert (request["asks"], request["stderr"]) == ([], False)


def refused(**given: Any) -> InvalidOptionsError:
    async def ask() -> None:
        async for _ in query(prompt="hi", options=ClaudeAgentOptions(**given)):
            pass

    with pytest.raises(InvalidOptionsError) as caught:
        asyncio.run(ask())
    return caught.value


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("model", {"model": 5}),
        ("max_turns", {"max_turns": 0}),
        ("max_turns", {"max_turns": "three"}),
        ("permission_mode", {"permission_mode": "yolo"}),
        ("timeouts.strat_ms", {"timeouts": {"strat_ms": 5}}),
        ("allowed_tools", {"allowed_tools": "Bash"}),
        ("add_dirs", {"add_dirs": "/tmp"}),
        ("env.A", {"env": {"A": 5}}),
        ("model", {"model": object()}),
        ("max_budget_usd", {"max_budget_usd": float("nan")}),
        ("system_prompt", {"system_prompt": {"type": "preset", "preset": "mine"}}),
        ("system_prompt", {"system_prompt": 5}),
        ("modle", {"modle": "sonnet"}),
        ("limits.line_bytes", {"max_buffer_size": "big"}),
    ],
)
def test_a_bad_option_is_named(path: str, given: dict[str, Any]) -> None:
    error = refused(**given)
    assert error.context["field"] == path
    assert error.message.startswith(f"{path}: ")
    assert error.code == "invalid_options"


def test_a_misspelt_option_gets_a_hint() -> None:
    assert "did you mean 'model'" in str(refused(modle="sonnet"))
