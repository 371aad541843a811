"""Run Claude Code agents: one Rust engine behind the names of ``claude_agent_sdk``.

>>> import asyncio
>>> from madrigal import ClaudeAgentOptions, ResultMessage, query
>>> async def main():
...     async for message in query(prompt="What is 2 + 2?", options=ClaudeAgentOptions(max_turns=1)):
...         if isinstance(message, ResultMessage):
...             print(message.result)
>>> asyncio.run(main())
4

* :func:`query` asks once; :class:`ClaudeSDKClient` is a conversation. Both work under asyncio and trio.
* :class:`ClaudeAgentOptions` says how.
* :class:`Orchestrator` runs many queries under shared limits; :class:`RateLimiter`, :class:`CircuitBreaker` and
  :class:`CostBudget` are limits by themselves.
* :class:`AuthManager` finds and keeps credentials; :func:`agent_presets`, :class:`AgentBuilder` and
  :func:`option_preset` give agents and options that are ready to use.
* Every error is a :class:`MadrigalError` with a stable ``code``, a ``retry`` verdict and the facts in ``context``.
"""

# ruff: noqa: F405 (what the star imports below bring; mypy knows it)

import atexit
import importlib
from typing import TYPE_CHECKING, Any

from . import _native
from ._query import (
    query,
)
from .agents import (
    AgentDefinition,
    AgentLike,
    EffortLevel,
    NamedAgent,
)
from .client import (
    ClaudeSDKClient,
)
from .dialogs import (
    ElicitationRequest,
    ElicitationResult,
    OnElicitation,
    OnUserDialog,
    UserDialogRequest,
    UserDialogResult,
)
from .errors import (
    AuthError,
    BudgetExceededError,
    CallbackError,
    CancelledError,
    CircuitOpenError,
    ClaudeSDKError,
    CLIConnectionError,
    CLIJSONDecodeError,
    CLINotFoundError,
    CLIVersionError,
    ClosedError,
    ControlError,
    InternalError,
    InvalidArgumentError,
    InvalidOptionsError,
    MadrigalError,
    OverflowError,
    OverloadedError,
    ProcessError,
    ProcessExitedError,
    ProtocolError,
    RateLimitedError,
    ResultError,
    SpawnFailedError,
    StructuredOutputError,
    TimeoutError,
    TurnFailedError,
)
from .hooks import (
    HookCallback,
    HookContext,
    HookEvent,
    HookMatcher,
)
from .mcp import (
    McpClaudeAIProxyServerConfig,
    McpHttpServerConfig,
    McpSdkServerConfig,
    McpSdkServerConfigStatus,
    McpServerConfig,
    McpServerStatusConfig,
    McpSSEServerConfig,
    McpStdioServerConfig,
)
from .option_types import (
    AskUserQuestionConfig,
    EnvMode,
    Limits,
    OutputFormat,
    PermissionPrompts,
    SandboxIgnoreViolations,
    SandboxNetworkConfig,
    SandboxSettings,
    SdkBeta,
    SdkPluginConfig,
    SettingSource,
    SystemPromptCustom,
    SystemPromptFile,
    SystemPromptPreset,
    TaskBudget,
    ThinkingConfig,
    ThinkingConfigAdaptive,
    ThinkingConfigDisabled,
    ThinkingConfigEnabled,
    Timeouts,
    ToolConfig,
    ToolsPreset,
    TraceContext,
    Workspace,
)
from .options import (
    ClaudeAgentOptions,
)
from .permissions import (
    CanUseTool,
    CanUseToolShadowedWarning,
    PermissionBehavior,
    PermissionMode,
    PermissionResult,
    PermissionResultAllow,
    PermissionResultDeny,
    PermissionRuleValue,
    PermissionUpdate,
    PermissionUpdateDestination,
    ToolPermissionContext,
)
from .tools import (
    SdkMcpTool,
    ToolAnnotations,
    ToolContext,
    ToolServer,
    create_sdk_mcp_server,
    tool,
    tool_context,
)

if TYPE_CHECKING:
    # Loaded when asked for, see `__getattr__`; what of them is public is listed below.
    from ._frames import (
        SystemMessage,
    )
    from .accumulator import (
        Accumulator,
        CompleteBlock,
    )
    from .agent_builder import *  # noqa: F403
    from .agent_work import *  # noqa: F403
    from .auth import *  # noqa: F403
    from .content import (
        ContainerUploadBlock,
        ContentBlock,
        DocumentBlock,
        ImageBlock,
        McpToolResultBlock,
        McpToolUseBlock,
        RedactedThinkingBlock,
        SearchResultBlock,
        ServerToolName,
        ServerToolResultBlock,
        ServerToolUseBlock,
        TextBlock,
        ThinkingBlock,
        ToolReferenceBlock,
        ToolResultBlock,
        ToolUseBlock,
        UnknownBlock,
    )
    from .control import *  # noqa: F403
    from .credentials import *  # noqa: F403
    from .hook_inputs import *  # noqa: F403
    from .hook_outputs import *  # noqa: F403
    from .limits import *  # noqa: F403
    from .message_types import *  # noqa: F403
    from .messages import *  # noqa: F403
    from .models import *  # noqa: F403
    from .orchestrator import *  # noqa: F403
    from .outcomes import *  # noqa: F403
    from .policies import *  # noqa: F403
    from .presets import *  # noqa: F403
    from .sessions import *  # noqa: F403
    from .store import *  # noqa: F403
    from .store_sessions import *  # noqa: F403
    from .system_messages import *  # noqa: F403
    from .tasks import *  # noqa: F403
    from .token_store import *  # noqa: F403
    from .usage import *  # noqa: F403

__version__ = _native.VERSION

# fmt: off
__all__ = [
    "TERMINAL_TASK_STATUSES", "APIRetryMessage", "AccountInfo", "Accumulator", "ActiveGoalMessage", "Adaptive",
    "AgentBuilder", "AgentChanges", "AgentDefinition", "AgentExample", "AgentFamily", "AgentFile", "AgentInfo",
    "AgentLike", "AgentPreset", "AgentWarning", "Answered", "AsCompleted", "AskAgain", "AskUserQuestionConfig",
    "AssistantMessage", "AsyncHookJSONOutput", "AuthError", "AuthManager", "AuthMethod", "AuthProvider",
    "AuthStatus", "AuthStatusMessage", "AuthVerdict", "BackgroundTask", "BackgroundTaskSummary",
    "BackgroundTasksChangedMessage", "BadAgentFile", "BaseHookInput", "Budget", "BudgetExceededError",
    "CLIConnectionError", "CLIJSONDecodeError", "CLINotFoundError", "CLIVersionError", "CallbackError",
    "CanUseTool", "CanUseToolShadowedWarning", "CancelAsyncMessageResult", "CancelledError", "Candidate", "Circuit",
    "CircuitBreaker", "CircuitOpenError", "CircuitPhase", "CircuitTicket", "ClaudeAgentOptions", "ClaudeSDKClient",
    "ClaudeSDKError", "ClosedError", "CommandLifecycleMessage", "CommandsChangedMessage", "CompactBoundaryMessage",
    "CompactMetadata", "CompleteBlock", "ConfigChangeHookInput", "ConsideredCredential", "ContainerUploadBlock",
    "ContentBlock", "ContextUsageCategory", "ContextUsageResponse", "ControlError", "ControlRequestProgressMessage",
    "ConversationResetMessage", "CostBudget", "CostMeter", "Credential", "CwdChangedHookInput",
    "CwdChangedHookSpecificOutput", "DeferredToolUse", "DirectoryAddedHookInput", "DocumentBlock", "Done",
    "EffortLevel", "ElicitationCompleteMessage", "ElicitationHookInput", "ElicitationHookSpecificOutput",
    "ElicitationRequest", "ElicitationResult", "ElicitationResultHookInput", "ElicitationResultHookSpecificOutput",
    "EnvMode", "FastModeDisabledReason", "FastModeState", "FileChangedHookInput", "FileChangedHookSpecificOutput",
    "FilesPersistedMessage", "Forced", "ForkSessionResult", "GivenToken", "Hedge", "HookCallback", "HookContext",
    "HookEffort", "HookEvent", "HookEventMessage", "HookInput", "HookJSONOutput", "HookMatcher",
    "HookPermissionDecision", "HookSpecificOutput", "ImageBlock", "InMemorySessionStore", "InformationalMessage",
    "InitMessage", "InstructionsLoadedHookInput", "InternalError", "InterruptReceipt", "InvalidArgumentError",
    "InvalidOptionsError", "KeepAliveMessage", "Key", "Limits", "ListModelsResponse", "LoadedAgents",
    "LocalCommandOutputMessage", "MadrigalError", "MapReduceOutcome", "McpCallResult",
    "McpClaudeAIProxyServerConfig", "McpHttpServerConfig", "McpResourceContents", "McpSSEServerConfig",
    "McpSdkServerConfig", "McpSdkServerConfigStatus", "McpServerConfig", "McpServerConnectionStatus",
    "McpServerInfo", "McpServerStatus", "McpServerStatusConfig", "McpSetServersResult", "McpStatusResponse",
    "McpStdioServerConfig", "McpToolAnnotations", "McpToolInfo", "McpToolResultBlock", "McpToolUseBlock",
    "MemoryLimit", "MemoryRecallMessage", "Message", "MessageDisplayHookInput", "MessageDisplayHookSpecificOutput",
    "MessageOrigin", "MessageOriginKind", "MirrorErrorMessage", "ModelFallbackMessage", "ModelInfo",
    "ModelRefusalFallbackMessage", "ModelRefusalNoFallbackMessage", "ModelSuggestions", "ModelUsage", "NamedAgent",
    "NewToken", "NotificationHookInput", "NotificationHookSpecificOutput", "NotificationMessage", "OnElicitation",
    "OnError", "OnUserDialog", "OptionPreset", "OptionWarningMessage",
    "Orchestrator", "OrchestratorConfig", "OrchestratorStats", "Outcome",
    "OutcomeStatus", "OutputFormat", "OverflowError", "OverloadedError", "PermissionBehavior", "PermissionDenial",
    "PermissionDeniedHookInput", "PermissionDeniedHookSpecificOutput", "PermissionDeniedMessage", "PermissionMode",
    "PermissionPrompts", "PermissionRequestHookInput", "PermissionRequestHookSpecificOutput", "PermissionResult",
    "PermissionResultAllow", "PermissionResultDeny", "PermissionRuleValue", "PermissionUpdate",
    "PermissionUpdateDestination", "PluginInstallMessage", "Pool", "PostCompactHookInput",
    "PostModelSwitchHookInput", "PostModelSwitchHookSpecificOutput", "PostToolBatchHookInput",
    "PostToolBatchHookSpecificOutput", "PostToolUseFailureHookInput", "PostToolUseFailureHookSpecificOutput",
    "PostToolUseHookInput", "PostToolUseHookSpecificOutput", "PreCompactHookInput", "PreModelSwitchHookInput",
    "PreModelSwitchHookSpecificOutput", "PreToolUseHookInput", "PreToolUseHookSpecificOutput", "ProcessError",
    "ProcessExitedError", "Progress", "ProgressStage", "PromptSuggestionMessage", "ProtocolError", "Quorum",
    "Quota", "RaceOutcome", "RateFeedback", "RateLimit", "RateLimitEvent", "RateLimitInfo", "RateLimitStatus",
    "RateLimitType", "RateLimitedError", "RateLimiter", "RatePermit", "ReadFileResponse", "RedactedThinkingBlock",
    "Refresh", "ReloadPluginsResponse", "ReloadSkillsResponse", "Reservation", "ResultError", "ResultMessage",
    "ResumedMessage", "RetryPolicy", "RewindFilesResult", "SDKSessionInfo", "SandboxIgnoreViolations",
    "SandboxNetworkConfig", "SandboxSettings", "SdkBeta", "SdkMcpTool", "SdkPluginConfig", "SearchResultBlock",
    "ServerClosed", "ServerToolName", "ServerToolResultBlock", "ServerToolUseBlock", "SessionCostResponse",
    "SessionCronSummary", "SessionEndHookInput", "SessionKey", "SessionListSubkeysKey", "SessionMessage",
    "SessionStartHookInput", "SessionStartHookSpecificOutput", "SessionStateChangedMessage", "SessionStore",
    "SessionStoreEntry", "SessionStoreFlushMode", "SessionStoreListEntry", "SessionSummaryEntry", "SessionTitle",
    "SessionTitleChangedMessage", "SessionWritesLostMessage", "SetModelResult", "SetPermissionModeResult",
    "SettingSource", "SettingsResponse", "SetupFunction", "SetupHookInput", "SetupHookSpecificOutput", "Shedding",
    "SideQuestionResponse", "SlashCommand", "SpawnFailedError", "Spender", "StalledMessage", "Start",
    "StatusMessage", "Step", "StopFailureHookInput", "StopHookInput", "StopHookSpecificOutput", "StoredToken",
    "StreamEvent", "StructuredOutputError", "SubagentStartHookInput", "SubagentStartHookSpecificOutput",
    "SubagentStopHookInput", "SubagentStopHookSpecificOutput", "SyncHookJSONOutput", "SystemInitData",
    "SystemInitMcpServer", "SystemInitPlugin", "SystemInitPluginError", "SystemMessage", "SystemPromptCustom",
    "SystemPromptFile", "SystemPromptPreset", "Task", "TaskBudget", "TaskClass", "TaskCompletedHookInput",
    "TaskCreatedHookInput", "TaskLike", "TaskNotificationMessage", "TaskNotificationOriginSubkind",
    "TaskNotificationStatus", "TaskOutput", "TaskProgressMessage", "TaskPrompt", "TaskSource", "TaskStartedMessage",
    "TaskUpdatedMessage", "TaskUpdatedStatus", "TaskUsage", "TeammateIdleHookInput", "TextBlock", "ThinkingBlock",
    "ThinkingConfig", "ThinkingConfigAdaptive", "ThinkingConfigDisabled", "ThinkingConfigEnabled",
    "ThinkingTokensMessage", "Throttled", "TimeoutError", "Timeouts", "TokenFile", "TokenKeyring", "TokenStore",
    "Tolerate", "ToolAnnotations", "ToolConfig", "ToolContext", "ToolPermissionContext", "ToolProgressMessage",
    "ToolReferenceBlock", "ToolResultBlock", "ToolServer", "ToolUseBlock", "ToolUseSummaryMessage", "ToolsPreset",
    "TraceContext", "TranscriptMirrorMessage", "TurnFailedError", "UIInvalidateMessage", "UnknownBlock",
    "UnknownMessage", "UntilOutcome", "Usage", "UsageMeter", "UsageResponse", "UserDialogRequest",
    "UserDialogResult", "UserMessage", "UserPromptExpansionHookInput", "UserPromptExpansionHookSpecificOutput",
    "UserPromptSubmitHookInput", "UserPromptSubmitHookSpecificOutput", "Verdict", "VoteOutcome",
    "WorkerShuttingDownMessage", "Workspace", "WorktreeCreateHookInput", "WorktreeCreateHookSpecificOutput",
    "WorktreeRemoveHookInput", "__version__", "agent_from_markdown", "agent_presets", "agent_to_markdown",
    "archive_session", "create_sdk_mcp_server", "delete_session", "delete_session_via_store",
    "fold_session_summary", "fork_session", "fork_session_via_store", "get_session_info",
    "get_session_info_from_store", "get_session_messages", "get_session_messages_from_store",
    "get_subagent_messages", "get_subagent_messages_from_store", "import_session_to_store", "list_sessions",
    "list_sessions_from_store", "list_subagents", "list_subagents_from_store", "load_agents", "merge_agents",
    "option_preset", "option_presets", "project_key_for_directory", "query", "rename_session",
    "rename_session_via_store", "save_agent", "suggest_models", "tag_session", "tag_session_via_store", "tool",
    "tool_context", "unarchive_session", "validate_agents", "with_agent", "with_agents", "with_haiku", "with_model",
    "with_opus", "with_sonnet",
]
# fmt: on

# The threads of the engine never touch Python, so they cannot hurt an interpreter that ends; this ends what they run.
# Longer than the default ladder from terminate to kill, which a program that cooperates never needs.
atexit.register(_native.shutdown, 4.0)


# Classes and types of messages, replies, events and hooks: many, and making them is most of the time that importing
# takes. They are loaded when one is asked for, or when the first message is there.
_LATER = (
    "messages",
    "content",
    "message_types",
    "accumulator",
    "usage",
    "system_messages",
    "sessions",
    "store",
    "store_sessions",
    "hook_inputs",
    "hook_outputs",
    "control",
    "orchestrator",
    "policies",
    "tasks",
    "outcomes",
    "limits",
    "auth",
    "agent_work",
    "agent_builder",
    "models",
    "presets",
    "credentials",
    "token_store",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _LATER:
            found = getattr(importlib.import_module(f".{module}", __name__), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
