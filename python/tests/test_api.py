"""The shape of the public API: the official names with the official arguments, and documentation on all of it."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
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
    official = METHODS[name].split()
    assert arguments(method)[: len(official)] == official
    rest = list(inspect.signature(method).parameters.values())[len(official) :]
    assert all(parameter.default is not parameter.empty for parameter in rest)
    assert inspect.iscoroutinefunction(method) is (name not in ("receive_messages", "receive_response"))


# In the order of the official dataclass, of which `debug_stderr` does nothing.
OPTIONS: dict[str, Any] = {
    "tools": None,
    "allowed_tools": [],
    "system_prompt": None,
    "mcp_servers": {},
    "strict_mcp_config": False,
    "permission_mode": None,
    "continue_conversation": False,
    "resume": None,
    "session_id": None,
    "max_turns": None,
    "max_budget_usd": None,
    "disallowed_tools": [],
    "model": None,
    "fallback_model": None,
    "betas": [],
    "permission_prompt_tool_name": None,
    "cwd": None,
    "cli_path": None,
    "settings": None,
    "add_dirs": [],
    "env": {},
    "extra_args": {},
    "max_buffer_size": None,
    "stderr": None,
    "can_use_tool": None,
    "hooks": None,
    "user": None,
    "include_partial_messages": False,
    "include_hook_events": False,
    "forward_subagent_text": False,
    "verbatim_prompts": False,
    "fork_session": False,
    "resume_session_at": None,
    "resume_drops_turn": None,
    "agents": None,
    "setting_sources": None,
    "skills": None,
    "sandbox": None,
    "plugins": [],
    "max_thinking_tokens": None,
    "thinking": None,
    "effort": None,
    "output_format": None,
    "enable_file_checkpointing": False,
    "session_store": None,
    "session_store_flush": "batched",
    "load_timeout_ms": 60_000,
    "task_budget": None,
    "client_app": None,
}


def test_option_names_and_defaults() -> None:
    options = madrigal.ClaudeAgentOptions()
    assert {name: getattr(options, name) for name in OPTIONS} == OPTIONS
    assert [field.name for field in dataclasses.fields(options)][: len(OPTIONS)] == list(OPTIONS)


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
    assert all(hasattr(madrigal, name) for name in madrigal.__all__)
    assert len(set(madrigal.__all__)) == len(madrigal.__all__)
    assert madrigal.__version__.count(".") == 2


def test_importing_loads_neither_messages_nor_an_event_loop() -> None:
    code = """
import sys
import madrigal
late = {"madrigal.messages", "madrigal.content", "madrigal.store", "madrigal.system_messages", "asyncio", "trio"}
print(sorted(late & sys.modules.keys()))
madrigal.ResultMessage
print(sorted(late & sys.modules.keys()))
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.splitlines() == ["[]", "['madrigal.content', 'madrigal.messages']"]
