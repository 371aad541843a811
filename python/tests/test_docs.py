"""The examples in the documentation run, with the simulator in place of `claude`."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, simulator

import madrigal

TURN = [
    {"await": {"type": "user"}},
    {"init": {}},
    {"text": {"text": "4"}},
    {"result": {"result": "4", "structured_output": {"total": 4}}},
]
MODULES = ["madrigal", *(f"madrigal.{found.name}" for found in pkgutil.iter_modules(madrigal.__path__))]


@pytest.fixture(autouse=True)
def _simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = {"name": "docs", "about": "an answer", "mode": "session", "cli": [{"loop": TURN}], "host": []}
    path = tmp_path / "docs.json"
    path.write_text(json.dumps(scenario))
    monkeypatch.setenv("MADRIGAL_CLI_PATH", simulator())
    monkeypatch.setenv("MADRIGAL_SIMULATE", str(path))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert failed == 0


def test_there_are_examples() -> None:
    found = doctest.DocTestFinder().find(madrigal)
    assert any(example.examples for example in found)


def test_page_on_agents(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "agents.md").read_text(), re.S)
    (switching,) = [block for block in blocks if "set_agent" in block]
    exec(switching, {})
    assert capsys.readouterr().out.count("ResultMessage(") == 2


def test_readme(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "python" / "README.md").read_text(), re.S)
    assert len(blocks) == 7
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    assert capsys.readouterr().out == "4\n"
    said = []
    for block in blocks[1:]:
        exec(block, names)
        names["asyncio"].run(names["main"]())
        said.append(capsys.readouterr().out)
    tools, controls, structured, many, account, agents = said
    for out in (tools, controls, structured, account, agents):
        assert "ResultMessage(" in out
    assert structured.endswith("\n4\n")
    assert many == "None succeeded 4\nother succeeded 4\n2\n"
    assert account.startswith("api_key\n")
