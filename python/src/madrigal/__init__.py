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
* Every error is a :class:`MadrigalError` with a stable ``code``, a ``retry`` verdict and the facts in ``context``.
"""

import atexit

from . import _native
from ._query import query
from .client import ClaudeSDKClient
from .errors import (
    AuthError,
    CallbackError,
    CancelledError,
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
    ProcessError,
    ProcessExitedError,
    ProtocolError,
    SpawnFailedError,
    TimeoutError,
)
from .messages import (
    AssistantMessage,
    ContentBlock,
    DeferredToolUse,
    Message,
    RateLimitEvent,
    RateLimitInfo,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UnknownBlock,
    UnknownMessage,
    UserMessage,
)
from .options import (
    ClaudeAgentOptions,
    Limits,
    SettingSource,
    SystemPromptPreset,
    Timeouts,
    ToolsPreset,
)
from .permissions import (
    CanUseTool,
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

__version__ = _native.VERSION

__all__ = [
    "AssistantMessage",
    "AuthError",
    "CLIConnectionError",
    "CLIJSONDecodeError",
    "CLINotFoundError",
    "CLIVersionError",
    "CallbackError",
    "CanUseTool",
    "CancelledError",
    "ClaudeAgentOptions",
    "ClaudeSDKClient",
    "ClaudeSDKError",
    "ClosedError",
    "ContentBlock",
    "ControlError",
    "DeferredToolUse",
    "InternalError",
    "InvalidArgumentError",
    "InvalidOptionsError",
    "Limits",
    "MadrigalError",
    "Message",
    "OverflowError",
    "PermissionBehavior",
    "PermissionMode",
    "PermissionResult",
    "PermissionResultAllow",
    "PermissionResultDeny",
    "PermissionRuleValue",
    "PermissionUpdate",
    "PermissionUpdateDestination",
    "ProcessError",
    "ProcessExitedError",
    "ProtocolError",
    "RateLimitEvent",
    "RateLimitInfo",
    "ResultMessage",
    "SettingSource",
    "SpawnFailedError",
    "StreamEvent",
    "SystemMessage",
    "SystemPromptPreset",
    "TextBlock",
    "ThinkingBlock",
    "TimeoutError",
    "Timeouts",
    "ToolPermissionContext",
    "ToolResultBlock",
    "ToolUseBlock",
    "ToolsPreset",
    "UnknownBlock",
    "UnknownMessage",
    "UserMessage",
    "__version__",
    "query",
]

# The threads of the engine never touch Python, so they cannot hurt an interpreter that ends; this ends what they run.
# Longer than the default ladder from terminate to kill, which a program that cooperates never needs.
atexit.register(_native.shutdown, 4.0)
