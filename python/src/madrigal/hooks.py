"""Functions that the program calls when something happens, and that may change what happens next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from .errors import InvalidOptionsError

if TYPE_CHECKING:
    from .hook_inputs import HookInput
    from .hook_outputs import HookJSONOutput

HookEvent = Literal[
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Notification",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "PreModelSwitch",
    "PostModelSwitch",
    "PermissionRequest",
    "PermissionDenied",
    "Setup",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "WorktreeCreate",
    "WorktreeRemove",
    "InstructionsLoaded",
    "CwdChanged",
    "FileChanged",
    "DirectoryAdded",
    "MessageDisplay",
]
"""What happens. Events of a newer program may be used too."""


class HookContext(TypedDict):
    """Always ``{"signal": None}``: when the program no longer waits, the task that runs the hook is cancelled."""

    signal: Any | None


if TYPE_CHECKING:
    HookCallback = Callable[[HookInput, str | None, HookContext], Awaitable[HookJSONOutput]]
else:
    # The shapes of all events take longer to load than most of the package.
    HookCallback = Callable[[Any, str | None, HookContext], Awaitable[Any]]
"""``async def hook(input, tool_use_id, context)``."""


@dataclass
class HookMatcher:
    """Functions for the events whose tool matches.

    Args:
        matcher: A name or a pattern such as ``"Write|Edit"``; ``None`` means all.
        hooks: The functions; all run.
        timeout: How long each may take, in seconds. Default: 60.
        on_failure: What happens when one raises or takes too long: ``continue`` (the default) or ``block``.

    >>> async def no_deletes(input, tool_use_id, context):
    ...     if "rm " in input["tool_input"].get("command", ""):
    ...         return {"decision": "block", "reason": "Nothing is deleted here."}
    ...     return {}
    >>> matcher = HookMatcher(matcher="Bash", hooks=[no_deletes], timeout=5, on_failure="block")

    """

    matcher: str | None = None
    hooks: list[HookCallback] = field(default_factory=list)
    timeout: float | None = None
    on_failure: Literal["continue", "block"] | None = None


def register(hooks: Mapping[Any, list[HookMatcher]] | None) -> tuple[dict[str, Any], dict[str, HookCallback]]:
    """What the engine is told of the hooks, and the functions under their names: ``h1``, ``h2``, ..."""
    wire: dict[str, Any] = {}
    functions: dict[str, HookCallback] = {}
    for event, matchers in (hooks or {}).items():
        wire[event] = []
        for place, matcher in enumerate(matchers):
            path = f"hooks.{event}[{place}]"
            if not isinstance(matcher, HookMatcher):
                raise _invalid(path, f"expected a HookMatcher, not {matcher!r:.80}")
            names = []
            for function in matcher.hooks:
                if not callable(function):
                    raise _invalid(f"{path}.hooks", f"expected functions, not {function!r:.80}")
                names.append(f"h{len(functions) + 1}")
                functions[names[-1]] = function
            told: dict[str, Any] = {"callbacks": names}
            if matcher.matcher is not None:
                told["matcher"] = matcher.matcher
            if matcher.timeout is not None:
                told["timeout_ms"] = _milliseconds(f"{path}.timeout", matcher.timeout)
            if matcher.on_failure is not None:
                told["on_failure"] = matcher.on_failure
            wire[event].append(told)
    return wire, functions


def _milliseconds(path: str, seconds: object) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
        raise _invalid(path, f"expected seconds above 0, not {seconds!r:.80}")
    return max(1, round(seconds * 1000))


def _invalid(path: str, problem: str) -> InvalidOptionsError:
    return InvalidOptionsError(f"{path}: {problem}", context={"field": path})


_NAMES = {"async_": "async", "continue_": "continue"}


def output_to_wire(output: object) -> dict[str, Any]:
    """The answer of a hook. Raises ``TypeError`` when it is none.

    >>> output_to_wire({"continue_": False})
    {'continue': False}
    """
    if output is None:
        return {}
    if not isinstance(output, Mapping):
        raise TypeError(f"a hook must return a dict or None, not {type(output).__name__}: {output!r:.100}")
    return {_NAMES.get(str(name), str(name)): value for name, value in output.items()}
