"""The shape of the public API: the official names with the official arguments, and documentation on all of it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncGenerator
from typing import Any

import pytest

import madrigal
from madrigal import ClaudeSDKClient


def arguments(function: Any) -> list[str]:
    return [
        str(parameter).split(":")[0].split("=")[0].strip()
        for parameter in inspect.signature(function).parameters.values()
    ]


def test_query_is_an_async_generator_of_keywords() -> None:
    assert isinstance(madrigal.query(prompt="x"), AsyncGenerator)
    parameters = inspect.signature(madrigal.query).parameters
    assert list(parameters) == ["prompt", "options"]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())


METHODS = {
    "connect": "self prompt",
    "query": "self prompt session_id",
    "receive_messages": "self",
    "receive_response": "self",
    "interrupt": "self",
    "set_permission_mode": "self mode",
    "set_model": "self model",
    "rewind_files": "self user_message_id",
    "reconnect_mcp_server": "self server_name",
    "toggle_mcp_server": "self server_name enabled",
    "stop_task": "self task_id",
    "get_mcp_status": "self",
    "get_context_usage": "self",
    "get_server_info": "self",
    "disconnect": "self",
    "__aenter__": "self",
}


@pytest.mark.parametrize("name", METHODS)
def test_client_methods(name: str) -> None:
    method = getattr(ClaudeSDKClient, name)
    assert arguments(method) == METHODS[name].split()
    assert inspect.iscoroutinefunction(method) is (name not in ("receive_messages", "receive_response"))


OPTIONS: dict[str, Any] = {
    "tools": None,
    "allowed_tools": [],
    "system_prompt": None,
    "permission_mode": None,
    "continue_conversation": False,
    "resume": None,
    "session_id": None,
    "max_turns": None,
    "max_budget_usd": None,
    "disallowed_tools": [],
    "model": None,
    "fallback_model": None,
    "cwd": None,
    "cli_path": None,
    "add_dirs": [],
    "env": {},
    "extra_args": {},
    "max_buffer_size": None,
    "stderr": None,
    "can_use_tool": None,
    "include_partial_messages": False,
    "fork_session": False,
    "setting_sources": None,
}


def test_option_names_and_defaults() -> None:
    options = madrigal.ClaudeAgentOptions()
    assert {name: getattr(options, name) for name in OPTIONS} == OPTIONS
    ours = {field.name for field in dataclasses.fields(options)} - OPTIONS.keys()
    assert ours == {"append_system_prompt", "timeouts", "limits"}


def public() -> list[tuple[str, Any]]:
    found = [(name, getattr(madrigal, name)) for name in madrigal.__all__ if name != "__version__"]
    for name, value in list(found):
        if inspect.isclass(value) and value.__module__.startswith("madrigal"):
            found += [
                (f"{name}.{member}", attribute)
                for member, attribute in vars(value).items()
                if not member.startswith("_") and (callable(attribute) or isinstance(attribute, property))
            ]
    return found


def test_everything_public_is_documented() -> None:
    missing = [
        name
        for name, value in public()
        # In Python 3.10 an alias such as `Callable[...]` passes for a class.
        if (
            (inspect.isclass(value) and not hasattr(value, "__origin__"))
            or inspect.isroutine(value)
            or isinstance(value, property)
        )
        and not inspect.getdoc(value)
    ]
    assert missing == []


def test_all_names_what_is_there() -> None:
    assert madrigal.__all__ == sorted(madrigal.__all__)
    assert len(set(madrigal.__all__)) == len(madrigal.__all__)
    assert madrigal.__version__.count(".") == 2
