"""A canary in the place of each secret: neither the log at its lowest level nor an error has it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import ROOT, Play, Run
from set_up import NOTHING, program

from madrigal import AuthManager, ClaudeAgentOptions, ClaudeSDKClient, MadrigalError, _log

CANARY = "test-canary"
TOKEN = "sk-ant-oat01-test-canary-of-setup-test-canary-of-setup"


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All log lines, of all loggers."""
    with caplog.at_level(1), caplog.at_level(1, logger="madrigal"):
        yield caplog


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(vars(error))


def test_a_run_that_is_told_all_its_secrets(run: Run, play: Play, everything: pytest.LogCaptureFixture) -> None:
    scenario = json.loads((ROOT / "tests/conformance/scenarios/secrets_in_errors.json").read_text())
    options: dict[str, Any] = scenario["options"]
    options["settings"] = json.dumps(options["settings"])
    lines: list[str] = []
    errors: list[str] = []
    shown: list[str] = []

    async def main() -> None:
        client = ClaudeSDKClient(play(*scenario["cli"], **options, stderr=lines.append))
        async with client:
            await client.query("hi")
            for _ in range(2):
                try:
                    async for _message in client.receive_response():
                        pass
                except MadrigalError as error:
                    errors.append(told(error))
        _log.forward()
        shown.extend([repr(client.options), repr(client), repr(vars(client))])

    run(main)
    assert len(errors) == 2
    assert len(lines) == 2
    # What the program called its question and its answer, and why the session ended.
    log = "\n".join(f"{record.getMessage()} {vars(record)}" for record in everything.records)
    assert "subtype" in log
    assert "an answer nobody waits for" in log
    assert "the claude program is gone" in log
    for text in [log, *errors, *lines, *shown]:
        assert CANARY not in text


@pytest.mark.anyio
@pytest.mark.parametrize("accepted", [True, False])
async def test_a_login(tmp_path: Path, everything: pytest.LogCaptureFixture, accepted: bool) -> None:
    path, file, shown = tmp_path / "home", tmp_path / "home" / "token.json", [""]
    path.mkdir()
    says = f"printf '\\r\\n\\033[32m%s\\033[0m\\r\\n' '{TOKEN}'" if accepted else "echo no: $code, $TEST_TOKEN; exit 1"

    def show(text: str) -> None:
        shown[0] += text

    auth = AuthManager(
        **{**NOTHING, "env": {**NOTHING["env"], "TEST_TOKEN": "test-canary-of-env"}},
        store={"file": file},
        cli_path=program(tmp_path, f"stty -echo; printf 'Paste it here: '; read code; {says}"),
        on_setup_output=show,
    )
    async with auth:
        auth.setup_input("test-canary-7Hk2Zu\n")
        said = [repr(ClaudeAgentOptions(auth=auth)), repr(auth), repr(vars(auth))]
        with anyio.fail_after(30):
            try:
                said.append(repr(await auth.setup_token()))
            except MadrigalError as error:
                said.append(told(error))
        said.append(repr(await auth.status()))
    _log.forward()
    assert "Paste it here" in shown[0]
    kept = [found for found in path.rglob("*") if found.is_file() and CANARY in found.read_text()]
    if accepted:
        assert "sk-ant-oat01-test-ca***" in shown[0]
        said.append(shown[0])
        assert kept == [file]
        assert file.stat().st_mode & 0o777 == 0o600
    else:
        assert "no: ..., ..." in said[3]
        assert kept == []
    for text in [everything.text, *said]:
        assert CANARY not in text
