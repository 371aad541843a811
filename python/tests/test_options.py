"""Options: what the engine is told, and how it says no."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from madrigal import ClaudeAgentOptions, InvalidOptionsError, query


def told(**given: Any) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(ClaudeAgentOptions(**given).to_request())["options"]
    return options


def test_names_that_differ_are_translated() -> None:
    options = told(
        continue_conversation=True,
        cwd=Path("/tmp"),
        cli_path=Path("/bin/claude"),
        add_dirs=[Path("/a"), "/b"],
        max_buffer_size=5,
        limits={"buffer_bytes": 6},
        tools={"type": "preset", "preset": "claude_code"},
        system_prompt={"type": "preset", "preset": "claude_code", "append": "Be brief."},
    )
    assert options["continue"] is True
    assert (options["cwd"], options["cli_path"], options["add_dirs"]) == ("/tmp", "/bin/claude", ["/a", "/b"])
    assert options["limits"] == {"line_bytes": 5, "buffer_bytes": 6}
    assert options["tools"] == ["default"]
    assert options["append_system_prompt"] == "Be brief."
    assert "system_prompt" not in options


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
