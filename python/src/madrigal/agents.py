"""Subagents that the model can start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from .permissions import PermissionMode

EffortLevel = Literal["low", "medium", "high", "xhigh", "max"]
"""How hard the model tries."""


@dataclass
class AgentDefinition:
    """A subagent: when to use it, what it is told, what it may do. ``None`` means what the main agent has.

    The names are those of the program.

    >>> reviewer = AgentDefinition("Reviews code", "Look for mistakes.", tools=["Read"], model="haiku")
    >>> reviewer.to_dict()
    {'description': 'Reviews code', 'prompt': 'Look for mistakes.', 'tools': ['Read'], 'model': 'haiku'}
    """

    description: str
    """What the model reads to decide."""
    prompt: str
    """Its system prompt."""
    tools: list[str] | None = None
    disallowedTools: list[str] | None = None  # noqa: N815
    model: str | None = None
    skills: list[str] | None = None
    memory: Literal["user", "project", "local"] | None = None
    """Where it keeps what it learns."""
    mcpServers: list[str | dict[str, Any]] | None = None  # noqa: N815
    """Names of servers, or servers of its own."""
    initialPrompt: str | None = None  # noqa: N815
    """Sent first when it is the main agent."""
    maxTurns: int | None = None  # noqa: N815
    """Stop after this many steps of the model."""
    background: bool | None = None
    """Always run in the background."""
    effort: EffortLevel | int | None = None
    permissionMode: PermissionMode | None = None  # noqa: N815
    others: dict[str, Any] = field(default_factory=dict, kw_only=True)
    """What else the program reads, by the names it has for it."""

    def to_dict(self) -> dict[str, Any]:
        """The form the program reads."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "others"}
        return {**{name: value for name, value in values.items() if value is not None}, **self.others}


AgentLike = AgentDefinition | Mapping[str, Any]
"""An agent, or its fields as the program has them."""


@dataclass
class NamedAgent:
    """An agent and its name."""

    name: str
    agent: AgentDefinition


def agent_from_wire(wire: Mapping[str, Any]) -> AgentDefinition:
    """An agent as the program has it. What one that is not whole lacks is empty, and refused where it is used."""
    known = {item.name for item in fields(AgentDefinition)} - {"others"}
    own: dict[str, Any] = {"description": "", "prompt": ""}
    own |= {name: value for name, value in wire.items() if name in known}
    return AgentDefinition(**own, others={name: value for name, value in wire.items() if name not in known})


def agent_to_wire(agent: object) -> object:
    """An agent as the program reads it; a dict is taken as it is."""
    if isinstance(agent, AgentDefinition):
        return agent.to_dict()
    return dict(agent) if isinstance(agent, Mapping) else agent
