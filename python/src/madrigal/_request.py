"""Options as the engine reads them: under the same names in every language, and only those that were given."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from ._host import tool_servers
from .agents import agent_to_wire
from .errors import InvalidArgumentError, InvalidOptionsError
from .hooks import register
from .tools import ToolServer

if TYPE_CHECKING:
    from .options import ClaudeAgentOptions

# What stays in this program; the engine is told of it beside the options.
_PROVIDED = {"auth", "can_use_tool", "hooks", "on_elicitation", "on_user_dialog", "session_store", "stderr"}


def text(given: ClaudeAgentOptions) -> str:
    """The request with which the engine opens a session, as JSON text."""
    options = {
        item.name: value
        for item in fields(given)
        if item.name not in _PROVIDED and (value := getattr(given, item.name)) != _default(item)
    }
    if "continue_conversation" in options:
        options["continue"] = options.pop("continue_conversation")
    if "max_buffer_size" in options:
        options["limits"] = {"line_bytes": options.pop("max_buffer_size"), **given.limits}
    if "load_timeout_ms" in options:
        options["timeouts"] = {"store_ms": options.pop("load_timeout_ms"), **given.timeouts}
    if isinstance(given.agents, Mapping):
        options["agents"] = {name: agent_to_wire(agent) for name, agent in given.agents.items()}
    if "output_format" in options and not isinstance(given.output_format, Mapping):
        options["output_format"] = _output_format(given.output_format)
    request: dict[str, Any] = {"options": options, "asks": _asks(given), "stderr": given.stderr is not None}
    if "mcp_servers" in options:
        options["mcp_servers"] = _servers(given.mcp_servers)
    if provided := tool_servers(given.mcp_servers):
        request["tool_servers"] = [server.to_dict(name) for name, server in provided.items()]
    if given.session_store is not None:
        from ._stored import methods_of

        request["session_store"] = {"methods": methods_of(given.session_store)}
    if given.auth is not None:
        from ._auth import auth_to_wire

        request["auth"] = auth_to_wire(given.auth, "auth")
    if hooks := register(given.hooks)[0]:
        request["hooks"] = hooks
    return _dumps(request, options)


def _default(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _output_format(kind: Any) -> dict[str, Any]:
    """A type stands for its JSON Schema."""
    from ._schema import of

    try:
        return {"type": "json_schema", "schema": of(kind)}
    except InvalidArgumentError:
        raise invalid(
            "output_format", f"{kind!r:.80} has no JSON form; give {{'type': 'json_schema', 'schema': ...}}"
        ) from None


def _asks(given: ClaudeAgentOptions) -> list[str]:
    functions = {
        "can_use_tool": given.can_use_tool,
        "elicitation": given.on_elicitation,
        "request_user_dialog": given.on_user_dialog,
    }
    return [kind for kind, function in functions.items() if function is not None]


def _servers(given: Any) -> Any:
    """The servers that run elsewhere."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            return json.loads(given)["mcpServers"]
        except (ValueError, KeyError):
            # The text may hold secrets, and so may an error that quotes it.
            raise invalid("mcp_servers", 'expected the JSON text {"mcpServers": {...}}') from None
    if not isinstance(given, Mapping):
        return given
    servers = {}
    for name, config in given.items():
        if not isinstance(config, Mapping) or config.get("type") != "sdk":
            servers[name] = config
        elif not isinstance(config.get("instance"), ToolServer):
            raise invalid(f"mcp_servers.{name}.instance", "expected what create_sdk_mcp_server of this package made")
    return servers


def invalid(path: str, problem: str) -> InvalidOptionsError:
    """An option that cannot work."""
    return InvalidOptionsError(f"{path}: {problem}", context={"field": path})


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
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"{value!r:.80} has no JSON form")
