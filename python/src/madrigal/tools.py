"""Tools that are functions of this program.

The model calls them like any other tool, under the name ``mcp__<server>__<tool>``. Unless ``allowed_tools`` has that
name, each call is asked for as every other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar

from ._schema import input_schema as to_schema
from .errors import InvalidArgumentError
from .mcp import McpSdkServerConfig, McpServerConfig

T = TypeVar("T")


class ToolAnnotations(TypedDict, total=False):
    """What the program may believe of the effects of a tool.

    >>> ToolAnnotations(readOnlyHint=True)
    {'readOnlyHint': True}
    """

    title: str
    readOnlyHint: bool
    """It changes nothing."""
    destructiveHint: bool
    """It may delete or overwrite."""
    idempotentHint: bool
    """Twice is the same as once."""
    openWorldHint: bool
    """It reaches beyond this machine."""
    maxResultSizeChars: int
    """Results up to so many characters reach the model whole."""


@dataclass
class SdkMcpTool(Generic[T]):
    """A tool: its name, what it is for, its input and the function that runs it. Made by :func:`tool`."""

    name: str
    description: str
    input_schema: type[T] | dict[str, Any]
    handler: Callable[[T], Awaitable[dict[str, Any]]]
    annotations: ToolAnnotations | None = None
    output_schema: dict[str, Any] | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The tool as the model server protocol describes it."""
        wire: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "inputSchema": to_schema(self.input_schema),
        }
        if self.output_schema is not None:
            wire["outputSchema"] = self.output_schema
        annotations = _annotations(self.annotations)
        meta = dict(self.meta)
        if "maxResultSizeChars" in annotations:
            meta["anthropic/maxResultSizeChars"] = annotations.pop("maxResultSizeChars")
        if annotations:
            wire["annotations"] = annotations
        if meta:
            wire["_meta"] = meta
        return wire


def _annotations(given: Any) -> dict[str, Any]:
    # Those of the `mcp` package are objects.
    if hasattr(given, "model_dump"):
        given = given.model_dump(by_alias=True, exclude_none=True)
    return {_camel(name): value for name, value in (given or {}).items() if value is not None}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def tool(
    name: str,
    description: str,
    input_schema: type[T] | dict[str, Any],
    annotations: ToolAnnotations | None = None,
    *,
    output_schema: dict[str, Any] | None = None,
    search_hint: str | None = None,
    always_load: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> Callable[[Callable[[T], Awaitable[dict[str, Any]]]], SdkMcpTool[T]]:
    """Makes a tool of a function.

    The function gets the arguments as a dict and gives ``{"content": [...]}``, a list of content blocks; with
    ``"is_error": True`` the model reads them as an error, as it does when the function raises.
    ``"structured_content"`` holds what fits ``output_schema``. :func:`tool_context` tells it who calls.

    Args:
        name: Letters, digits, ``_`` and ``-``.
        description: What the model reads to decide.
        input_schema: A dict of names and types, a TypedDict, or a JSON Schema.
        annotations: What may be believed of its effects.
        output_schema: A JSON Schema for ``structured_content``.
        search_hint: Words by which the model finds the tool when there are many.
        always_load: Show it to the model from the start even when there are many.
        meta: What else goes into ``_meta`` of its description.

    >>> @tool("add", "Adds two numbers", {"a": float, "b": float})
    ... async def add(args):
    ...     return {"content": [{"type": "text", "text": str(args["a"] + args["b"])}]}
    >>> add.name
    'add'

    """
    hints = dict(meta or {})
    if search_hint is not None:
        hints["anthropic/searchHint"] = search_hint
    if always_load:
        hints["anthropic/alwaysLoad"] = True
    to_schema(input_schema)

    def decorate(handler: Callable[[T], Awaitable[dict[str, Any]]]) -> SdkMcpTool[T]:
        return SdkMcpTool(name, description, input_schema, handler, annotations, output_schema, hints)

    return decorate


class ToolServer:
    """The tools of a server of this program; ``instance`` in its config."""

    def __init__(self, name: str, version: str, tools: Sequence[SdkMcpTool[Any]], instructions: str | None) -> None:
        self.name = name
        self.version = version
        self.tools = list(tools)
        self.instructions = instructions

    def to_dict(self, name: str) -> dict[str, Any]:
        """The server as the engine is told of it, under the name it has in ``mcp_servers``."""
        wire: dict[str, Any] = {
            "name": name,
            "version": self.version,
            "tools": [tool.to_dict() for tool in self.tools],
        }
        if self.instructions is not None:
            wire["instructions"] = self.instructions
        return wire


def create_sdk_mcp_server(
    name: str,
    version: str = "1.0.0",
    tools: Sequence[SdkMcpTool[Any]] | None = None,
    *,
    instructions: str | None = None,
) -> McpSdkServerConfig:
    """A server of tools for ``mcp_servers``.

    Args:
        name: How it introduces itself. The tools are named after its key in ``mcp_servers``.
        version: How it introduces itself.
        tools: Its tools, each made by :func:`tool`.
        instructions: What the model reads about the server as a whole.

    >>> from madrigal import ClaudeAgentOptions
    >>> @tool("now", "The time", {})
    ... async def now(args):
    ...     return {"content": [{"type": "text", "text": "noon"}]}
    >>> options = ClaudeAgentOptions(
    ...     mcp_servers={"clock": create_sdk_mcp_server("clock", tools=[now])},
    ...     allowed_tools=["mcp__clock__now"],
    ... )

    """
    return {"type": "sdk", "name": name, "instance": ToolServer(name, version, tools or [], instructions)}


def wire_server(name: str, config: McpServerConfig) -> dict[str, Any]:
    """A server as the program is told of it: what is an object here stays here."""
    if not isinstance(config, Mapping):
        raise InvalidArgumentError(f"mcp_servers.{name}: expected a dict, not {config!r:.80}")
    if config.get("type") == "sdk":
        return {"type": "sdk", "name": name}
    return dict(config)


@dataclass(frozen=True)
class ToolContext:
    """Who calls a tool, and how to tell of its progress."""

    server: str
    """The server, by its key in ``mcp_servers``."""
    tool: str
    arguments: dict[str, Any]
    meta: dict[str, Any]
    """What the program sent along, such as ``claudecode/toolUseId``."""
    _progress: Callable[..., None] = field(repr=False, compare=False)

    def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tells how far the call is. May be called from the start of the function until it returns.

        Args:
            progress: What is done, in any unit; grows.
            total: What there is to do, in the same unit.
            message: For people.

        """
        self._progress(progress, total, message)


_CONTEXT: ContextVar[ToolContext] = ContextVar("madrigal_tool_context")


def tool_context() -> ToolContext:
    """The call that the running tool function answers.

    Raises:
        InvalidArgumentError: No tool function runs here.

    """
    found = _CONTEXT.get(None)
    if found is None:
        raise InvalidArgumentError("no tool function runs here", operation="tool_context")
    return found


def enter(context: ToolContext) -> None:
    """Makes a call the one that the running task answers."""
    _CONTEXT.set(context)


def result_to_wire(result: object) -> dict[str, Any]:
    """What a tool function gave, in the names of the protocol. Raises ``TypeError`` when it is no result."""
    if not isinstance(result, Mapping):
        raise TypeError(f"a tool must return a dict with 'content', not {type(result).__name__}: {result!r:.100}")
    names = {"is_error": "isError", "structured_content": "structuredContent", "meta": "_meta"}
    return {names.get(str(name), str(name)): value for name, value in result.items()}
