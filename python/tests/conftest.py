"""Where the simulator is, and how a test lets it play."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import madrigal
from madrigal import ClaudeAgentOptions

ROOT = Path(__file__).resolve().parents[2]


def simulator() -> str:
    """The `madrigal` command, which plays a scenario when `MADRIGAL_SIMULATE` names one."""
    given = os.environ.get("MADRIGAL_BIN")
    built = [
        Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / kind / "madrigal" for kind in ("debug", "release")
    ]
    found = [path for path in ([Path(given)] if given else built) if path.is_file()]
    if not found:
        pytest.fail("no simulator: run `cargo build -p madrigal-cli`, or name it in MADRIGAL_BIN")
    return str(max(found, key=lambda path: path.stat().st_mtime))


Play = Callable[..., ClaudeAgentOptions]


Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function to its end, which must come soon."""

    def run(main: Callable[[], Awaitable[None]]) -> None:
        async def limited() -> None:
            with anyio.fail_after(60):
                await main()

        anyio.run(limited, backend=request.param)

    return run


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Options under which the `cli` steps given are played."""
    program = simulator()

    def options(*cli: dict[str, Any], initialize: Any = None, **fields: Any) -> ClaudeAgentOptions:
        scenario: dict[str, Any] = {
            "name": "test",
            "about": "of this test",
            "mode": "session",
            "cli": list(cli),
            "host": [],
        }
        if initialize is not None:
            scenario["initialize"] = initialize
        path = tmp_path / f"scenario-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(scenario))
        env = {"MADRIGAL_SIMULATE": str(path), **fields.pop("env", {})}
        return ClaudeAgentOptions(cli_path=program, env=env, **fields)

    return options


async def unknown(stream: AsyncIterator[madrigal.Message], kind: str) -> dict[str, Any]:
    """The next frame of a kind that has no class."""
    async for message in stream:
        if isinstance(message, madrigal.UnknownMessage) and message.type == kind:
            return message.data
    raise AssertionError(f"no {kind}")


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
