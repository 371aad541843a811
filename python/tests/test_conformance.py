"""The shared scenarios, through the public names of the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import ROOT
from matching import matches
from player import Player

HERE = ROOT / "tests" / "conformance"
SCENARIOS = sorted((HERE / "scenarios").glob("*.json"))
LIMIT = 60.0


def known_failing() -> set[str]:
    path = HERE / "known_failing" / "python.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


@pytest.mark.parametrize("case", json.loads((HERE / "vectors" / "match.json").read_text())["cases"], ids=json.dumps)
def test_match(case: dict[str, Any]) -> None:
    assert matches(case["pattern"], case["value"]) is case["matches"]


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 0
    assert known_failing() <= {path.stem for path in SCENARIOS}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, backend: str) -> None:
    scenario = json.loads(path.read_text())

    async def play() -> None:
        with anyio.fail_after(LIMIT):
            player = Player(path, scenario)
            await player.play(scenario["host"])
            player.check()
            if player.client is not None:
                await player.client.disconnect()

    if path.stem in known_failing():
        with pytest.raises(BaseException):  # noqa: B017, PT011
            anyio.run(play, backend=backend)
    else:
        anyio.run(play, backend=backend)
