"""The token of a set-up in a keyring: a real one, on a bus of this test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Play, Run
from set_up import NOTHING

import madrigal
from madrigal import AuthError, AuthManager

ONE = "sk-ant-oat01-test-test-test-test-one"
TELLING: list[dict[str, Any]] = [
    {"await": {"type": "user"}},
    {"init": {}},
    {"result": {"result": "$env.CLAUDE_CODE_OAUTH_TOKEN"}},
]


def session(*arguments: str) -> Iterator[str]:
    """The address of a bus that is there during a test."""
    script = str(ROOT / "tests" / "keyring" / "session")
    running = subprocess.Popen([script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        yield running.stdout.readline().strip()
    finally:
        running.stdin.close()
        running.wait(60)
        running.stdout.close()


@pytest.fixture
def bus() -> Iterator[str]:
    yield from session()


@pytest.fixture
def bare_bus() -> Iterator[str]:
    yield from session("--bare")


def manager(address: str, home: Path, **config: Any) -> AuthManager:
    env = {**NOTHING["env"], "DBUS_SESSION_BUS_ADDRESS": address, "HOME": str(home)}
    return AuthManager(**{**NOTHING, "env": env, "store": "keyring", **config})


def test_a_token_in_the_keyring_is_what_the_next_program_is_started_with(
    play: Play, run: Run, bus: str, tmp_path: Path
) -> None:
    async def main() -> None:
        first = manager(bus, tmp_path, setup=lambda: ONE)
        assert (await first.setup_token()).source == "keyring"
        first.close()
        second = manager(bus, tmp_path, store="auto")
        assert (await second.status()).store == "keyring"
        results = [
            message.result
            async for message in madrigal.query(prompt="Who?", options=play(*TELLING, auth=second))
            if isinstance(message, madrigal.ResultMessage)
        ]
        assert results == [ONE]
        other = manager(bus, tmp_path, store={"keyring": "other"})
        with pytest.raises(AuthError):
            await other.get_token()
        await second.clear()
        assert not (await manager(bus, tmp_path).status()).token_present

    run(main)


def test_without_a_keyring_the_error_says_what_to_do(run: Run, bare_bus: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(AuthError) as caught:
            await manager(bare_bus, tmp_path, setup=lambda: ONE).setup_token()
        assert caught.value.context["keyring"] == "no_service"

    run(main)
