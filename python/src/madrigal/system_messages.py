"""Facts and events of the session: one class for each kind of `system` message that is known.

Every one is a :class:`SystemMessage`, with the whole frame in ``data``. A kind without a class, or a frame that lacks
what its kind must have, is a plain :class:`SystemMessage`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ._frames import Builder, SystemMessage
from .message_types import (
    BackgroundTask,
    CompactMetadata,
    FastModeState,
    SystemInitMcpServer,
    SystemInitPlugin,
    TaskNotificationStatus,
    TaskUpdatedStatus,
    TaskUsage,
)

if TYPE_CHECKING:
    from .store import SessionKey


@dataclass
class InitMessage(SystemMessage):
    """A turn begins: what the session is made of."""

    cwd: str
    model: str
    permission_mode: str
    tools: list[str]
    mcp_servers: list[SystemInitMcpServer] = field(default_factory=list)
    api_key_source: str | None = None
    claude_code_version: str | None = None
    output_style: str | None = None
    slash_commands: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    plugins: list[SystemInitPlugin] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    fast_mode_state: FastModeState | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class StatusMessage(SystemMessage):
    """The permission mode changed, the program compacts, or it asks the API."""

    status: str | None
    permission_mode: str | None = None
    compact_result: str | None = None
    compact_error: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class CompactBoundaryMessage(SystemMessage):
    """The conversation before this was summed up."""

    compact_metadata: CompactMetadata
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class APIRetryMessage(SystemMessage):
    """A request to the API failed and will be made again after ``retry_delay_ms``."""

    attempt: int
    max_retries: int
    retry_delay_ms: float
    error_status: int | None = None
    error: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ModelFallbackMessage(SystemMessage):
    """Another model goes on: the first was overloaded or unknown."""

    original_model: str
    fallback_model: str
    trigger: str | None = None
    content: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ModelRefusalFallbackMessage(SystemMessage):
    """Another model goes on: the first refused to answer."""

    original_model: str
    fallback_model: str
    trigger: str | None = None
    content: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ModelRefusalNoFallbackMessage(SystemMessage):
    """The model refused to answer, and no other goes on."""

    original_model: str
    request_id: str | None = None
    refused_user_message_uuid: str | None = None
    content: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class PermissionDeniedMessage(SystemMessage):
    """A tool was refused without a question."""

    tool_name: str
    tool_use_id: str
    message: str
    decision_reason_type: str | None = None
    decision_reason: str | None = None
    agent_id: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class InformationalMessage(SystemMessage):
    """A text for people, such as what a hook says."""

    content: str
    level: str
    tool_use_id: str | None = None
    prevent_continuation: bool | None = None
    tag: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class NotificationMessage(SystemMessage):
    """A short text for people."""

    key: str
    content: str
    priority: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class LocalCommandOutputMessage(SystemMessage):
    """What a command of the program wrote."""

    content: str
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class TaskStartedMessage(SystemMessage):
    """A task began: a subagent or a long command."""

    task_id: str
    description: str
    uuid: str
    session_id: str
    tool_use_id: str | None = None
    task_type: str | None = None
    subagent_type: str | None = None
    is_backgrounded: bool | None = None
    prompt: str | None = None


@dataclass
class TaskProgressMessage(SystemMessage):
    """A task goes on."""

    task_id: str
    description: str
    usage: TaskUsage
    uuid: str
    session_id: str
    tool_use_id: str | None = None
    last_tool_name: str | None = None
    subagent_type: str | None = None
    summary: str | None = None


@dataclass
class TaskUpdatedMessage(SystemMessage):
    """A task changed: ``patch`` says how."""

    task_id: str
    patch: dict[str, Any]
    status: TaskUpdatedStatus | None = None
    session_id: str | None = None
    uuid: str | None = None


@dataclass
class TaskNotificationMessage(SystemMessage):
    """A task ended."""

    task_id: str
    status: TaskNotificationStatus
    output_file: str
    summary: str
    uuid: str
    session_id: str
    tool_use_id: str | None = None
    usage: TaskUsage | None = None


@dataclass
class BackgroundTasksChangedMessage(SystemMessage):
    """All tasks that run in the background now."""

    tasks: list[BackgroundTask]
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class SessionStateChangedMessage(SystemMessage):
    """The session works, waits, or waits for you."""

    state: Literal["running", "idle", "requires_action"] | str
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ThinkingTokensMessage(SystemMessage):
    """How much the model has thought so far, in tokens."""

    estimated_tokens: int
    estimated_tokens_delta: int
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class SessionTitleChangedMessage(SystemMessage):
    """The session has a new title."""

    title: str | None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ControlRequestProgressMessage(SystemMessage):
    """A control request that takes long goes on."""

    request_id: str
    status: str
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class UIInvalidateMessage(SystemMessage):
    """What a plugin shows has changed."""

    event: Any = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class CommandsChangedMessage(SystemMessage):
    """The commands that a prompt may begin with."""

    commands: list[dict[str, Any]]
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class FilesPersistedMessage(SystemMessage):
    """Files were stored."""

    files: list[dict[str, Any]]
    failed: list[dict[str, Any]] = field(default_factory=list)
    processed_at: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class MemoryRecallMessage(SystemMessage):
    """Notes that the model is shown."""

    mode: str
    memories: list[dict[str, Any]]
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class ElicitationCompleteMessage(SystemMessage):
    """A question of a tool server was answered elsewhere."""

    mcp_server_name: str
    elicitation_id: str
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class PluginInstallMessage(SystemMessage):
    """A plugin is installed."""

    status: str
    name: str | None = None
    error: str | None = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class WorkerShuttingDownMessage(SystemMessage):
    """The program ends, and why."""

    reason: str
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class SessionWritesLostMessage(SystemMessage):
    """The session could not be saved whole."""

    error_code: str | None = None
    lost: Any = None
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class MirrorErrorMessage(SystemMessage):
    """Entries could not be stored by the session store; the run goes on."""

    key: SessionKey | None = None
    """Whose; ``None`` for lines of a file that is no transcript."""
    error: str = ""
    entries: int | None = None
    """How many."""
    uuid: str | None = None
    session_id: str | None = None


@dataclass
class StalledMessage(SystemMessage):
    """The program was silent for ``timeouts["stall_ms"]`` while a turn ran. Madrigal's own, not the program's."""

    silent_ms: int
    interrupted: bool = False
    """Whether the turn was interrupted because of it."""
    source: str = "madrigal"


@dataclass
class OptionWarningMessage(SystemMessage):
    """An option that works but is probably not meant. Madrigal's own message, before the first turn.

    A model that is not known, a tool of an agent that does not exist.
    """

    code: str
    """``unknown_model`` or ``agent``."""
    field: str
    """The path of the option: ``model``, ``fallback_model``, ``agents.reviewer.tools[1]``."""
    message: str
    """What is strange, and what follows."""
    suggestions: list[str]
    """Names that may be meant, the best first."""
    source: str = "madrigal"
    uuid: str | None = None


@dataclass
class ResumedMessage(SystemMessage):
    """The program stayed silent and was stopped; another one goes on with the session. Madrigal's own message."""

    session_id: str
    resumes: int
    """How often in this turn."""
    pid: int | None = None
    """The process id of the new program."""
    source: str = "madrigal"
    uuid: str | None = None


@dataclass
class HookEventMessage(SystemMessage):
    """A hook that is a command started, goes on, or has ended; only with ``include_hook_events``."""

    hook_event_name: str = ""
    session_id: str | None = None
    uuid: str | None = None
    hook_id: str | None = None
    hook_name: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    output: str | None = None
    exit_code: int | None = None
    outcome: str | None = None


SYSTEM_MESSAGES: dict[str, type[SystemMessage]] = {
    "init": InitMessage,
    "status": StatusMessage,
    "compact_boundary": CompactBoundaryMessage,
    "api_retry": APIRetryMessage,
    "model_fallback": ModelFallbackMessage,
    "model_refusal_fallback": ModelRefusalFallbackMessage,
    "model_refusal_no_fallback": ModelRefusalNoFallbackMessage,
    "permission_denied": PermissionDeniedMessage,
    "informational": InformationalMessage,
    "notification": NotificationMessage,
    "local_command_output": LocalCommandOutputMessage,
    "task_started": TaskStartedMessage,
    "task_progress": TaskProgressMessage,
    "task_updated": TaskUpdatedMessage,
    "task_notification": TaskNotificationMessage,
    "background_tasks_changed": BackgroundTasksChangedMessage,
    "session_state_changed": SessionStateChangedMessage,
    "thinking_tokens": ThinkingTokensMessage,
    "session_title_changed": SessionTitleChangedMessage,
    "control_request_progress": ControlRequestProgressMessage,
    "ui_invalidate": UIInvalidateMessage,
    "commands_changed": CommandsChangedMessage,
    "files_persisted": FilesPersistedMessage,
    "memory_recall": MemoryRecallMessage,
    "elicitation_complete": ElicitationCompleteMessage,
    "plugin_install": PluginInstallMessage,
    "worker_shutting_down": WorkerShuttingDownMessage,
    "session_writes_lost": SessionWritesLostMessage,
    "mirror_error": MirrorErrorMessage,
    "stalled": StalledMessage,
    "resumed": ResumedMessage,
    "option_warning": OptionWarningMessage,
    "hook_started": HookEventMessage,
    "hook_progress": HookEventMessage,
    "hook_response": HookEventMessage,
}
"""The class for each subtype."""


_BUILDERS = {subtype: Builder(cls) for subtype, cls in SYSTEM_MESSAGES.items()}
_BUILDERS["notification"] = Builder(NotificationMessage, content="text")


def system_from_wire(frame: dict[str, Any], raw: str) -> SystemMessage:
    """The message for a `system` frame.

    >>> system_from_wire({"type": "system", "subtype": "session_state_changed", "state": "idle"}, "").state
    'idle'
    """
    builder = _BUILDERS.get(frame["subtype"])
    if builder is not None:
        try:
            message: SystemMessage = builder.build(frame, raw)
        except KeyError:
            pass
        else:
            if isinstance(message, TaskUpdatedMessage) and message.status is None:
                message.status = (message.patch or {}).get("status")
            return message
    return SystemMessage(frame["subtype"], frame, raw=raw)
