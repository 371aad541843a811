"""The shapes of what messages hold. The keys are those of the program."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from .permissions import PermissionMode

MessageOriginKind = Literal[
    "human",
    "channel",
    "peer",
    "task-notification",
    "coordinator",
    "unclassified",
    "observer",
    "auto-continuation",
    "observer-activity",
]
"""Who or what a turn comes from."""
TaskNotificationOriginSubkind = Literal["scheduled-trigger", "peer-send-message"]
"""What kind of news of a task."""
TaskNotificationStatus = Literal["completed", "failed", "stopped"]
"""How a task ended."""
TaskUpdatedStatus = Literal["pending", "running", "paused", "completed", "failed", "killed"]
"""How a task stands."""
TERMINAL_TASK_STATUSES: frozenset[str] = frozenset({"completed", "failed", "stopped", "killed"})
"""A task in one of these will not go on."""
RateLimitStatus = Literal["allowed", "allowed_warning", "rejected"]
"""Whether requests still pass."""
RateLimitType = Literal["five_hour", "seven_day", "seven_day_opus", "seven_day_sonnet", "overage"]
"""Which limit of the subscription."""
FastModeState = Literal["off", "cooldown", "on"]
"""Whether answers come faster and cost more."""
FastModeDisabledReason = Literal[
    "free",
    "preference",
    "extra_usage_disabled",
    "network_error",
    "unknown",
    "not_first_party",
    "disabled_by_env",
    "model_not_allowed",
    "sdk_opt_in_required",
    "pending",
]
"""Why they cannot."""


MessageOrigin = TypedDict(
    "MessageOrigin",
    {
        "kind": MessageOriginKind,
        "server": str,
        "from": str,
        "name": str,
        "fromSession": str,
        "senderTaskId": str,
        "body": str,
        "verifiedPeerPid": int,
        "subkind": TaskNotificationOriginSubkind,
    },
    total=False,
)
"""Where a turn comes from; ``kind`` is always there."""


class _ModelUsage(TypedDict):
    inputTokens: int
    outputTokens: int
    cacheReadInputTokens: int
    cacheCreationInputTokens: int
    webSearchRequests: int
    costUSD: float
    contextWindow: int
    maxOutputTokens: int


class ModelUsage(_ModelUsage, total=False):
    """What one model did, from the start of the process, and across resume."""

    thinkingTokens: int
    canonicalModel: str
    provider: str


class TaskUsage(TypedDict):
    """What a task used."""

    total_tokens: int
    tool_uses: int
    duration_ms: int


class BackgroundTask(TypedDict, total=False):
    """A task that runs in the background."""

    task_id: str
    task_type: str
    description: str


class _InitServer(TypedDict):
    name: str
    status: str


class SystemInitMcpServer(_InitServer, total=False):
    """A tool server at the start of a turn."""

    source: str


class _InitPlugin(TypedDict):
    name: str
    path: str


class SystemInitPlugin(_InitPlugin, total=False):
    """A plugin that is loaded."""

    version: str
    source: str


class _InitPluginError(TypedDict):
    plugin: str
    type: str
    message: str


class SystemInitPluginError(_InitPluginError, total=False):
    """A plugin that could not be loaded."""

    path: str


class _Init(TypedDict):
    type: Literal["system"]
    subtype: Literal["init"]
    uuid: str
    session_id: str
    apiKeySource: str
    claude_code_version: str
    cwd: str
    tools: list[str]
    mcp_servers: list[SystemInitMcpServer]
    model: str
    permissionMode: PermissionMode
    slash_commands: list[str]
    output_style: str
    skills: list[str]
    plugins: list[SystemInitPlugin]


class SystemInitData(_Init, total=False):
    """``data`` of an :class:`~madrigal.InitMessage`."""

    agents: list[str]
    betas: list[str]
    terminal_slash_commands: list[str]
    plugin_errors: list[SystemInitPluginError]
    fast_mode_state: FastModeState
    fast_mode_disabled_reason: FastModeDisabledReason
    capabilities: list[str]


class PermissionDenial(TypedDict):
    """A tool call that was refused."""

    tool_name: str
    tool_use_id: str
    tool_input: dict[str, Any]


class CompactMetadata(TypedDict, total=False):
    """What a compaction did; sizes in tokens."""

    trigger: Literal["manual", "auto"]
    pre_tokens: int
    post_tokens: int
    duration_ms: int
