"""The cases of `tests/real` on the real `claude`, which talks to the loopback API; see `tests/real/README.md`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import ROOT, alive, simulator
from matching import in_order
from player import Player

HERE = ROOT / "tests" / "real"
CASES = json.loads((HERE / "cases.json").read_text())
LIMIT = 120.0
SETTLED = 10.0
FORBIDDEN = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN")


class Place:
    """Directories, and a model that runs on this machine."""

    def __init__(self, base: Path) -> None:
        assert not [name for name in FORBIDDEN if name in os.environ], "these must not be set here"
        self.home, self.work = base / "home", base / "work"
        self.home.mkdir()
        self.work.mkdir()
        self.api = subprocess.Popen(
            [simulator(), "loopback", "--json", "--script", str(HERE / "script.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.api.stdout is not None
        self.started: dict[str, Any] = json.loads(self.api.stdout.readline())

    def options(self, case: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        cli = os.environ.get("MADRIGAL_REAL_CLI", "")
        if not Path(cli).is_file():
            pytest.fail("MADRIGAL_REAL_CLI does not name the `claude` program")
        env = dict(self.started["env"])
        if not case.get("logged_in", True):
            del env["ANTHROPIC_API_KEY"]
        env |= {"HOME": str(self.home), "CLAUDE_CONFIG_DIR": str(self.home / ".claude"), "ENABLE_TOOL_SEARCH": "false"}
        return {**options, "cli_path": cli, "cwd": str(self.work), "env": {**env, **case.get("env", {})}}

    def case(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case with the folders of this place in it, and its files made."""
        text = json.dumps(case).replace("$work", str(self.work)).replace("$config", str(self.home / ".claude"))
        here: dict[str, Any] = json.loads(text)
        for name, content in here.get("make", {}).items():
            file = self.work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return here

    def requests(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.started["url"] + "/_madrigal/requests") as answer:
            requests: list[dict[str, Any]] = json.load(answer)
        return requests

    def close(self) -> None:
        assert self.api.stdin is not None
        assert self.api.stdout is not None
        self.api.stdin.close()
        self.api.stdout.close()
        self.api.wait(LIMIT)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def holds(patterns: list[Any], requests: list[Any]) -> bool:
    return not requests if patterns == [] else in_order(patterns, requests) is None


# One case is about a tool that is allowed without a question, which the package warns of.
@pytest.mark.filterwarnings("ignore::madrigal.CanUseToolShadowedWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any], place: Place) -> None:
    case = place.case(case)

    async def carry_out() -> None:
        with anyio.fail_after(LIMIT):
            for session in case["sessions"]:
                player = Player(None, {**session, "options": place.options(case, session.get("options", {}))})
                await player.play(session["host"])
                player.check()

    anyio.run(carry_out)
    if "api" in case:
        deadline = time.monotonic() + SETTLED
        while not holds(case["api"], place.requests()):
            assert time.monotonic() < deadline, place.requests()
            time.sleep(0.05)
    for name, there in case.get("files", {}).items():
        assert (place.work / name).exists() is there, name


# Reads its options from the environment: a host that is killed while a tool runs.
HOST = """
import asyncio, json, os
from madrigal import ClaudeAgentOptions, ClaudeSDKClient

async def main():
    async with ClaudeSDKClient(ClaudeAgentOptions(**json.loads(os.environ["OPTIONS"]))) as client:
        await client.query("Please sleep in the shell.")
        print(client.pid, flush=True)
        async for _ in client.receive_messages():
            pass

asyncio.run(main())
"""
PROGRAM_LIMIT, TOOL_LIMIT = 1.0, 3.0
TRIES = 3


def test_a_killed_host_leaves_neither_program_nor_tool(place: Place) -> None:
    """The limits are promises; a busy machine can delay anything, so the best of a few tries counts."""
    options = place.options({}, {"allowed_tools": ["Bash"]})
    env = {**os.environ, "OPTIONS": json.dumps(options), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    seen = []
    for _ in range(TRIES):
        (place.work / "tool.pid").unlink(missing_ok=True)
        host = subprocess.Popen([sys.executable, "-c", HOST], env=env, stdout=subprocess.PIPE, text=True)
        assert host.stdout is not None
        program, tool = int(host.stdout.readline()), tool_pid(place.work / "tool.pid")
        host.kill()
        killed = time.monotonic()
        host.communicate()
        program_took, tool_took = took(program, killed), took(tool, killed)
        seen.append((program_took, tool_took))
        print(f"program gone after {program_took:.2f} s, tool after {tool_took:.2f} s")
        if program_took < PROGRAM_LIMIT and tool_took < TOOL_LIMIT:
            return
    pytest.fail(f"too late: {seen}")


def tool_pid(path: Path) -> int:
    deadline = time.monotonic() + LIMIT
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < deadline, "no tool was started"
        time.sleep(0.02)
    return int(path.read_text())


def took(pid: int, since: float) -> float:
    while alive(pid):
        assert time.monotonic() < since + LIMIT, f"{pid} is still there"
        time.sleep(0.01)
    return time.monotonic() - since
