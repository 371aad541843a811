"""An agent, made step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from ._tasks_from import listed
from .agent_work import _named
from .agents import AgentLike, EffortLevel, NamedAgent, agent_to_wire
from .sessions import _invoke
from .tasks import unfit

if TYPE_CHECKING:
    from typing_extensions import Self

AgentExample = Union[str, Mapping[str, str]]  # noqa: UP007
"""An example of what an agent is asked and what it answers: a text, or ``{"input": ..., "output": ...}``."""


class AgentBuilder:
    """Makes an agent step by step. Each step gives a builder of its own, so one can be the beginning of several.

    What is not said stays out and is then the program's choice. Only a description and a prompt must be there: by
    default they are "Custom agent: NAME" and "You are a helpful assistant.".

    Args:
        name: Its name.
        agent: What is known of it already, such as a preset.

    >>> from madrigal import AgentBuilder
    >>> reviewer = AgentBuilder("sql_reviewer").prompt("You review SQL.").tools(["Read", "Grep"]).model("haiku").build()
    >>> reviewer.name, reviewer.agent.tools
    ('sql_reviewer', ['Read', 'Grep'])

    """

    def __init__(self, name: str, agent: AgentLike | None = None) -> None:
        self._name = name
        self._agent: Any = {} if agent is None else agent_to_wire(agent)
        if not isinstance(self._agent, dict):
            raise unfit("agent", f"expected an AgentDefinition or a mapping, not {agent!r:.80}", "build_agent")
        self._examples: list[AgentExample] = []

    def description(self, description: str) -> Self:
        """When to use it: what the model that chooses among agents reads."""
        return self.field("description", description)

    def prompt(self, prompt: str) -> Self:
        """Its system prompt."""
        return self.field("prompt", prompt)

    def tools(self, tools: Sequence[str]) -> Self:
        """The tools it has. Default: all of the conversation."""
        return self.field("tools", tools)

    def disallowed_tools(self, tools: Sequence[str]) -> Self:
        """Tools it does not have."""
        return self.field("disallowedTools", tools)

    def model(self, model: str) -> Self:
        """Its model: an alias, a full name, or ``inherit``. Default: that of the conversation."""
        return self.field("model", model)

    def effort(self, effort: EffortLevel | int) -> Self:
        """How much effort goes into its answers."""
        return self.field("effort", effort)

    def max_turns(self, turns: int) -> Self:
        """The most steps of the model; at least 1."""
        return self.field("maxTurns", turns)

    def skills(self, skills: Sequence[str]) -> Self:
        """Skills it knows from the start."""
        return self.field("skills", skills)

    def mcp_servers(self, servers: Sequence[str | dict[str, Any]]) -> Self:
        """Its MCP servers: names of the conversation's, or servers of its own."""
        return self.field("mcpServers", servers)

    def field(self, field: str, value: Any) -> Self:
        """Any other field, by the name the program has for it."""
        return self._with({**self._agent, field: list(value) if isinstance(value, tuple) else value}, self._examples)

    def examples(self, examples: Sequence[AgentExample]) -> Self:
        """More examples. They stand behind the prompt, below a heading."""
        return self._with(self._agent, [*self._examples, *listed(examples, "examples", "build_agent")])

    def build(self) -> NamedAgent:
        """The agent with its name.

        Raises:
            InvalidOptionsError: It cannot work; the message starts with the path of the field.

        """
        return _named(_invoke("build_agent", name=self._name, agent=self._agent, examples=self._examples))

    def _with(self, agent: dict[str, Any], examples: list[AgentExample]) -> Self:
        more = type(self)(self._name)
        more._agent, more._examples = agent, examples
        return more
