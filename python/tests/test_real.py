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
from matching import in_order, matches
from player import Player
from set_up import NOTHING, giving
from sign_in import YEAR, Person, SignIn, sign_in
from wiretap import wiretap

import madrigal

HERE = ROOT / "tests" / "real"
CASES = [case for name in ("cases.json", "flows.json") for case in json.loads((HERE / name).read_text())]
LIMIT = 240.0
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

    def session(self, case: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
        """A session, or an orchestrator, whose program is the real one."""
        steps = [dict(step) for step in session["host"]]
        for step in steps:
            if "orchestrator" in step:
                config = step["orchestrator"]
                step["orchestrator"] = {**config, "options": self.options(case, config.get("options", {}))}
        return {**session, "options": self.options(case, session.get("options", {})), "host": steps}

    def programs(self) -> list[str]:
        """The processes that live in this home."""
        return [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if self.lives_here(path)]

    def lives_here(self, path: Path) -> bool:
        try:
            return f"HOME={self.home}".encode() in path.read_bytes().split(b"\0")
        except OSError:  # of somebody else, or gone
            return False

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


def holds(case: dict[str, Any], requests: list[Any]) -> bool:
    """Whether the API was asked what the case says, in that order, so often, and so much at a time."""
    patterns = case.get("api")
    if patterns is not None and not (in_order(patterns, requests) is None if patterns else not requests):
        return False
    counts = ((sum(matches(one["of"], it) for it in requests), one["times"]) for one in case.get("asked", []))
    beside = max((request["beside"] for request in requests), default=0)
    return all(found == wanted for found, wanted in counts) and beside <= case.get("most", beside)


# One case is about a tool that is allowed without a question, which the package warns of.
@pytest.mark.filterwarnings("ignore::madrigal.CanUseToolShadowedWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any], place: Place) -> None:
    case = place.case(case)

    async def carry_out() -> None:
        with anyio.fail_after(LIMIT):
            for session in case["sessions"]:
                session = place.session(case, session)
                player = Player(None, session)
                await player.play(session["host"])
                player.check()

    anyio.run(carry_out)
    deadline = time.monotonic() + SETTLED
    while not holds(case, place.requests()):
        assert time.monotonic() < deadline, place.requests()
        time.sleep(0.05)
    while case.get("gone") and place.programs():
        assert time.monotonic() < deadline, place.programs()
        time.sleep(0.05)
    for name, there in case.get("files", {}).items():
        assert (place.work / name).exists() is there, name


TOKEN = "sk-ant-oat01-test-test-test-test"

# Another process, of which nothing but the stored token is known.
LATER = """
import asyncio, json, os
from madrigal import AuthManager, ClaudeAgentOptions, Orchestrator, ResultMessage, query

async def main():
    auth = AuthManager(**json.loads(os.environ["CONFIG"]))
    options = ClaudeAgentOptions(**json.loads(os.environ["OPTIONS"]), auth=auth)
    async for message in query(prompt="Please say hello.", options=options):
        if isinstance(message, ResultMessage):
            print(message.result)
    async with Orchestrator(options) as orchestrator:
        print((await orchestrator.run("Please say hello.")).text)

asyncio.run(main())
"""


def test_the_token_of_a_set_up_is_what_the_api_sees_also_after_a_restart(place: Place, tmp_path: Path) -> None:
    store = {"file": str(tmp_path / "kept" / "token.json")}
    (tmp_path / "programs").mkdir()
    with wiretap(place.started["url"]) as tap:
        options = place.options({"logged_in": False, "env": {"ANTHROPIC_BASE_URL": tap.url}}, {})

        async def first() -> None:
            program = giving(tmp_path / "programs", TOKEN)
            config: dict[str, Any] = {**NOTHING, "store": store, "cli_path": program, "on_setup_output": len}
            async with madrigal.AuthManager(**config) as auth:
                auth.setup_input("heron\n")
                await auth.setup_token()
                given = madrigal.ClaudeAgentOptions(**options, auth=auth)
                results = [
                    message.result
                    async for message in madrigal.query(prompt="Please say hello.", options=given)
                    if isinstance(message, madrigal.ResultMessage)
                ]
                assert "Hello" in str(results[0])

        anyio.run(first)
        facts = {"CONFIG": json.dumps({**NOTHING, "store": store}), "OPTIONS": json.dumps(options)}
        env = {**os.environ, **facts, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run([sys.executable, "-c", LATER], env=env, capture_output=True, text=True, timeout=LIMIT)
        assert done.stdout.count("Hello") == 2, done
        assert tap.credentials == {f"authorization: Bearer {TOKEN}"}


LONG_TOKEN = "sk-ant-oat01-" + "test_Test-" * 9 + "tests"


def login(place: Place, service: SignIn, person: Person, store: madrigal.TokenFile) -> madrigal.AuthManager:
    """A manager that asks the program itself, whose service is on this machine."""
    env = {**NOTHING["env"], "HOME": str(place.home), "CLAUDE_CONFIG_DIR": str(place.home / ".claude"), **service.env}
    cli = place.options({}, {})["cli_path"]
    return madrigal.AuthManager(**{**NOTHING, "env": env}, store=store, cli_path=cli, on_setup_output=person.watches)


def test_a_login_at_the_program_itself_gives_the_token_that_the_api_sees(place: Place, tmp_path: Path) -> None:
    store: madrigal.TokenFile = {"file": str(tmp_path / "token.json")}

    async def carry_out(service: SignIn, url: str) -> None:
        person = Person(("Paste code here", lambda: service.code("heron")))
        async with anyio.create_task_group() as group, login(place, service, person, store) as auth:
            group.start_soon(person.sits_at, auth)
            credential = await auth.setup_token()
            assert (credential.method, credential.hint) == ("oauth_token", f"{LONG_TOKEN[:20]}...")
            shown = person.seen().replace(" ", "")
            assert LONG_TOKEN[:20] in shown
            assert LONG_TOKEN[20:40] not in shown
            options = place.options({"logged_in": False, "env": {"ANTHROPIC_BASE_URL": url}}, {})
            given = madrigal.ClaudeAgentOptions(**options, auth=auth)
            assert [message async for message in madrigal.query(prompt="Please say hello.", options=given)]

    with sign_in(tmp_path, LONG_TOKEN) as service, wiretap(place.started["url"]) as tap:
        anyio.run(carry_out, service, tap.url)
        grant = next(asked for path, asked in service.asked if path.endswith("/v1/oauth/token"))
        assert (grant["code"], grant["expires_in"]) == ("heron", YEAR)
        assert tap.credentials == {f"authorization: Bearer {LONG_TOKEN}"}


def test_a_login_that_is_refused_leaves_the_old_token_and_no_program(place: Place, tmp_path: Path) -> None:
    kept = tmp_path / "token.json"
    before = madrigal.StoredToken(token=TOKEN, expiry=None, provider="anthropic")
    kept.write_text(json.dumps(before))
    kept.chmod(0o600)
    text = kept.read_bytes()

    async def carry_out(service: SignIn) -> None:
        person = Person(
            ("Paste code here", lambda: "half-a-code\n"),
            ("Copy all of it", lambda: service.code("heron")),
            ("OAuth error", lambda: "\x03"),
        )
        async with anyio.create_task_group() as group, login(place, service, person, {"file": str(kept)}) as auth:
            group.start_soon(person.sits_at, auth)
            with pytest.raises(madrigal.CancelledError) as gave_up:
                await auth.setup_token()
            assert "heron" not in str(gave_up.value)
            assert await auth.get_token() == TOKEN

    with sign_in(tmp_path, None) as service:
        anyio.run(carry_out, service)
    assert kept.read_bytes() == text
    assert not place.programs()


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
