"""The step `invoke` for agents, models and presets of options, and the field `through`, through the public names."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import madrigal
from madrigal import AgentBuilder, _request

STEPS = {
    "disallowedTools": "disallowed_tools",
    "maxTurns": "max_turns",
    "mcpServers": "mcp_servers",
    **{name: name for name in ("description", "prompt", "tools", "model", "effort", "skills")},
}
NAMES = {"continue": "continue_conversation"}


def _builder(name: str, agent: dict[str, Any] | None = None, examples: Any = ()) -> AgentBuilder:
    builder = AgentBuilder(name)
    for field, value in (agent or {}).items():
        builder = getattr(builder, STEPS[field])(value) if field in STEPS else builder.field(field, value)
    return builder.examples(examples)


def _agents(options: Any, presets: Any = (), built: Any = ()) -> madrigal.ClaudeAgentOptions:
    named = [one for one in madrigal.agent_presets() if presets is True or one.name in presets]
    return madrigal.with_agents(options, [*named, *(_builder(**one) for one in built)])


FUNCTIONS: dict[str, Any] = {
    "with_opus": madrigal.with_opus,
    "with_sonnet": madrigal.with_sonnet,
    "with_haiku": madrigal.with_haiku,
    "with_model": madrigal.with_model,
    "with_agents": _agents,
}


def through(options: madrigal.ClaudeAgentOptions, functions: Any) -> madrigal.ClaudeAgentOptions:
    """Options that went through each of these: `[{"with_opus": {}}, ...]`."""
    for name, given in (item for one in functions for item in one.items()):
        options = FUNCTIONS[name](options, **given)
    return options


def _wire(options: madrigal.ClaudeAgentOptions) -> Any:
    return json.loads(_request.text(options))["options"]


def _through(name: str) -> Any:
    def put(options: Any = None, **given: Any) -> Any:
        said = None if options is None else {NAMES.get(field, field): value for field, value in options.items()}
        return _wire(FUNCTIONS[name](None if said is None else madrigal.ClaudeAgentOptions(**said), **given))

    return put


def _save(preset: str | None = None, **given: Any) -> Any:
    if preset is not None:
        one = next(one for one in madrigal.agent_presets() if one.name == preset)
        given = {"name": one.name, "agent": one.agent, **given}
    return {"path": madrigal.save_agent(**given)}


def _preset(name: str, over: dict[str, Any] | None = None) -> Any:
    given = {NAMES.get(key, key): value for key, value in (over or {}).items()}
    return _wire(madrigal.option_preset(name, **given))  # type: ignore[arg-type]


OPERATIONS: dict[str, Any] = {
    "agent_presets": madrigal.agent_presets,
    "build_agent": lambda **given: _builder(**given).build(),
    "validate_agents": lambda **given: {"warnings": madrigal.validate_agents(**given)},
    "merge_agents": madrigal.merge_agents,
    "load_agents": madrigal.load_agents,
    "save_agent": _save,
    "agent_to_markdown": lambda **given: {"text": madrigal.agent_to_markdown(**given)},
    "agent_from_markdown": madrigal.agent_from_markdown,
    "option_presets": madrigal.option_presets,
    "option_preset": _preset,
    "suggest_models": madrigal.suggest_models,
    **{name: _through(name) for name in FUNCTIONS},
}
"""What each gives in the form in which it crosses, but for dataclasses."""


def wire(value: Any) -> Any:
    """In that form."""
    if isinstance(value, madrigal.AgentDefinition):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: wire(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, list):
        return [wire(one) for one in value]
    return {name: wire(one) for name, one in value.items()} if isinstance(value, dict) else value
