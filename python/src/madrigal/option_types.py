"""The shapes of options that are more than a word or a number."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

SettingSource = Literal["user", "project", "local"]
"""A settings file: the user's, the repository's, the repository's that is not committed."""
SdkBeta = Literal["context-1m-2025-08-07"]
"""A feature of the API that must be asked for."""
Workspace = Literal["guarded", "hardened", "isolated", "trusted"]
"""How far the settings of the working directory are trusted."""
EnvMode = Literal["inherit", "allow_list"]
"""Which variables the program gets."""
PermissionPrompts = Literal["host", "none"]
"""Who is asked for permission; with ``none`` all that would ask is refused."""


class _SystemPromptPreset(TypedDict):
    type: Literal["preset"]
    preset: Literal["claude_code"]


class SystemPromptPreset(_SystemPromptPreset, total=False):
    """The program's own system prompt, and what is added to it."""

    append: str
    exclude_dynamic_sections: bool
    """Without what differs from machine to machine, so that caches are shared."""
    snapshot: bool
    """Whether it is recorded with the conversation; ``False``: made anew for every request. Default: yes."""


class _SystemPromptCustom(TypedDict):
    type: Literal["custom"]
    prompt: str | list[str]


class SystemPromptCustom(_SystemPromptCustom, total=False):
    """A system prompt of your own."""

    snapshot: bool
    """Whether it is recorded with the conversation; ``False``: made anew for every request. Default: yes."""


class SystemPromptFile(TypedDict):
    """A system prompt in a file."""

    type: Literal["file"]
    path: str


class ToolsPreset(TypedDict):
    """All built-in tools."""

    type: Literal["preset"]
    preset: Literal["claude_code"]


class _Adaptive(TypedDict):
    type: Literal["adaptive"]


class ThinkingConfigAdaptive(_Adaptive, total=False):
    """The model decides how much to think."""

    display: Literal["summarized", "omitted"]


class _Enabled(TypedDict):
    type: Literal["enabled"]
    budget_tokens: int


class ThinkingConfigEnabled(_Enabled, total=False):
    """The model thinks, with a budget in tokens."""

    display: Literal["summarized", "omitted"]


class ThinkingConfigDisabled(TypedDict):
    """The model does not think."""

    type: Literal["disabled"]


ThinkingConfig = ThinkingConfigAdaptive | ThinkingConfigEnabled | ThinkingConfigDisabled
"""How much the model thinks."""


class TaskBudget(TypedDict):
    """Tokens that the model is told it has for the whole task."""

    total: int


class OutputFormat(TypedDict):
    """The shape of the result: ``ResultMessage.structured_output`` fits the JSON Schema."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


class _Plugin(TypedDict):
    type: Literal["local"]
    path: str


class SdkPluginConfig(_Plugin, total=False):
    """A plugin in a directory."""

    skip_mcp_discovery: bool
    """Without its tool servers."""


class AskUserQuestionConfig(TypedDict, total=False):
    """The tool that asks the user."""

    preview_format: Literal["markdown", "html"]


class ToolConfig(TypedDict, total=False):
    """Behaviour of single built-in tools."""

    ask_user_question: AskUserQuestionConfig


SandboxIgnoreViolations = dict[str, list[str]]
"""Violations that are not reported, by command."""


class SandboxNetworkConfig(TypedDict, total=False):
    """What commands in the sandbox may reach."""

    allowedDomains: list[str]
    deniedDomains: list[str]
    allowManagedDomainsOnly: bool
    allowUnixSockets: list[str]
    allowAllUnixSockets: bool
    allowLocalBinding: bool
    allowMachLookup: list[str]
    httpProxyPort: int
    socksProxyPort: int


class SandboxSettings(TypedDict, total=False):
    """Whether and how commands run in a sandbox."""

    enabled: bool
    autoAllowBashIfSandboxed: bool
    excludedCommands: list[str]
    allowUnsandboxedCommands: bool
    network: SandboxNetworkConfig
    ignoreViolations: SandboxIgnoreViolations
    enableWeakerNestedSandbox: bool


class TraceContext(TypedDict, total=False):
    """The trace that the run belongs to, in the form of W3C Trace Context."""

    traceparent: str
    tracestate: str


class Timeouts(TypedDict, total=False):
    """Limits of time in milliseconds; ``None`` means no limit, a key left out the default."""

    start_ms: int | None
    """From the start of the program until it is ready. Default 60 000."""
    control_ms: int | None
    """For the answer to a control request. Default 60 000."""
    idle_ms: int | None
    """Silence while a turn runs and no question is open with you. Default: none."""
    turn_ms: int | None
    """A whole turn. Default: none."""
    close_ms: int | None
    """After a graceful close: until the program is told to terminate. Default 5 000."""
    kill_ms: int
    """From there until its whole process tree is killed. Default 2 000."""
    first_token_ms: int | None
    """From a prompt to the first message of the model. Default: none."""
    callback_ms: int | None
    """For your answer to a question: permission, hook, tool call, dialog, store. Default: none."""
    store_ms: int
    """For a call of the session store, all attempts together; at the end, for all that is left. Default 60 000."""
    stall_ms: int | None
    """Not one byte from the program while a turn runs: then comes ``stall_action``. Default: none."""
    stall_action: Literal["event", "interrupt", "stop", "resume"]
    """A :class:`~madrigal.StalledMessage` comes; and the turn is interrupted; and the session ends, or is resumed in a
    new process, which a :class:`~madrigal.ResumedMessage` tells. Default: event."""
    stall_resumes: int
    """With ``stall_action`` ``resume``: how often in a turn. Default 1."""


class Limits(TypedDict, total=False):
    """Limits of memory in bytes; a key left out means the default."""

    line_bytes: int
    """The longest line accepted from the program. Default 64 MiB."""
    buffer_bytes: int
    """Unread messages at which reading the program pauses. Default 64 MiB."""
    hard_buffer_bytes: int
    """Unread messages at which the session ends, reached only while a control exchange is open. Default 256 MiB."""
