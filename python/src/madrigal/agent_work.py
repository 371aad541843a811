"""Agents that are ready, checks, one over the other, and agents in files. All of it is done in the engine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any, Literal, Union

from ._tasks_from import listed
from .agents import AgentDefinition, AgentLike, NamedAgent, agent_from_wire, agent_to_wire
from .sessions import _invoke

AgentFamily = Literal["security", "code_quality", "testing", "documentation", "operations"]
"""The families of :func:`agent_presets`."""
AgentChanges = Union[AgentDefinition, Mapping[str, Any]]  # noqa: UP007
"""What is changed of an agent; ``None`` in a mapping takes a field away."""
Scope = Literal["project", "user"]
"""Whose agents: those of a repository, or those of the user."""
Path = Union[str, "os.PathLike[str]"]
"""A path."""


@dataclass
class AgentPreset(NamedAgent):
    """An agent that is ready to use."""

    family: AgentFamily


@dataclass
class AgentWarning:
    """Something about an agent that works but is probably not meant."""

    agent: str
    """The name of the agent."""
    field: str
    """The field, such as ``tools[1]``."""
    message: str
    """What is strange, and what may be meant."""
    suggestions: list[str] = field_of(default_factory=list)
    """Names that may be meant, the best first."""


@dataclass
class AgentFile(NamedAgent):
    """An agent in a file."""

    path: str


@dataclass
class BadAgentFile:
    """A file that holds no agent, and why."""

    path: str
    message: str


@dataclass
class LoadedAgents:
    """What was found."""

    agents: list[AgentFile]
    """Of two with one name, the nearer to the working directory."""
    errors: list[BadAgentFile]
    """Files that hold none."""


def agent_presets(family: AgentFamily | None = None) -> list[AgentPreset]:
    """Agents that are ready to use: those of a family, or all.

    Raises:
        InvalidArgumentError: There is no such family.

    >>> from madrigal import agent_presets
    >>> {preset.family for preset in agent_presets("security")}
    {'security'}

    """
    found = _invoke("agent_presets", **({} if family is None else {"family": family}))
    return [AgentPreset(one["name"], agent_from_wire(one["agent"]), one["family"]) for one in found]


def validate_agents(agents: Mapping[str, AgentLike], *, tools: Sequence[str] | None = None) -> list[AgentWarning]:
    """Checks agents as a session does before it starts.

    Args:
        agents: Agents by name, as in the option ``agents``.
        tools: The names that exist. Default: the built-in ones.

    Returns:
        Warnings: of tools and models that do not exist, and of fields the program does not have.

    Raises:
        InvalidOptionsError: With the path of the first field that is wrong (``agents.reviewer.prompt``); of several,
            ``context["problems"]`` has all.

    >>> from madrigal import AgentDefinition, validate_agents
    >>> reviewer = AgentDefinition("Reviews", "Review.", tools=["Grpe"])
    >>> [(warning.agent, warning.field) for warning in validate_agents({"reviewer": reviewer})]
    [('reviewer', 'tools[0]')]

    """
    beside = {} if tools is None else {"tools": listed(tools, "tools", "validate_agents")}
    found = _invoke("validate_agents", agents=_by_name(agents), **beside)
    return [AgentWarning(**warning) for warning in found["warnings"]]


def merge_agents(agents: Mapping[str, AgentLike], over: Mapping[str, AgentChanges]) -> dict[str, AgentDefinition]:
    """Lays agents over others: of an agent that is in both, the fields of `over` win and those it lacks stay.

    >>> from madrigal import AgentDefinition, merge_agents
    >>> agents = {"reviewer": AgentDefinition("Reviews", "Review.", model="opus")}
    >>> merge_agents(agents, {"reviewer": {"model": "haiku"}})["reviewer"].model
    'haiku'

    """
    merged = _invoke("merge_agents", agents=_by_name(agents), over=_by_name(over))
    return {name: agent_from_wire(agent) for name, agent in merged.items()}


def agent_to_markdown(name: str, agent: AgentLike) -> str:
    """The text of a file for an agent, as the program has it in ``.claude/agents``.

    Raises:
        InvalidOptionsError: The agent cannot work.

    """
    text: str = _invoke("agent_to_markdown", name=name, agent=agent_to_wire(agent))["text"]
    return text


def agent_from_markdown(text: str) -> NamedAgent:
    r"""The agent in the text of such a file.

    Raises:
        InvalidOptionsError: There is none in it; the message says why.

    >>> from madrigal import agent_from_markdown
    >>> agent_from_markdown("---\nname: greeter\ndescription: Greets\n---\nGreet.").agent.prompt
    'Greet.'

    """
    return _named(_invoke("agent_from_markdown", text=text))


def load_agents(
    *,
    scope: Scope | None = None,
    directory: Path | None = None,
    cwd: Path | None = None,
    config_dir: Path | None = None,
) -> LoadedAgents:
    """Reads agents from the files of the program, at once: in an event loop, call it in a thread where that matters.

    A directory that is not there has none; a file that cannot be read is among the errors, and the others are read.

    Args:
        scope: ``project`` (the default: ``.claude/agents`` in the working directory and, in a git repository, in the
            directories above it up to its root), or ``user``.
        directory: This directory instead.
        cwd: The working directory of the project. Default: that of this process.
        config_dir: The folder of the user's configuration, in place of ``CLAUDE_CONFIG_DIR`` and ``~/.claude``.

    >>> from madrigal import load_agents
    >>> load_agents(directory="/no/such/folder")
    LoadedAgents(agents=[], errors=[])

    """
    found = _invoke("load_agents", **_place(scope, directory, cwd, config_dir))
    agents = [AgentFile(one["name"], agent_from_wire(one["agent"]), one["path"]) for one in found["agents"]]
    return LoadedAgents(agents, [BadAgentFile(one["path"], one["message"]) for one in found["errors"]])


def save_agent(
    name: str,
    agent: AgentLike,
    *,
    scope: Scope | None = None,
    directory: Path | None = None,
    cwd: Path | None = None,
    config_dir: Path | None = None,
    overwrite: bool = False,
) -> str:
    """Writes an agent to a file of the program, whole or not at all.

    Args:
        name: The name of the agent, and of the file.
        agent: The agent.
        scope: See :func:`load_agents`, as for the next three.
        directory: This directory instead.
        cwd: The working directory of the project.
        config_dir: The folder of the user's configuration.
        overwrite: Whether an agent that is there is replaced.

    Returns:
        The path of the file.

    Raises:
        InvalidOptionsError: The agent cannot work, or its name cannot be that of a file.
        InvalidArgumentError: The agent is there already.

    >>> import tempfile
    >>> from madrigal import AgentDefinition, load_agents, save_agent
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_agent("greeter", AgentDefinition("Greets", "Greet."), directory=folder)
    ...     [found.name for found in load_agents(directory=folder).agents]
    ['greeter']

    """
    place = _place(scope, directory, cwd, config_dir)
    saved = _invoke("save_agent", name=name, agent=agent_to_wire(agent), overwrite=overwrite, **place)
    path: str = saved["path"]
    return path


def _place(scope: Scope | None, directory: Path | None, cwd: Path | None, config_dir: Path | None) -> dict[str, Any]:
    given = {"scope": scope, "directory": directory, "cwd": cwd, "config_dir": config_dir}
    return {name: value for name, value in given.items() if value is not None}


def _named(wire: Mapping[str, Any]) -> NamedAgent:
    return NamedAgent(wire["name"], agent_from_wire(wire["agent"]))


def _by_name(agents: object) -> object:
    # What is no mapping is for the engine to refuse.
    return {name: agent_to_wire(agent) for name, agent in agents.items()} if isinstance(agents, Mapping) else agents
