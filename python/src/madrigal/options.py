"""Everything a query or session can be told.

The names are those of ``claude_agent_sdk``. Values are checked by the engine, which is the same in every language, so a
mistake is an :class:`~madrigal.InvalidOptionsError` that starts with the path of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

from . import _request
from .agents import AgentDefinition, EffortLevel
from .dialogs import OnElicitation, OnUserDialog
from .hooks import HookEvent, HookMatcher
from .mcp import McpServerConfig
from .option_types import (
    EnvMode,
    Limits,
    OutputFormat,
    PermissionPrompts,
    SandboxSettings,
    SdkBeta,
    SdkPluginConfig,
    SettingSource,
    SystemPromptCustom,
    SystemPromptFile,
    SystemPromptPreset,
    TaskBudget,
    ThinkingConfig,
    Timeouts,
    ToolConfig,
    ToolsPreset,
    TraceContext,
    Workspace,
)
from .permissions import CanUseTool, PermissionMode

if TYPE_CHECKING:
    from pathlib import Path

    from .auth import AuthManager
    from .store import SessionStore, SessionStoreFlushMode


@dataclass
class ClaudeAgentOptions:
    """Options of a query or session. All have defaults. What may hold secrets is not in their ``repr``.

    >>> options = ClaudeAgentOptions(model="sonnet", max_turns=3, allowed_tools=["Read"])
    >>> ClaudeAgentOptions(modle="sonnet")
    Traceback (most recent call last):
        ...
    madrigal.errors.InvalidOptionsError: modle: no such option; did you mean 'model'?
    """

    tools: Sequence[str] | ToolsPreset | None = None
    """The built-in tools offered to the model; an empty list offers none. Default: all."""
    allowed_tools: Sequence[str] = field(default_factory=list)
    """Permission rules for tools that may run without asking, such as ``Bash(git log:*)``."""
    system_prompt: str | Sequence[str] | SystemPromptPreset | SystemPromptCustom | SystemPromptFile | None = None
    """Replaces the system prompt, or with a preset adds to it. Default: the program's own."""
    mcp_servers: Mapping[str, McpServerConfig] | str | Path = field(default_factory=dict, repr=False)
    """Tool servers by name; or the path or the text of a file ``{"mcpServers": {...}}``. May hold secrets."""
    strict_mcp_config: bool = False
    """Only these servers, none of the settings files."""
    permission_mode: PermissionMode | None = None
    """How permissions are decided when no rule matches."""
    continue_conversation: bool = False
    """Continue the newest session of the working directory."""
    resume: str | None = None
    """Continue the session with this id."""
    session_id: str | None = None
    """The id of the new session: a UUID that is not in use."""
    max_turns: int | None = None
    """Stop after this many steps of the model. At least 1."""
    max_budget_usd: float | None = None
    """Stop when the process has cost this much, in US dollars."""
    disallowed_tools: Sequence[str] = field(default_factory=list)
    """Permission rules for tools that are refused."""
    model: str | None = None
    """An alias (``sonnet``, ``opus``, ``haiku``) or a full name."""
    fallback_model: str | None = None
    """Models to fall back to when the first is overloaded or unknown, separated by commas."""
    betas: Sequence[SdkBeta | str] = field(default_factory=list)
    """Features of the API that must be asked for."""
    permission_prompt_tool_name: str | None = None
    """A tool of a server, ``mcp__<server>__<tool>``, that decides about permissions. Not with ``can_use_tool``."""
    cwd: str | Path | None = None
    """The working directory. Default: that of this process."""
    cli_path: str | Path | None = None
    """The ``claude`` program. Default: ``MADRIGAL_CLI_PATH``, then ``PATH``, then the usual places."""
    settings: str | Path | Mapping[str, Any] | None = field(default=None, repr=False)
    """Settings above those of the files: a dict, or the path or the text of a file."""
    add_dirs: Sequence[str | Path] = field(default_factory=list)
    """Directories beside the working directory that tools may use."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables added to the environment that the program inherits. May hold secrets."""
    extra_args: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Flags this library has no option for: name without dashes, and value or ``None``. Visible in process lists."""
    max_buffer_size: int | None = None
    """The longest line accepted from the program, in bytes: the same as ``limits["line_bytes"]``. Default 64 MiB."""
    stderr: Callable[[str], None] | None = None
    """Called with each line that the program writes to stderr."""
    can_use_tool: CanUseTool | None = None
    """Decides about tool calls that no rule decides; see :mod:`madrigal.permissions`."""
    hooks: Mapping[HookEvent, list[HookMatcher]] | None = None
    """Functions called when something happens; see :mod:`madrigal.hooks`."""
    user: str | None = None
    """The user the program runs as, with all groups of that user; only root can start it so. Variables such as ``HOME``
    stay as they are. Default: that of this process."""
    include_partial_messages: bool = False
    """Also deliver :class:`~madrigal.StreamEvent` messages while the model writes."""
    include_hook_events: bool = False
    """Also deliver :class:`~madrigal.HookEventMessage` messages for hooks that are commands."""
    forward_subagent_text: bool = False
    """Also deliver what subagents in the foreground write and think."""
    verbatim_prompts: bool = False
    """Prompts reach the model as they are: no ``@path`` is expanded and no ``/command`` is carried out."""
    fork_session: bool = False
    """With ``resume`` or ``continue_conversation``: under a new id, leaving the old session as it was."""
    resume_session_at: str | None = None
    """With ``resume`` or ``continue_conversation``: only up to the message with this id."""
    resume_drops_turn: str | None = None
    """With ``resume_session_at``: the id of the prompt whose turn is dropped; refused when more would be lost."""
    agents: Mapping[str, AgentDefinition] | None = field(default=None, repr=False)
    """Subagents by name."""
    setting_sources: Sequence[SettingSource] | None = None
    """Which settings files are read; an empty list reads none. Default: the program's own choice."""
    skills: Sequence[str] | Literal["all"] | None = None
    """Skills that the model may use; with them, settings are read from ``user`` and ``project`` by default."""
    sandbox: SandboxSettings | None = field(default=None, repr=False)
    """Whether and how commands run in a sandbox."""
    plugins: Sequence[SdkPluginConfig] = field(default_factory=list)
    """Plugins to load."""
    max_thinking_tokens: int | None = None
    """How much the model may think, in tokens. ``thinking`` says more."""
    thinking: ThinkingConfig | None = None
    """How much the model thinks, and whether it shows."""
    effort: EffortLevel | None = None
    """How hard the model tries."""
    output_format: OutputFormat | Mapping[str, Any] | type[Any] | None = None
    """The shape of the result: ``{"type": "json_schema", "schema": ...}``, or a dataclass or TypedDict that says it."""
    enable_file_checkpointing: bool = False
    """Keep copies of changed files, for ``rewind_files``."""
    session_store: SessionStore | None = None
    """Keeps the transcript in a store of yours, and ``resume`` takes it from there; see :mod:`madrigal.store`."""
    session_store_flush: SessionStoreFlushMode = "batched"
    """When entries go to the store: ``batched`` with each result, 500 entries or 1 MiB; ``eager`` at once."""
    load_timeout_ms: int = 60_000
    """The longest a call of the store may take: the same as ``timeouts["store_ms"]``."""
    task_budget: TaskBudget | None = None
    """Tokens that the model is told it has for the whole task."""
    client_app: str | None = None
    """The name and version of your application, for the program's requests: ``my-app/1.0``."""

    # The names of the TypeScript SDK.

    agent: str | None = None
    """The agent that runs as the main one, from ``agents`` or the settings."""
    enable_agent_switching: bool = False
    """Let ``set_agent`` put another agent in the lead; the system prompt is then made anew for each turn."""
    agent_progress_summaries: bool = False
    """Also sum up from time to time what subagents do."""
    allow_dangerously_skip_permissions: bool = False
    """Let ``set_permission_mode("bypassPermissions")`` succeed later."""
    debug: bool = False
    """Let the program write its debug log."""
    debug_file: str | Path | None = None
    """Where to."""
    managed_settings: Mapping[str, Any] | None = field(default=None, repr=False)
    """Settings above all others but those of the machine's administrator; only what restricts counts."""
    on_elicitation: OnElicitation | None = None
    """Answers questions of tool servers; see :mod:`madrigal.dialogs`."""
    on_user_dialog: OnUserDialog | None = None
    """Answers dialogs of the kinds in ``supported_dialog_kinds``."""
    supported_dialog_kinds: Sequence[str] = field(default_factory=list)
    """The dialogs that ``on_user_dialog`` can show."""
    per_task_stop_affordance: bool = False
    """Your users can stop single background tasks, so an interrupt leaves them running."""
    permission_prompts: PermissionPrompts | None = None
    """``none``: what would ask is refused."""
    persist_session: bool | None = None
    """``False``: the session leaves no file and cannot be resumed."""
    plan_mode_instructions: str | None = None
    """What the model is told in plan mode."""
    project_config_root: str | Path | None = None
    """The trusted checkout of which ``cwd`` is a worktree: settings of the repository are read from there."""
    prompt_suggestions: bool = False
    """Also deliver :class:`~madrigal.PromptSuggestionMessage` messages."""
    title: str | None = None
    """The title of the session."""
    tool_aliases: Mapping[str, str] = field(default_factory=dict)
    """Names under which the model may call a tool: a call of the key is a call of the value."""
    tool_config: ToolConfig = field(default_factory=lambda: ToolConfig())
    """Behaviour of single built-in tools."""
    executable: str | Path | None = None
    """What runs the program, such as ``node``, when ``cli_path`` is a script."""
    executable_args: Sequence[str] = field(default_factory=list)
    """Arguments for ``executable``, before the path of the script."""

    # Ours.

    append_system_prompt: str | None = None
    """Added to the system prompt, whichever it is."""
    workspace: Workspace = "guarded"
    """How far the settings of the working directory are trusted."""
    env_mode: EnvMode = "inherit"
    """``allow_list``: of this process's variables only the few that every program needs and those in ``env_allow``."""
    env_allow: Sequence[str] = field(default_factory=list)
    """Names of variables, for ``env_mode="allow_list"``; a ``*`` at the end stands for any rest."""
    trace_context: TraceContext | None = None
    """The trace that the run belongs to."""
    timeouts: Timeouts = field(default_factory=lambda: Timeouts())
    """Limits of time."""
    limits: Limits = field(default_factory=lambda: Limits())
    """Limits of memory."""

    auth: AuthManager | Literal[False] | None = None
    """Who gives the program its credential: a manager, with whose credential it is started and no other, or not at all;
    or ``False``: the program finds one by itself. Default: the stored token of a set-up where the environment has no
    credential."""

    def to_request(self) -> str:
        """The request with which the engine opens a session, as JSON text."""
        return _request.text(self)


if not TYPE_CHECKING:
    # A misspelt option is the same error here as in every other language.

    def _refuse_unknown(init):
        known = {item.name for item in fields(ClaudeAgentOptions)}

        @wraps(init)
        def checked(self, *args, **given):
            for name in given:
                if name not in known:
                    from difflib import get_close_matches

                    near = get_close_matches(name, known, 1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise _request.invalid(name, f"no such option{hint}")
            init(self, *args, **given)

        return checked

    ClaudeAgentOptions.__init__ = _refuse_unknown(ClaudeAgentOptions.__init__)
