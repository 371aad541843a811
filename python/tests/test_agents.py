"""Agents that are ready, built in a line or kept in files; names of models; options by purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Play, Run, simulator

import madrigal
from madrigal import (
    AgentBuilder,
    AgentDefinition,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    InvalidArgumentError,
    InvalidOptionsError,
    NamedAgent,
    agent_from_markdown,
    agent_presets,
    agent_to_markdown,
    load_agents,
    merge_agents,
    option_preset,
    option_presets,
    save_agent,
    suggest_models,
    validate_agents,
    with_agent,
    with_agents,
    with_haiku,
    with_model,
    with_opus,
    with_sonnet,
)

REVIEWER = AgentDefinition("Reviews", "Review.", model="opus")


def test_presets_are_in_five_families_whole_and_without_warnings() -> None:
    everything = agent_presets()
    assert len(everything) >= 12
    families = {preset.family for preset in everything}
    assert len(families) == 5
    one_by_one = [preset.name for family in families for preset in agent_presets(family)]
    assert sorted(one_by_one) == sorted(preset.name for preset in everything)
    assert validate_agents(with_agents(None, everything).agents or {}) == []
    with pytest.raises(InvalidArgumentError) as caught:
        agent_presets("securty")  # type: ignore[arg-type]
    assert caught.value.context["field"] == "family"


def test_a_builder_says_what_is_said_and_each_step_is_one_of_its_own() -> None:
    begun = AgentBuilder("reviewer").prompt("Review.")
    built = (
        begun.description("Reviews")
        .tools(("Read",))
        .disallowed_tools(["Bash"])
        .model("haiku")
        .effort("low")
        .max_turns(3)
        .skills(["pdf"])
        .mcp_servers(["calc", {"own": {"command": "server"}}])
        .field("background", True)
        .field("color", "green")
        .examples(["One."])
        .examples([{"input": "a", "output": "b"}])
        .build()
    )
    examples = "\n\n## Examples\n\n<example>\nOne.\n</example>\n\n<example>\nInput: a\nOutput: b\n</example>"
    assert built == NamedAgent(
        "reviewer",
        AgentDefinition(
            "Reviews",
            "Review." + examples,
            tools=["Read"],
            disallowedTools=["Bash"],
            model="haiku",
            effort="low",
            maxTurns=3,
            skills=["pdf"],
            mcpServers=["calc", {"own": {"command": "server"}}],
            background=True,
            others={"color": "green"},
        ),
    )
    assert built.agent.to_dict()["color"] == "green"
    assert begun.build().agent == AgentDefinition("Custom agent: reviewer", "Review.")
    assert AgentBuilder("mine", REVIEWER).model("haiku").build().agent.model == "haiku"
    for builder, field in (
        (begun.max_turns(0), "agents.reviewer.maxTurns"),
        (begun.tools("Read"), "agents.reviewer.tools"),
        (AgentBuilder(""), "agents"),
    ):
        with pytest.raises(InvalidOptionsError) as caught:
            builder.build()
        assert caught.value.context["field"] == field
    with pytest.raises(InvalidArgumentError):
        begun.examples("One.")


def test_mistakes_are_told_by_the_field_all_at_once_and_what_is_strange_is_a_warning(play: Play, run: Run) -> None:
    wrong: dict[str, Any] = {"a": {**REVIEWER.to_dict(), "prompt": ""}, "b": {"prompt": "B"}}
    with pytest.raises(InvalidOptionsError) as caught:
        validate_agents(wrong)
    assert caught.value.context["field"] == "agents.a.prompt"
    assert caught.value.context["problems"][1]["field"] == "agents.b.description"
    strange = {"a": {**REVIEWER.to_dict(), "tools": ["Raed", "Mine"], "model": "sonet", "max_turns": 3}}
    assert [one.field for one in validate_agents(strange)] == ["tools[0]", "tools[1]", "model", "max_turns"]
    assert [one.field for one in validate_agents(strange, tools=["Raed", "Mine"])] == ["model", "max_turns"]

    async def main() -> None:
        # A session says the same before it starts.
        with pytest.raises(InvalidOptionsError):
            async with ClaudeSDKClient(play(agents=wrong)):
                pass

    run(main)


def test_agents_are_laid_over_others_field_by_field() -> None:
    agents = {"reviewer": REVIEWER, "other": REVIEWER}
    merged = merge_agents(agents, {"reviewer": {"model": None, "prompt": "Look."}})
    assert merged == {"reviewer": AgentDefinition("Reviews", "Look."), "other": REVIEWER}
    # One that is not whole is refused where it is used.
    more = merge_agents(agents, {"third": {"model": "haiku"}})
    with pytest.raises(InvalidOptionsError) as caught:
        validate_agents(more)
    assert caught.value.context["field"] == "agents.third.description"


def test_an_agent_is_written_to_a_file_of_the_program_and_read_again(tmp_path: Path) -> None:
    path = save_agent("reviewer", REVIEWER, directory=tmp_path)
    assert Path(path).name == "reviewer.md"
    assert Path(path).read_text() == agent_to_markdown("reviewer", REVIEWER)
    assert agent_from_markdown(Path(path).read_text()) == NamedAgent("reviewer", REVIEWER)
    with pytest.raises(InvalidArgumentError):
        save_agent("reviewer", REVIEWER, directory=tmp_path)
    quick = {**REVIEWER.to_dict(), "model": "haiku"}
    assert save_agent("reviewer", quick, directory=tmp_path, overwrite=True) == path
    (tmp_path / "broken.md").write_text("---\nname: [\n---\n")
    found = load_agents(directory=tmp_path)
    assert [(one.name, one.path, one.agent.to_dict()) for one in found.agents] == [("reviewer", path, quick)]
    assert [Path(one.path).name for one in found.errors] == ["broken.md"]
    with pytest.raises(InvalidOptionsError):
        save_agent("../out", REVIEWER, directory=tmp_path)
    with pytest.raises(InvalidArgumentError):
        load_agents(directory=tmp_path, scope="user")
    with pytest.raises(InvalidOptionsError):
        agent_from_markdown("no agent")


def test_agents_of_the_project_and_of_the_user_are_in_the_places_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, config = tmp_path / "work", tmp_path / "config"
    (work / "deep").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    assert save_agent("above", REVIEWER, cwd=work) == str(work / ".claude" / "agents" / "above.md")
    assert [one.name for one in load_agents(cwd=work / "deep").agents] == ["above"]
    own = save_agent("own", REVIEWER, scope="user", config_dir=config)
    assert own == str(config / "agents" / "own.md")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(config))
    assert [one.path for one in load_agents(scope="user").agents] == [own]


def test_what_was_meant_by_the_name_of_a_model() -> None:
    assert suggest_models("opus") == madrigal.ModelSuggestions(known=True, suggestions=[])
    assert suggest_models("sonet").suggestions[0] == "sonnet"
    models: list[Any] = [{"value": "gateway-large", "displayName": "Large", "description": ""}]
    assert suggest_models("gateway-larg", models).suggestions == ["gateway-large"]


def test_options_get_models_and_agents_and_keep_the_rest() -> None:
    opus = with_opus(ClaudeAgentOptions(stderr=print))
    assert (opus.max_turns, opus.stderr, opus.model, opus.fallback_model) == (10, print, "opus", "sonnet")
    sonnet = with_sonnet(ClaudeAgentOptions(max_turns=2, fallback_model="sonnet"))
    assert (sonnet.max_turns, sonnet.model, sonnet.fallback_model) == (2, "sonnet", None)
    assert with_haiku() == ClaudeAgentOptions(model="haiku", max_turns=3)
    assert with_model(ClaudeAgentOptions(fallback_model="haiku"), "opus").fallback_model == "haiku"
    assert with_model(None, "opus", ["sonnet", "haiku"]).fallback_model == "sonnet,haiku"
    given = ClaudeAgentOptions(cwd="/", agents={"reviewer": REVIEWER})
    options = with_agents(with_agent(given, "a", REVIEWER), [AgentBuilder("b"), NamedAgent("c", REVIEWER)])
    assert list(options.agents or {}) == ["reviewer", "a", "b", "c"]
    assert list(given.agents or {}) == ["reviewer"]
    assert options.cwd == "/"
    with pytest.raises(InvalidArgumentError):
        with_agents(None, ["b"])  # type: ignore[list-item]


def test_options_by_purpose_are_those_every_language_has_with_what_one_wants_over_them() -> None:
    for name in option_presets():
        assert (option_preset(name).max_turns or 0) > 0, name
    assert len(option_presets()) == 12

    async def allow(*_: Any) -> Any: ...

    options = option_preset(
        "development", max_turns=20, permission_mode=None, can_use_tool=allow, hooks=None, add_dirs=["/tmp"]
    )
    assert (options.max_turns, options.can_use_tool, options.add_dirs) == (20, allow, ["/tmp"])
    assert "Bash" in options.allowed_tools
    assert options.permission_mode is None
    assert option_preset("chat", continue_conversation=True).continue_conversation
    with pytest.raises(InvalidArgumentError, match="`development`"):
        option_preset("develpment")  # type: ignore[arg-type]
    for over, field in (({"max_turns": 0}, "max_turns"), ({"modle": None}, "modle"), ({"modle": "opus"}, "modle")):
        with pytest.raises(InvalidOptionsError) as caught:
            option_preset("chat", **over)
        assert caught.value.context["field"] == field


def test_agents_and_presets_reach_the_program(play: Play, run: Run) -> None:
    steps: list[dict[str, Any]] = [
        {"expect_args": {"contains": ["--model", "haiku"]}},
        {"await": {"type": "user"}},
        {"init": {}},
        {"result": {"result": "4"}},
    ]

    async def main() -> None:
        options = with_agents(with_haiku(play(*steps)), agent_presets())
        messages = [message async for message in madrigal.query(prompt="2 + 2?", options=options)]
        assert [one.result for one in messages if isinstance(one, madrigal.ResultMessage)] == ["4"]

    run(main)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: AgentBuilder("a", 5), "agent"),  # type: ignore[arg-type]
        (lambda: AgentBuilder("a").examples(5), "examples"),  # type: ignore[arg-type]
        (lambda: validate_agents({}, tools=5), "tools"),  # type: ignore[arg-type]
        (lambda: suggest_models("x", 5), "models"),  # type: ignore[arg-type]
        (lambda: with_agents(None, 5), "agents"),  # type: ignore[arg-type]
        (lambda: with_opus("sonnet"), "options"),  # type: ignore[arg-type]
        (lambda: with_model("sonnet", "opus"), "options"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_another_kind_are_refused_by_their_name(call: Any, field: str) -> None:
    with pytest.raises((InvalidArgumentError, InvalidOptionsError)) as caught:
        call()
    assert caught.value.context["field"] == field


EXAMPLES = sorted((ROOT / "python" / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_run(example: Path, tmp_path: Path) -> None:
    steps = [{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "It is four."}}, {"result": {}}]
    scenario = tmp_path / "example.json"
    scenario.write_text(json.dumps({"name": "example", "about": "an answer", "cli": steps}))
    played = {"MADRIGAL_CLI_PATH": simulator(), "MADRIGAL_SIMULATE": str(scenario)}
    env = {**os.environ, **played, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = subprocess.run([sys.executable, "-W", "error", example], env=env, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("It is four.\n")
