"""Tool servers: how one that runs elsewhere is described, and how the program describes those it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .tools import ToolServer


class _Stdio(TypedDict):
    command: str


class McpStdioServerConfig(_Stdio, total=False):
    """A server that is a program: it speaks over its input and output. ``env`` may hold secrets."""

    type: Literal["stdio"]
    args: list[str]
    env: dict[str, str]


class _Sse(TypedDict):
    type: Literal["sse"]
    url: str


class McpSSEServerConfig(_Sse, total=False):
    """A server behind a URL that sends events. ``headers`` may hold secrets."""

    headers: dict[str, str]


class _Http(TypedDict):
    type: Literal["http"]
    url: str


class McpHttpServerConfig(_Http, total=False):
    """A server behind a URL. ``headers`` may hold secrets."""

    headers: dict[str, str]


class McpSdkServerConfig(TypedDict):
    """A server whose tools are functions of this program; made by :func:`~madrigal.create_sdk_mcp_server`."""

    type: Literal["sdk"]
    name: str
    instance: ToolServer


class McpSdkServerConfigStatus(TypedDict):
    """How the program describes a server of this program."""

    type: Literal["sdk"]
    name: str


class McpClaudeAIProxyServerConfig(TypedDict):
    """A server that the account brings."""

    type: Literal["claudeai-proxy"]
    url: str
    id: str


McpServerConfig = McpStdioServerConfig | McpSSEServerConfig | McpHttpServerConfig | McpSdkServerConfig
"""A server that the model may use."""
McpServerStatusConfig = (
    McpStdioServerConfig
    | McpSSEServerConfig
    | McpHttpServerConfig
    | McpSdkServerConfigStatus
    | McpClaudeAIProxyServerConfig
)
"""A server as the program describes it."""
