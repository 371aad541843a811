"""What a hook is told: one shape for each event.

The keys are those of the program. A key that its version does not send is missing; a newer one may send more.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class HookEffort(TypedDict):
    """How hard the model tries."""

    level: str


class _BaseHookInput(TypedDict):
    session_id: str
    transcript_path: str
    cwd: str


class BaseHookInput(_BaseHookInput, total=False):
    """What every hook is told. ``agent_id`` and ``agent_type`` are there when a subagent is meant."""

    prompt_id: str
    permission_mode: str
    effort: HookEffort


class _InAgent(BaseHookInput, total=False):
    agent_id: str
    agent_type: str


class _Task(TypedDict):
    id: str
    type: str
    status: str
    description: str


class BackgroundTaskSummary(_Task, total=False):
    """A task that still runs in the background."""

    command: str
    agent_type: str
    server: str
    tool: str
    name: str


class SessionCronSummary(TypedDict):
    """A prompt that the session will send itself."""

    id: str
    schedule: str
    recurring: bool
    prompt: str


class _PreToolUse(_InAgent):
    hook_event_name: Literal["PreToolUse"]
    tool_name: str
    tool_input: dict[str, Any]
    tool_use_id: str


class PreToolUseHookInput(_PreToolUse, total=False):
    """A tool is about to run."""

    mcp_server: dict[str, Any]


class _PostToolUse(_InAgent):
    hook_event_name: Literal["PostToolUse"]
    tool_name: str
    tool_input: dict[str, Any]
    tool_response: Any
    tool_use_id: str


class PostToolUseHookInput(_PostToolUse, total=False):
    """A tool has run."""

    duration_ms: int
    mcp_server: dict[str, Any]


class _PostToolUseFailure(_InAgent):
    hook_event_name: Literal["PostToolUseFailure"]
    tool_name: str
    tool_input: dict[str, Any]
    tool_use_id: str
    error: str


class PostToolUseFailureHookInput(_PostToolUseFailure, total=False):
    """A tool has failed."""

    is_interrupt: bool
    duration_ms: int
    mcp_server: dict[str, Any]


class PostToolBatchHookInput(_InAgent):
    """All tools of one step of the model have run."""

    hook_event_name: Literal["PostToolBatch"]
    tool_calls: list[dict[str, Any]]


class _Notification(_InAgent):
    hook_event_name: Literal["Notification"]
    message: str
    notification_type: str


class NotificationHookInput(_Notification, total=False):
    """The program wants somebody's attention."""

    title: str


class _UserPromptSubmit(_InAgent):
    hook_event_name: Literal["UserPromptSubmit"]
    prompt: str


class UserPromptSubmitHookInput(_UserPromptSubmit, total=False):
    """A prompt is about to reach the model."""

    source: str
    session_title: str


class _UserPromptExpansion(_InAgent):
    hook_event_name: Literal["UserPromptExpansion"]
    expansion_type: str
    command_name: str
    command_args: str
    prompt: str


class UserPromptExpansionHookInput(_UserPromptExpansion, total=False):
    """A command of the prompt is about to be replaced by its text."""

    command_source: str


class _SessionStart(_InAgent):
    hook_event_name: Literal["SessionStart"]
    source: str


class SessionStartHookInput(_SessionStart, total=False):
    """A session begins; functions hear of it after ``/clear`` and after compaction only."""

    model: str
    session_title: str


class SessionEndHookInput(_InAgent):
    """A session ends; functions hear of it at ``/clear`` only."""

    hook_event_name: Literal["SessionEnd"]
    reason: str


class _Stop(_InAgent):
    hook_event_name: Literal["Stop"]
    stop_hook_active: bool


class StopHookInput(_Stop, total=False):
    """The model has finished its answer."""

    last_assistant_message: str
    background_tasks: list[BackgroundTaskSummary]
    session_crons: list[SessionCronSummary]


class _StopFailure(_InAgent):
    hook_event_name: Literal["StopFailure"]
    error: str


class StopFailureHookInput(_StopFailure, total=False):
    """The turn ended by an error of the model's API."""

    error_details: str
    last_assistant_message: str


class SubagentStartHookInput(BaseHookInput):
    """A subagent begins."""

    hook_event_name: Literal["SubagentStart"]
    agent_id: str
    agent_type: str


class _SubagentStop(BaseHookInput):
    hook_event_name: Literal["SubagentStop"]
    stop_hook_active: bool
    agent_id: str
    agent_transcript_path: str
    agent_type: str


class SubagentStopHookInput(_SubagentStop, total=False):
    """A subagent has finished."""

    last_assistant_message: str
    background_tasks: list[BackgroundTaskSummary]
    session_crons: list[SessionCronSummary]


class PreCompactHookInput(_InAgent):
    """The conversation is about to be summed up."""

    hook_event_name: Literal["PreCompact"]
    trigger: Literal["manual", "auto"]
    custom_instructions: str | None


class _PostCompact(_InAgent):
    hook_event_name: Literal["PostCompact"]
    trigger: Literal["manual", "auto"]


class PostCompactHookInput(_PostCompact, total=False):
    """The conversation was summed up."""

    compact_summary: str


class _PreModelSwitch(_InAgent):
    hook_event_name: Literal["PreModelSwitch"]
    from_model: str
    to_model: str


class PreModelSwitchHookInput(_PreModelSwitch, total=False):
    """The model is about to change."""

    requested_model: str
    source: str
    context_tokens: int


class _PostModelSwitch(_InAgent):
    hook_event_name: Literal["PostModelSwitch"]
    from_model: str
    to_model: str


class PostModelSwitchHookInput(_PostModelSwitch, total=False):
    """The model has changed."""

    requested_model: str
    source: str
    context_tokens: int


class _PermissionRequest(_InAgent):
    hook_event_name: Literal["PermissionRequest"]
    tool_name: str
    tool_input: dict[str, Any]


class PermissionRequestHookInput(_PermissionRequest, total=False):
    """A permission is about to be asked for; runs beside ``can_use_tool``, and who answers first decides."""

    permission_suggestions: list[Any]
    mcp_server: dict[str, Any]


class _PermissionDenied(_InAgent):
    hook_event_name: Literal["PermissionDenied"]
    tool_name: str
    tool_input: dict[str, Any]
    tool_use_id: str
    reason: str


class PermissionDeniedHookInput(_PermissionDenied, total=False):
    """A tool was refused without a question."""

    mcp_server: dict[str, Any]


class SetupHookInput(_InAgent):
    """The program prepares itself."""

    hook_event_name: Literal["Setup"]
    trigger: str


class TeammateIdleHookInput(_InAgent):
    """A member of a team has nothing to do."""

    hook_event_name: Literal["TeammateIdle"]
    teammate_name: str
    team_name: str


class _TaskCreated(_InAgent):
    hook_event_name: Literal["TaskCreated"]
    task_id: str
    task_subject: str


class TaskCreatedHookInput(_TaskCreated, total=False):
    """A task was written down."""

    task_description: str
    teammate_name: str
    team_name: str


class _TaskCompleted(_InAgent):
    hook_event_name: Literal["TaskCompleted"]
    task_id: str
    task_subject: str


class TaskCompletedHookInput(_TaskCompleted, total=False):
    """A task is done."""

    task_description: str
    teammate_name: str
    team_name: str


class _Elicitation(_InAgent):
    hook_event_name: Literal["Elicitation"]
    mcp_server_name: str
    message: str


class ElicitationHookInput(_Elicitation, total=False):
    """A tool server is about to ask a person."""

    mode: str
    url: str
    elicitation_id: str
    requested_schema: dict[str, Any]


class _ElicitationResult(_InAgent):
    hook_event_name: Literal["ElicitationResult"]
    mcp_server_name: str
    action: str


class ElicitationResultHookInput(_ElicitationResult, total=False):
    """A person has answered a tool server."""

    mode: str
    elicitation_id: str
    content: dict[str, Any]


class _ConfigChange(_InAgent):
    hook_event_name: Literal["ConfigChange"]
    source: str


class ConfigChangeHookInput(_ConfigChange, total=False):
    """A settings file changed."""

    file_path: str


class WorktreeCreateHookInput(_InAgent):
    """A worktree is to be made; the hook makes it and says where."""

    hook_event_name: Literal["WorktreeCreate"]
    name: str


class WorktreeRemoveHookInput(_InAgent):
    """A worktree is to be removed."""

    hook_event_name: Literal["WorktreeRemove"]
    worktree_path: str


class _InstructionsLoaded(_InAgent):
    hook_event_name: Literal["InstructionsLoaded"]
    file_path: str
    memory_type: str
    load_reason: str


class InstructionsLoadedHookInput(_InstructionsLoaded, total=False):
    """A file of instructions was read."""

    globs: list[str]
    trigger_file_path: str
    parent_file_path: str


class CwdChangedHookInput(_InAgent):
    """The working directory changed."""

    hook_event_name: Literal["CwdChanged"]
    old_cwd: str
    new_cwd: str


class FileChangedHookInput(_InAgent):
    """A watched file changed."""

    hook_event_name: Literal["FileChanged"]
    file_path: str
    event: str


class _DirectoryAdded(_InAgent):
    hook_event_name: Literal["DirectoryAdded"]
    directory: str


class DirectoryAddedHookInput(_DirectoryAdded, total=False):
    """A directory was added to those that tools may use."""

    source: str


class _MessageDisplay(_InAgent):
    hook_event_name: Literal["MessageDisplay"]
    message_id: str
    index: int
    final: bool
    delta: str


class MessageDisplayHookInput(_MessageDisplay, total=False):
    """A piece of text is about to be shown."""

    turn_id: str


HookInput = (
    PreToolUseHookInput
    | PostToolUseHookInput
    | PostToolUseFailureHookInput
    | PostToolBatchHookInput
    | NotificationHookInput
    | UserPromptSubmitHookInput
    | UserPromptExpansionHookInput
    | SessionStartHookInput
    | SessionEndHookInput
    | StopHookInput
    | StopFailureHookInput
    | SubagentStartHookInput
    | SubagentStopHookInput
    | PreCompactHookInput
    | PostCompactHookInput
    | PreModelSwitchHookInput
    | PostModelSwitchHookInput
    | PermissionRequestHookInput
    | PermissionDeniedHookInput
    | SetupHookInput
    | TeammateIdleHookInput
    | TaskCreatedHookInput
    | TaskCompletedHookInput
    | ElicitationHookInput
    | ElicitationResultHookInput
    | ConfigChangeHookInput
    | WorktreeCreateHookInput
    | WorktreeRemoveHookInput
    | InstructionsLoadedHookInput
    | CwdChangedHookInput
    | FileChangedHookInput
    | DirectoryAddedHookInput
    | MessageDisplayHookInput
)
"""What a hook is told; ``hook_event_name`` says which it is."""
