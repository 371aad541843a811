"""The step `invoke` for agents, models and presets of options, through the public names."""

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


def _build(name: str, agent: dict[str, Any] | None = None, examples: Any = ()) -> Any:
    builder = AgentBuilder(name)
    for field, value in (agent or {}).items():
        builder = getattr(builder, STEPS[field])(value) if field in STEPS else builder.field(field, value)
    return builder.examples(examples).build()


def _preset(name: str, over: dict[str, Any] | None = None) -> Any:
    given = {("continue_conversation" if key == "continue" else key): value for key, value in (over or {}).items()}
    return json.loads(_request.text(madrigal.option_preset(name, **given)))["options"]  # type: ignore[arg-type]


OPERATIONS: dict[str, Any] = {
    "agent_presets": madrigal.agent_presets,
    "build_agent": _build,
    "validate_agents": lambda **given: {"warnings": madrigal.validate_agents(**given)},
    "merge_agents": madrigal.merge_agents,
    "load_agents": madrigal.load_agents,
    "save_agent": lambda **given: {"path": madrigal.save_agent(**given)},
    "agent_to_markdown": lambda **given: {"text": madrigal.agent_to_markdown(**given)},
    "agent_from_markdown": madrigal.agent_from_markdown,
    "option_presets": madrigal.option_presets,
    "option_preset": _preset,
    "suggest_models": madrigal.suggest_models,
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
