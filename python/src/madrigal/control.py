"""What the program answers when it is asked about itself: the shapes of the replies.

The keys are those of the program. A key that a version of it does not send is missing; a newer one may send more.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from .mcp import McpServerStatusConfig

McpServerConnectionStatus = Literal["connected", "failed", "needs-auth", "pending", "disabled"]
"""How a server is connected."""


class InterruptReceipt(TypedDict, total=False):
    """What an interrupt left and took."""

    still_queued: list[str]
    """The ids of prompts that run next."""
    cancelled: list[str]
    """The ids of prompts that were dropped, with ``cancel_queued``."""


class SetModelResult(TypedDict, total=False):
    """The model from now on."""

    model: str


class SetPermissionModeResult(TypedDict, total=False):
    """The permission mode from now on."""

    mode: str


class _Named(TypedDict):
    name: str


class McpServerInfo(TypedDict):
    """How a server introduces itself."""

    name: str
    version: str


class McpToolAnnotations(TypedDict, total=False):
    """What a server says of the effects of a tool."""

    readOnly: bool
    destructive: bool
    openWorld: bool


class McpToolInfo(_Named, total=False):
    """A tool of a server."""

    description: str
    annotations: McpToolAnnotations


class _ServerStatus(_Named):
    status: McpServerConnectionStatus


class McpServerStatus(_ServerStatus, total=False):
    """A server and how it is connected. ``config`` may hold secrets."""

    serverInfo: McpServerInfo
    error: str
    config: McpServerStatusConfig
    scope: str
    source: str
    transport: str
    tools: list[McpToolInfo]


class McpStatusResponse(TypedDict):
    """All servers."""

    mcpServers: list[McpServerStatus]


class McpSetServersResult(TypedDict):
    """What changed when the servers were replaced; ``errors`` names servers that did not start."""

    added: list[str]
    removed: list[str]
    errors: dict[str, str]


class McpCallResult(TypedDict, total=False):
    """What a tool of a server gave."""

    content: list[dict[str, Any]]
    structuredContent: dict[str, Any]
    isError: bool


class McpResourceContents(TypedDict, total=False):
    """What a resource of a server holds."""

    contents: list[dict[str, Any]]


class RewindFilesResult(TypedDict, total=False):
    """What going back changes: the files and lines of a dry run, or the links that were left alone."""

    canRewind: bool
    error: str
    filesChanged: list[str]
    insertions: int
    deletions: int
    skippedLinks: int


class _Category(TypedDict):
    name: str
    tokens: int
    color: str


class ContextUsageCategory(_Category, total=False):
    """One kind of content of the context window."""

    isDeferred: bool


class _ContextUsage(TypedDict):
    categories: list[ContextUsageCategory]
    totalTokens: int
    maxTokens: int
    rawMaxTokens: int
    percentage: float
    model: str
    isAutoCompactEnabled: bool
    memoryFiles: list[dict[str, Any]]
    mcpTools: list[dict[str, Any]]
    agents: list[dict[str, Any]]
    gridRows: list[list[dict[str, Any]]]


class ContextUsageResponse(_ContextUsage, total=False):
    """How full the context window is, and with what, in tokens."""

    autoCompactThreshold: int
    deferredBuiltinTools: list[dict[str, Any]]
    systemTools: list[dict[str, Any]]
    systemPromptSections: list[dict[str, Any]]
    slashCommands: dict[str, Any]
    skills: dict[str, Any]
    messageBreakdown: dict[str, Any]
    apiUsage: dict[str, Any] | None


class UsageResponse(TypedDict, total=False):
    """Costs and times of the session, and the limits of the subscription where there are some."""

    session: dict[str, Any]
    subscription_type: str | None
    rate_limits_available: bool
    rate_limits: dict[str, Any] | None


class SessionCostResponse(TypedDict):
    """What the session cost, as a text for people."""

    text: str


class SettingsResponse(TypedDict, total=False):
    """The settings in force: merged, by source, and what was made of them."""

    effective: dict[str, Any]
    sources: list[dict[str, Any]]
    applied: dict[str, Any]


class ModelInfo(TypedDict, total=False):
    """A model that can be chosen: ``value`` is what ``set_model`` takes."""

    value: str
    resolvedModel: str
    displayName: str
    description: str
    supportsEffort: bool
    supportedEffortLevels: list[str]
    supportsAdaptiveThinking: bool
    supportsFastMode: bool
    supportsAutoMode: bool


class ListModelsResponse(TypedDict):
    """The models that can be chosen."""

    models: list[ModelInfo]


class SlashCommand(TypedDict, total=False):
    """A command: a prompt that begins with ``/`` and its name."""

    name: str
    description: str
    argumentHint: str
    aliases: list[str]
    builtin: bool


class AgentInfo(TypedDict, total=False):
    """A subagent that the model can start."""

    name: str
    description: str
    model: str


class AccountInfo(TypedDict, total=False):
    """Who is logged in, and how."""

    email: str
    organization: str
    subscriptionType: str
    tokenSource: str
    apiKeySource: str
    apiProvider: str


class ReadFileResponse(TypedDict, total=False):
    """What a file holds, as far as the program may read it. ``lossy``: it was not valid UTF-8."""

    contents: str
    absPath: str
    lossy: bool
    requested_path: str


class SideQuestionResponse(TypedDict, total=False):
    """The answer to a question beside the conversation; ``synthetic`` when no model gave it."""

    response: str | None
    synthetic: bool


class TaskOutput(TypedDict, total=False):
    """What a background task has written so far."""

    output: str
    total_bytes: int
    truncated: bool


class CancelAsyncMessageResult(TypedDict):
    """Whether the prompt was still waiting."""

    cancelled: bool


class SessionTitle(TypedDict):
    """A title for the session, or ``None`` when none could be made."""

    title: str | None


class ReloadPluginsResponse(TypedDict, total=False):
    """What the plugins bring after they were read again."""

    commands: list[SlashCommand]
    agents: list[AgentInfo]
    plugins: list[dict[str, Any]]
    mcpServers: list[McpServerStatus]
    error_count: int


class ReloadSkillsResponse(TypedDict, total=False):
    """The skills after they were read again."""

    skills: list[dict[str, Any]]
