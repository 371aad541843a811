"""Options for a model or a purpose, and steps that add to options.

The presets are those of the engine, the same in every language; nothing here can be said only this way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, Union

from . import _request
from ._tasks_from import listed
from .agent_builder import AgentBuilder
from .agents import AgentLike, NamedAgent
from .options import ClaudeAgentOptions
from .sessions import _invoke
from .tasks import unfit

OptionPreset = Literal[
    "development",
    "staging",
    "production",
    "analysis",
    "chat",
    "documentation",
    "testing",
    "sandboxed",
    "quick",
    "opus",
    "sonnet",
    "haiku",
]
"""The names of presets: eight purposes, one turn (``quick``), and models."""
Agents = Union[Mapping[str, AgentLike], Iterable["AgentBuilder | NamedAgent"]]  # noqa: UP007
"""Agents by name; or builders, presets, or what was loaded."""

# What stays in this process, so that no preset says anything about it.
_CORE_NAMES = {"continue_conversation": "continue"}
_OURS = {name: ours for ours, name in _CORE_NAMES.items()}


def option_presets() -> list[OptionPreset]:
    """The names of the presets."""
    names: list[OptionPreset] = _invoke("option_presets")
    return names


def option_preset(name: OptionPreset, **over: Any) -> ClaudeAgentOptions:
    """The options of a preset.

    Args:
        name: Which one.
        over: Options in place of those of the preset, by the names of :class:`ClaudeAgentOptions`; ``None`` takes
            one away. They count as a whole: lists and mappings are replaced, not joined.

    Raises:
        InvalidArgumentError: There is no such preset.
        InvalidOptionsError: The options together cannot work.

    >>> from madrigal import option_preset
    >>> option_preset("development", max_turns=20).max_turns
    20

    """
    given = {option: value for option, value in over.items() if value is not None}
    refused: dict[str, Any] = dict.fromkeys(over)
    ClaudeAgentOptions(**refused)  # Names that are none.
    own = ClaudeAgentOptions(**given)
    without = {_CORE_NAMES.get(option, option): None for option, value in over.items() if value is None}
    # Checked with what comes over it; what stays in this process is put back in.
    wire = json.loads(_request.text(replace(own, auth=None)))["options"]
    _invoke("option_preset", name=name, over={**wire, **_known(without)})
    options = _invoke("option_preset", name=name, over=_known(without))
    return ClaudeAgentOptions(**{**{_OURS.get(option, option): value for option, value in options.items()}, **given})


def _known(without: Mapping[str, None]) -> dict[str, None]:
    # A preset has none of what only this process knows.
    return {option: None for option in without if option not in _request._PROVIDED}


def with_opus(options: ClaudeAgentOptions | None = None) -> ClaudeAgentOptions:
    """Options with the most able model; when it is overloaded, sonnet. At most 10 steps where they say nothing else.

    >>> from madrigal import with_opus
    >>> with_opus().fallback_model
    'sonnet'

    """
    return _on_model("opus", options)


def with_sonnet(options: ClaudeAgentOptions | None = None) -> ClaudeAgentOptions:
    """Options with the balanced model; at most 5 steps where they say nothing else."""
    return _on_model("sonnet", options)


def with_haiku(options: ClaudeAgentOptions | None = None) -> ClaudeAgentOptions:
    """Options with the quickest model; at most 3 steps where they say nothing else."""
    return _on_model("haiku", options)


def with_model(
    options: ClaudeAgentOptions | None, model: str, fallback: str | Iterable[str] | None = None
) -> ClaudeAgentOptions:
    """Options with this model, by an alias or its full name.

    Args:
        options: What they are added to.
        model: The model.
        fallback: What to use when it is overloaded or unknown: a name, or several in order. Default: what the
            options say.

    >>> from madrigal import with_model
    >>> with_model(None, "opus", ["sonnet", "haiku"]).fallback_model
    'sonnet,haiku'

    """
    changes: dict[str, Any] = {"model": model}
    if fallback is not None:
        changes["fallback_model"] = fallback if isinstance(fallback, str) else ",".join(fallback)
    return replace(_given(options), **changes)


def with_agent(options: ClaudeAgentOptions | None, name: str, agent: AgentLike) -> ClaudeAgentOptions:
    """Options with one more agent; one with this name is replaced."""
    return with_agents(options, {name: agent})


def with_agents(options: ClaudeAgentOptions | None, agents: Agents) -> ClaudeAgentOptions:
    """Options with more agents, beside those that are there.

    Raises:
        InvalidOptionsError: A builder's agent cannot work.

    >>> from madrigal import AgentBuilder, agent_presets, with_agents
    >>> options = with_agents(None, [AgentBuilder("greeter").prompt("Greet."), *agent_presets("testing")])
    >>> "greeter" in options.agents
    True

    """
    options = _given(options)
    return replace(options, agents={**(options.agents or {}), **_by_name(agents)})


def _given(options: ClaudeAgentOptions | None) -> ClaudeAgentOptions:
    if options is not None and not isinstance(options, ClaudeAgentOptions):
        raise _request.invalid("options", f"expected ClaudeAgentOptions, not {options!r:.80}")
    return ClaudeAgentOptions() if options is None else options


def _by_name(agents: Agents) -> dict[str, Any]:
    if isinstance(agents, Mapping):
        return dict(agents)
    named = [one.build() if isinstance(one, AgentBuilder) else one for one in listed(agents, "agents", "with_agents")]
    for one in named:
        if not isinstance(one, NamedAgent):
            raise unfit("agents", f"expected builders or named agents, not {one!r:.80}", "with_agents")
    return {one.name: one.agent for one in named}


def _on_model(name: OptionPreset, options: ClaudeAgentOptions | None) -> ClaudeAgentOptions:
    """What falls back to another model with one may be that model with the other, so it does not stay."""
    options = _given(options)
    preset = option_preset(name)
    turns = preset.max_turns if options.max_turns is None else options.max_turns
    return replace(options, model=preset.model, fallback_model=preset.fallback_model, max_turns=turns)
