"""Everything a query or session can be told.

The names are those of ``claude_agent_sdk``. Values are checked by the engine, which is the same in every language, so a
mistake is an :class:`~madrigal.InvalidOptionsError` that starts with the path of the field.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from .errors import InvalidOptionsError
from .permissions import CanUseTool, PermissionMode

if TYPE_CHECKING:
    from pathlib import Path

SettingSource = Literal["user", "project", "local"]


class _SystemPromptPreset(TypedDict):
    type: Literal["preset"]
    preset: Literal["claude_code"]


class SystemPromptPreset(_SystemPromptPreset, total=False):
    """The program's own system prompt, and what is added to it."""

    append: str


class ToolsPreset(TypedDict):
    """All built-in tools."""

    type: Literal["preset"]
    preset: Literal["claude_code"]


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


class Limits(TypedDict, total=False):
    """Limits of memory in bytes; a key left out means the default."""

    line_bytes: int
    """The longest line accepted from the program. Default 64 MiB."""
    buffer_bytes: int
    """Unread messages at which reading the program pauses. Default 64 MiB."""
    hard_buffer_bytes: int
    """Unread messages at which the session ends, reached only while a control exchange is open. Default 256 MiB."""


@dataclass
class ClaudeAgentOptions:
    """Options of a query or session. All have defaults.

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
    system_prompt: str | SystemPromptPreset | None = None
    """Replaces the system prompt, or with a preset adds to it. Default: the program's own."""
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
    cwd: str | Path | None = None
    """The working directory. Default: that of this process."""
    cli_path: str | Path | None = None
    """The ``claude`` program. Default: ``MADRIGAL_CLI_PATH``, then ``PATH``, then the usual places."""
    add_dirs: Sequence[str | Path] = field(default_factory=list)
    """Directories beside the working directory that tools may use."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the environment that the program inherits. May hold secrets."""
    extra_args: Mapping[str, str | None] = field(default_factory=dict)
    """Flags this library has no option for: name without dashes, and value or ``None``. Visible in process lists."""
    max_buffer_size: int | None = None
    """The longest line accepted from the program, in bytes: the same as ``limits["line_bytes"]``. Default 64 MiB."""
    stderr: Callable[[str], None] | None = None
    """Called with each line that the program writes to stderr."""
    can_use_tool: CanUseTool | None = None
    """Decides about tool calls that no rule decides; see :mod:`madrigal.permissions`."""
    include_partial_messages: bool = False
    """Also deliver :class:`~madrigal.StreamEvent` messages while the model writes."""
    fork_session: bool = False
    """With ``resume`` or ``continue_conversation``: under a new id, leaving the old session as it was."""
    setting_sources: Sequence[SettingSource] | None = None
    """Which settings files are read; an empty list reads none. Default: the program's own choice."""
    append_system_prompt: str | None = None
    """Added to the system prompt, whichever it is."""
    timeouts: Timeouts = field(default_factory=lambda: Timeouts())
    """Limits of time."""
    limits: Limits = field(default_factory=lambda: Limits())
    """Limits of memory."""

    def to_request(self) -> str:
        """The request with which the engine opens a session, as JSON text."""
        options: dict[str, Any] = {}
        for name in _SAME_NAME:
            value = getattr(self, name)
            if value is not None:
                options[name] = os.fspath(value) if isinstance(value, os.PathLike) else value
        options["continue"] = self.continue_conversation
        options["add_dirs"] = [os.fspath(directory) for directory in _list("add_dirs", self.add_dirs)]
        options["tools"] = ["default"] if isinstance(self.tools, dict) else self.tools
        if self.max_buffer_size is not None:
            options["limits"] = {"line_bytes": self.max_buffer_size, **self.limits}
        options.update(self._system_prompt())
        request = {
            "options": options,
            "asks": ["can_use_tool"] if self.can_use_tool else [],
            "stderr": self.stderr is not None,
        }
        return _dumps(request, options)

    def _system_prompt(self) -> dict[str, str]:
        prompt = self.system_prompt
        if prompt is None:
            return {}
        if isinstance(prompt, str):
            return {"system_prompt": prompt}
        known = isinstance(prompt, Mapping) and prompt.get("type") == "preset"
        if not known or prompt.get("preset") != "claude_code" or prompt.keys() - {"type", "preset", "append"}:
            raise _invalid(
                "system_prompt",
                "expected a text or {'type': 'preset', 'preset': 'claude_code', 'append': text}",
            )
        if prompt.get("append") is None:
            return {}
        if self.append_system_prompt is not None:
            raise _invalid("append_system_prompt", "given twice: system_prompt has an 'append' too")
        return {"append_system_prompt": prompt["append"]}


_SAME_NAME = (
    "model",
    "fallback_model",
    "cwd",
    "append_system_prompt",
    "env",
    "cli_path",
    "allowed_tools",
    "disallowed_tools",
    "permission_mode",
    "max_turns",
    "max_budget_usd",
    "resume",
    "fork_session",
    "session_id",
    "include_partial_messages",
    "setting_sources",
    "timeouts",
    "limits",
    "extra_args",
)


def _invalid(path: str, problem: str) -> InvalidOptionsError:
    return InvalidOptionsError(f"{path}: {problem}", context={"field": path})


def _list(path: str, value: object) -> Sequence[Any]:
    # A lone string is a sequence too, of its letters.
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _invalid(path, f"expected a list, not {value!r:.80}")
    return value


def _dumps(request: dict[str, Any], options: dict[str, Any]) -> str:
    try:
        return json.dumps(request, default=_plain, allow_nan=False)
    except (TypeError, ValueError):
        for name, value in options.items():
            try:
                json.dumps(value, default=_plain, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise _invalid(name, str(error)) from None
        raise


def _plain(value: object) -> object:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{value!r:.80} has no JSON form")


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
                    raise _invalid(name, f"no such option{hint}")
            init(self, *args, **given)

        return checked

    ClaudeAgentOptions.__init__ = _refuse_unknown(ClaudeAgentOptions.__init__)
