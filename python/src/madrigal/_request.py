"""Options as the engine reads them: the same names in every language, and only what was given."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._host import tool_servers
from .agents import agent_to_wire
from .errors import InvalidOptionsError
from .hooks import register
from .tools import ToolServer

if TYPE_CHECKING:
    from .options import ClaudeAgentOptions

# Sent under the same name when they are neither `None`, `False` nor empty.
_SAME_NAME = (
    "agent",
    "agent_progress_summaries",
    "allow_dangerously_skip_permissions",
    "allowed_tools",
    "append_system_prompt",
    "betas",
    "cli_path",
    "client_app",
    "cwd",
    "debug",
    "debug_file",
    "disallowed_tools",
    "effort",
    "enable_file_checkpointing",
    "env",
    "env_allow",
    "env_mode",
    "extra_args",
    "fallback_model",
    "fork_session",
    "forward_subagent_text",
    "include_hook_events",
    "include_partial_messages",
    "limits",
    "managed_settings",
    "max_budget_usd",
    "max_thinking_tokens",
    "max_turns",
    "model",
    "output_format",
    "per_task_stop_affordance",
    "permission_mode",
    "permission_prompt_tool_name",
    "permission_prompts",
    "plan_mode_instructions",
    "plugins",
    "project_config_root",
    "prompt_suggestions",
    "resume",
    "resume_drops_turn",
    "resume_session_at",
    "sandbox",
    "session_id",
    "settings",
    "skills",
    "strict_mcp_config",
    "supported_dialog_kinds",
    "task_budget",
    "thinking",
    "timeouts",
    "title",
    "tool_aliases",
    "tool_config",
    "trace_context",
    "user",
    "verbatim_prompts",
    "workspace",
)
# Here nothing and an empty list are not the same.
_EMPTY_COUNTS = ("setting_sources", "skills")


def text(given: ClaudeAgentOptions) -> str:
    """The request with which the engine opens a session, as JSON text."""
    options: dict[str, Any] = {}
    for name in _SAME_NAME:
        value = getattr(given, name)
        if value is not None and value is not False and value not in ([], (), {}):
            options[name] = value
    for name in _EMPTY_COUNTS:
        if (value := getattr(given, name)) is not None:
            options[name] = value
    if given.continue_conversation:
        options["continue"] = given.continue_conversation
    if not given.persist_session:
        options["persist_session"] = False
    options["add_dirs"] = [os.fspath(directory) for directory in _list("add_dirs", given.add_dirs)]
    options["tools"] = ["default"] if isinstance(given.tools, dict) else given.tools
    if given.max_buffer_size is not None:
        options["limits"] = {"line_bytes": given.max_buffer_size, **given.limits}
    if given.agents:
        options["agents"] = {name: agent_to_wire(agent) for name, agent in _map("agents", given.agents).items()}
    options.update(_system_prompt(given))
    request: dict[str, Any] = {"options": options, "asks": _asks(given), "stderr": given.stderr is not None}
    if servers := _servers(given.mcp_servers):
        options["mcp_servers"] = servers
    if provided := tool_servers(given.mcp_servers):
        request["tool_servers"] = [server.to_dict(name) for name, server in provided.items()]
    if hooks := register(given.hooks)[0]:
        request["hooks"] = hooks
    return _dumps(request, options)


def _asks(given: ClaudeAgentOptions) -> list[str]:
    functions = {
        "can_use_tool": given.can_use_tool,
        "elicitation": given.on_elicitation,
        "request_user_dialog": given.on_user_dialog,
    }
    return [kind for kind, function in functions.items() if function is not None]


def _servers(given: object) -> dict[str, Any]:
    """The servers that run elsewhere."""
    if isinstance(given, (str, os.PathLike)):
        return _from_file(os.fspath(given))
    servers = {}
    for name, config in _map("mcp_servers", given).items():
        if not isinstance(config, Mapping):
            raise invalid(f"mcp_servers.{name}", f"expected a dict, not {config!r:.80}")
        if config.get("type") != "sdk":
            servers[name] = config
        elif not isinstance(config.get("instance"), ToolServer):
            raise invalid(f"mcp_servers.{name}.instance", "expected what create_sdk_mcp_server of this package made")
    return servers


def _from_file(path_or_text: Any) -> dict[str, Any]:
    try:
        if path_or_text.lstrip().startswith("{"):
            found = json.loads(path_or_text)
        else:
            with open(path_or_text, encoding="utf-8") as file:
                found = json.load(file)
        return dict(_map("mcp_servers", found["mcpServers"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        # The text may hold secrets, and so may an error that quotes it.
        kind = error.strerror if isinstance(error, OSError) else 'expected {"mcpServers": {...}}'
        raise invalid("mcp_servers", f"cannot be read: {kind}") from None


def _system_prompt(given: ClaudeAgentOptions) -> dict[str, Any]:
    prompt: Any = given.system_prompt
    if prompt is None:
        return {}
    if isinstance(prompt, str):
        return {"system_prompt": prompt}
    known = {
        "preset": {"type", "preset", "append"},
    }
    kind = prompt.get("type") if isinstance(prompt, Mapping) else None
    if kind == "preset" and prompt.get("preset") == "claude_code" and not prompt.keys() - known["preset"]:
        if prompt.get("append") is None:
            return {}
        if given.append_system_prompt is not None:
            raise invalid("append_system_prompt", "given twice: system_prompt has an 'append' too")
        return {"append_system_prompt": prompt["append"]}
    raise invalid(
        "system_prompt",
        "expected a text or {'type': 'preset', 'preset': 'claude_code', 'append': text}",
    )


def invalid(path: str, problem: str) -> InvalidOptionsError:
    """An option that cannot work."""
    return InvalidOptionsError(f"{path}: {problem}", context={"field": path})


def _list(path: str, value: object) -> Sequence[Any]:
    # A lone string is a sequence too, of its letters.
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise invalid(path, f"expected a list, not {value!r:.80}")
    return value


def _map(path: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise invalid(path, f"expected a dict, not {value!r:.80}")
    return value


def _dumps(request: dict[str, Any], options: dict[str, Any]) -> str:
    try:
        return json.dumps(request, default=_plain, allow_nan=False)
    except (TypeError, ValueError):
        for name, value in options.items():
            try:
                json.dumps(value, default=_plain, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise invalid(name, str(error)) from None
        raise


def _plain(value: object) -> object:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{value!r:.80} has no JSON form")
