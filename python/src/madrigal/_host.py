"""What this program provides to a session: the functions that answer the questions of the engine, by kind."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .dialogs import answer_to_wire
from .hooks import output_to_wire, register
from .permissions import context_from_wire
from .permissions import result_to_wire as permission_to_wire
from .tools import SdkMcpTool, ToolContext, ToolServer, enter
from .tools import result_to_wire as tool_to_wire

if TYPE_CHECKING:
    from .options import ClaudeAgentOptions

T = TypeVar("T")
Progress = Callable[..., None]
"""Tells the engine how far a tool call is."""


async def _settled(value: Awaitable[T] | T) -> T:
    # A function that is not a coroutine function is as good.
    return await value if inspect.isawaitable(value) else value


class Host:
    """The functions of one session."""

    def __init__(self, options: ClaudeAgentOptions) -> None:
        self._can_use_tool = options.can_use_tool
        self._on_elicitation = options.on_elicitation
        self._on_user_dialog = options.on_user_dialog
        self._session_store = options.session_store
        # A manager nobody else has lives as long as what it serves.
        self._auth = options.auth
        self._hooks = register(options.hooks)[1]
        self.tools: dict[str, dict[str, SdkMcpTool[Any]]] = {
            name: by_name(server.tools) for name, server in tool_servers(options.mcp_servers).items()
        }

    async def answer(self, kind: str, request: dict[str, Any], progress: Progress) -> Any:
        """The answer to a question, as the engine reads it. Raises what the function raises."""
        match kind:
            case "can_use_tool":
                return await self._permission(request)
            case "hook_callback":
                return await self._hook(request)
            case "tool_call":
                return await self._tool(request, progress)
            case "elicitation" if self._on_elicitation is not None:
                return answer_to_wire(await _settled(self._on_elicitation(request)), "on_elicitation")  # type: ignore[arg-type]
            case "request_user_dialog" if self._on_user_dialog is not None:
                return answer_to_wire(await _settled(self._on_user_dialog(request)), "on_user_dialog")  # type: ignore[arg-type]
            case "session_store" if self._session_store is not None:
                from ._stored import call

                return await call(self._session_store, request)
        raise LookupError(f"nobody answers questions of the kind {kind!r}")

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """See `Answering`. What a tool raises is for the model; a failed append is told by a message."""
        return kind != "tool_call" and request.get("method") != "append"

    async def _permission(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._can_use_tool is None:
            raise LookupError("there is no can_use_tool function")
        context = context_from_wire(request)
        result = self._can_use_tool(request["tool_name"], request.get("input", {}), context)
        return permission_to_wire(await _settled(result))

    async def _hook(self, request: dict[str, Any]) -> dict[str, Any]:
        function = self._hooks[request["callback_id"]]
        return output_to_wire(await _settled(function(request["input"], request.get("tool_use_id"), {"signal": None})))

    async def _tool(self, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
        server, name, arguments = request["server"], request["tool"], request.get("arguments") or {}
        found = self.tools.get(server, {}).get(name)
        if found is None:
            raise LookupError(f"the server {server!r} has no tool {name!r}")
        enter(ToolContext(server, name, arguments, request.get("meta") or {}, progress))
        return tool_to_wire(await _settled(found.handler(arguments)))


def by_name(tools: Any) -> dict[str, SdkMcpTool[Any]]:
    """Tools under their names."""
    return {tool.name: tool for tool in tools}


def tool_servers(servers: Any) -> dict[str, ToolServer]:
    """Those of the servers of the options whose tools are functions of this program."""
    if not isinstance(servers, dict):
        return {}
    return {
        name: config["instance"]
        for name, config in servers.items()
        if isinstance(config, dict) and isinstance(config.get("instance"), ToolServer)
    }
