"""A piece of work as data, and how it crosses to the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Union

from . import _request
from ._host import Host, tool_servers
from .errors import InvalidArgumentError
from .options import ClaudeAgentOptions

if TYPE_CHECKING:
    from .limits import RetryPolicy, TaskClass

TaskPrompt = Union[str, "list[dict[str, Any]]", "dict[str, Any]"]
"""What a task asks: a text, content blocks, or a whole user frame."""


@dataclass
class Task:
    """A prompt and all that its query is told. A prompt by itself is a task, too.

    >>> from madrigal import Task
    >>> Task("Review a.py", name="a.py", timeout=60).name
    'a.py'

    """

    prompt: TaskPrompt
    """What it asks."""
    options: ClaudeAgentOptions | None = field(default=None, kw_only=True)
    """Options of its own, over those of the orchestrator; of maps (``env``, ``hooks``, ``mcp_servers``) each entry for
    itself. ``stderr`` and ``session_store`` are not for tasks."""
    name: str | None = field(default=None, kw_only=True)
    """What it is called in progress and outcomes."""
    timeout: float | None = field(default=None, kw_only=True)
    """Seconds from being taken up to its outcome, waiting and trying again included. Default: the orchestrator's."""
    idempotent: bool = field(default=False, kw_only=True)
    """Doing it twice does no harm: it may be started afresh although a tool that changes something has run. Otherwise
    such a task goes on by resuming its session."""
    task_class: TaskClass | None = field(default=None, kw_only=True)
    """Who goes first among those who wait to be let in. Default ``normal``."""
    retry: RetryPolicy | None = field(default=None, kw_only=True)
    """What is tried again for this task, in place of what the orchestrator says."""


TaskLike = Union[TaskPrompt, Task]  # noqa: UP007
"""A task, or a prompt by itself."""

# What belongs to one program from its start to its end; a task may be started more than once.
_NOT_FOR_TASKS = ("stderr", "session_store", "session_store_flush", "load_timeout_ms")


class TaskHost(Host):
    """The functions of one task. What they raise is for the model, so nothing keeps it."""

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """See `Answering`."""
        return False


def options_to_wire(options: ClaudeAgentOptions, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options as the core has them, and what is told beside them. Raises `InvalidOptionsError`."""
    if not isinstance(options, ClaudeAgentOptions):
        raise _request.invalid(path, f"expected ClaudeAgentOptions, not {options!r:.80}")
    fresh = ClaudeAgentOptions()
    for name in _NOT_FOR_TASKS:
        if getattr(options, name) != getattr(fresh, name):
            raise _request.invalid(f"{path}.{name}", "not for tasks of an orchestrator; use query or ClaudeSDKClient")
    request = json.loads(_request.text(options))
    return request.pop("options"), {
        name: request[name] for name in ("asks", "hooks", "tool_servers", "auth") if name in request
    }


def task_to_wire(given: TaskLike, base: ClaudeAgentOptions, ref: dict[str, int]) -> tuple[dict[str, Any], TaskHost]:
    """A task as the core has it, and who answers its program. Raises what is wrong with it."""
    task = given if isinstance(given, Task) else Task(given)
    if not isinstance(task.prompt, (str, list, Mapping)):
        raise unfit("task.prompt", f"expected a text, content blocks or a user frame, not {task.prompt!r:.80}")
    options = _over(ClaudeAgentOptions() if task.options is None else task.options, base)
    wire, beside = options_to_wire(options, "task.options")
    said = {
        "name": task.name,
        "timeout_ms": None if task.timeout is None else task_milliseconds(task.timeout),
        "class": task.task_class,
        "retry": task.retry,
    }
    rest = {name: value for name, value in said.items() if value is not None}
    whole = {
        "prompt": task.prompt,
        "options": wire,
        "idempotent": task.idempotent,
        **rest,
        **beside,
        "ref": ref,
    }
    return whole, TaskHost(options)


def _over(own: ClaudeAgentOptions, base: ClaudeAgentOptions) -> ClaudeAgentOptions:
    """The functions of a task, and those of its orchestrator where it has none. The core adds all other options."""
    if not isinstance(own, ClaudeAgentOptions):
        raise _request.invalid("task.options", f"expected ClaudeAgentOptions, not {own!r:.80}")
    changes: dict[str, Any] = {
        name: getattr(base, name)
        for name in ("can_use_tool", "on_elicitation", "on_user_dialog")
        if getattr(own, name) is None and getattr(base, name) is not None
    }
    if base.hooks:
        changes["hooks"] = {**base.hooks, **(own.hooks or {})}
    if (ours := tool_servers(base.mcp_servers)) and isinstance(own.mcp_servers, Mapping):
        servers: Mapping[str, Any] = base.mcp_servers  # type: ignore[assignment]
        changes["mcp_servers"] = {**{name: servers[name] for name in ours}, **own.mcp_servers}
    return replace(own, **changes) if changes else own


def task_milliseconds(seconds: object) -> int:
    """A limit of time as the engine has it."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
        raise unfit("task.timeout", f"expected seconds above 0, not {seconds!r:.80}")
    return max(1, round(seconds * 1000))


def unfit(field: str, problem: str, operation: str = "orchestrate") -> InvalidArgumentError:
    """An argument that cannot work."""
    return InvalidArgumentError(f"{field}: {problem}", operation=operation, context={"field": field})


def needed(name: str, function: object) -> Callable[..., Any]:
    """A function that must be one."""
    if not callable(function):
        raise unfit(name, f"expected a function, not {function!r:.80}")
    return function
