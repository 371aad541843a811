"""What a hook may answer. Nothing, ``{}`` or ``None``, lets things go on."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

HookPermissionDecision = Literal["allow", "deny", "ask", "defer"]
"""``ask`` asks as if there were no hook; ``defer`` ends the turn with the call in ``deferred_tool_use``."""


class _PreToolUse(TypedDict):
    hookEventName: Literal["PreToolUse"]


class PreToolUseHookSpecificOutput(_PreToolUse, total=False):
    """Decides about the tool, changes its input, tells the model something."""

    permissionDecision: HookPermissionDecision
    permissionDecisionReason: str
    updatedInput: dict[str, Any]
    additionalContext: str


class _PostToolUse(TypedDict):
    hookEventName: Literal["PostToolUse"]


class PostToolUseHookSpecificOutput(_PostToolUse, total=False):
    """Tells the model something, changes what it reads of the tool."""

    additionalContext: str
    updatedToolOutput: Any
    updatedMCPToolOutput: Any


class _PostToolUseFailure(TypedDict):
    hookEventName: Literal["PostToolUseFailure"]


class PostToolUseFailureHookSpecificOutput(_PostToolUseFailure, total=False):
    """Tells the model something."""

    additionalContext: str


class _PostToolBatch(TypedDict):
    hookEventName: Literal["PostToolBatch"]


class PostToolBatchHookSpecificOutput(_PostToolBatch, total=False):
    """Tells the model something."""

    additionalContext: str


class _Notification(TypedDict):
    hookEventName: Literal["Notification"]


class NotificationHookSpecificOutput(_Notification, total=False):
    """Tells the model something."""

    additionalContext: str


class _UserPromptSubmit(TypedDict):
    hookEventName: Literal["UserPromptSubmit"]


class UserPromptSubmitHookSpecificOutput(_UserPromptSubmit, total=False):
    """Adds to the prompt, names the session."""

    additionalContext: str
    sessionTitle: str
    suppressOriginalPrompt: bool


class _UserPromptExpansion(TypedDict):
    hookEventName: Literal["UserPromptExpansion"]


class UserPromptExpansionHookSpecificOutput(_UserPromptExpansion, total=False):
    """Adds to the prompt."""

    additionalContext: str
    suppressOriginalPrompt: bool


class _SessionStart(TypedDict):
    hookEventName: Literal["SessionStart"]


class SessionStartHookSpecificOutput(_SessionStart, total=False):
    """Adds to the conversation, names the session, has files watched."""

    additionalContext: str
    initialUserMessage: str
    sessionTitle: str
    watchPaths: list[str]
    reloadSkills: bool


class _Setup(TypedDict):
    hookEventName: Literal["Setup"]


class SetupHookSpecificOutput(_Setup, total=False):
    """Tells the model something."""

    additionalContext: str


class _Stop(TypedDict):
    hookEventName: Literal["Stop"]


class StopHookSpecificOutput(_Stop, total=False):
    """Tells the model something."""

    additionalContext: str


class _SubagentStart(TypedDict):
    hookEventName: Literal["SubagentStart"]


class SubagentStartHookSpecificOutput(_SubagentStart, total=False):
    """Tells the subagent something."""

    additionalContext: str


class _SubagentStop(TypedDict):
    hookEventName: Literal["SubagentStop"]


class SubagentStopHookSpecificOutput(_SubagentStop, total=False):
    """Tells the model something."""

    additionalContext: str


class PermissionRequestHookSpecificOutput(TypedDict):
    """Decides: ``{"behavior": "allow", "updatedInput": ...}`` or ``{"behavior": "deny", "message": ...}``."""

    hookEventName: Literal["PermissionRequest"]
    decision: dict[str, Any]


class _PermissionDenied(TypedDict):
    hookEventName: Literal["PermissionDenied"]


class PermissionDeniedHookSpecificOutput(_PermissionDenied, total=False):
    """Lets the model try again."""

    retry: bool


class _PreModelSwitch(TypedDict):
    hookEventName: Literal["PreModelSwitch"]


class PreModelSwitchHookSpecificOutput(_PreModelSwitch, total=False):
    """Decides about the change."""

    permissionDecision: Literal["allow", "deny", "ask"]
    permissionDecisionReason: str


class _PostModelSwitch(TypedDict):
    hookEventName: Literal["PostModelSwitch"]


class PostModelSwitchHookSpecificOutput(_PostModelSwitch, total=False):
    """Tells the model something."""

    additionalContext: str


class _Elicitation(TypedDict):
    hookEventName: Literal["Elicitation"]


class ElicitationHookSpecificOutput(_Elicitation, total=False):
    """Answers in place of a person."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any]


class _ElicitationResult(TypedDict):
    hookEventName: Literal["ElicitationResult"]


class ElicitationResultHookSpecificOutput(_ElicitationResult, total=False):
    """Changes the answer of a person."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any]


class _CwdChanged(TypedDict):
    hookEventName: Literal["CwdChanged"]


class CwdChangedHookSpecificOutput(_CwdChanged, total=False):
    """Has files watched."""

    watchPaths: list[str]


class _FileChanged(TypedDict):
    hookEventName: Literal["FileChanged"]


class FileChangedHookSpecificOutput(_FileChanged, total=False):
    """Has files watched."""

    watchPaths: list[str]


class WorktreeCreateHookSpecificOutput(TypedDict):
    """Says where the worktree is."""

    hookEventName: Literal["WorktreeCreate"]
    worktreePath: str


class _MessageDisplay(TypedDict):
    hookEventName: Literal["MessageDisplay"]


class MessageDisplayHookSpecificOutput(_MessageDisplay, total=False):
    """Changes what is shown."""

    displayContent: str


HookSpecificOutput = (
    PreToolUseHookSpecificOutput
    | PostToolUseHookSpecificOutput
    | PostToolUseFailureHookSpecificOutput
    | PostToolBatchHookSpecificOutput
    | NotificationHookSpecificOutput
    | UserPromptSubmitHookSpecificOutput
    | UserPromptExpansionHookSpecificOutput
    | SessionStartHookSpecificOutput
    | SetupHookSpecificOutput
    | StopHookSpecificOutput
    | SubagentStartHookSpecificOutput
    | SubagentStopHookSpecificOutput
    | PermissionRequestHookSpecificOutput
    | PermissionDeniedHookSpecificOutput
    | PreModelSwitchHookSpecificOutput
    | PostModelSwitchHookSpecificOutput
    | ElicitationHookSpecificOutput
    | ElicitationResultHookSpecificOutput
    | CwdChangedHookSpecificOutput
    | FileChangedHookSpecificOutput
    | WorktreeCreateHookSpecificOutput
    | MessageDisplayHookSpecificOutput
)
"""The part of an answer that belongs to one event."""


class _AsyncOutput(TypedDict):
    async_: Literal[True]


class AsyncHookJSONOutput(_AsyncOutput, total=False):
    """Go on at once; what the hook does behind this is its own affair."""

    asyncTimeout: int


class SyncHookJSONOutput(TypedDict, total=False):
    """What happens next. All keys may be left out."""

    continue_: bool
    """``False`` ends the turn."""
    suppressOutput: bool
    stopReason: str
    """With ``continue_: False``: why, for people."""
    decision: Literal["approve", "block"]
    systemMessage: str
    """Shown to people."""
    reason: str
    """With ``decision``: why, for the model."""
    hookSpecificOutput: HookSpecificOutput


HookJSONOutput = AsyncHookJSONOutput | SyncHookJSONOutput
"""What a hook may answer."""
