"""Auth managers: where a credential comes from, how a token is got, kept and given up, and what is told of failures."""

from __future__ import annotations

import gc
import json
import logging
import re
import subprocess
import sys
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import alive
from set_up import KEY, NOTHING, ONE, TWO, giving, hanging, program

import madrigal
from madrigal import AuthError, AuthManager, ClosedError, Credential, InvalidArgumentError, InvalidOptionsError

pytestmark = pytest.mark.anyio
LATE = 30.0


class Shelf:
    """A store that keeps its token here."""

    def __init__(self, token: Any = None) -> None:
        self.token = token
        self.fails: BaseException | None = None

    def load(self) -> Any:
        return self.token

    async def save(self, token: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.token = token

    def clear(self) -> None:
        self.token = None


def manager(**given: Any) -> AuthManager:
    return AuthManager(**{**NOTHING, "store": "memory", **given})


async def test_what_is_given_comes_first_and_the_status_says_why_the_others_are_not_used() -> None:
    env = {**NOTHING["env"], "CLAUDE_AGENT_OAUTH_TOKEN": TWO}
    async with manager(name="blue", credential=KEY, env=env, store=Shelf({"token": ONE})) as auth:
        credential = await auth.ensure_authenticated()
        assert (credential.method, credential.source, credential.provider) == ("api_key", "option", "anthropic")
        assert await auth.get_token() == KEY
        status = await auth.status()
        assert (status.name, status.authenticated, status.token_present) == ("blue", True, True)
        assert status.fingerprint == credential.fingerprint
        assert [(one.source, one.verdict) for one in status.considered] == [
            ("option", "used"),
            ("ANTHROPIC_API_KEY", "absent"),
            ("ANTHROPIC_AUTH_TOKEN", "absent"),
            ("CLAUDE_AGENT_OAUTH_TOKEN", "shadowed"),
            ("the token store of the host", "shadowed"),
            ("login of claude", "absent"),
        ]
        await auth.set_credential(None)
        assert await auth.get_token() == TWO


async def test_a_token_of_a_set_up_is_kept_in_a_store_of_ones_own_and_another_manager_finds_it() -> None:
    store, end = Shelf(), datetime(2126, 1, 1, tzinfo=timezone.utc)

    async def setup() -> Any:
        return {"token": ONE, "expires_at": end}

    async with manager(store=store, setup=setup) as first:
        credential = await first.ensure_authenticated()
        assert (credential.method, credential.expires_at) == ("oauth_token", end)
        assert credential.hint is not None
        assert ONE.startswith(credential.hint.replace("...", ""))
        assert "one" not in credential.hint
    assert (store.token["token"], store.token["expiry"], store.token["provider"]) == (
        ONE,
        "2126-01-01T00:00:00Z",
        "anthropic",
    )
    # A store may well keep JSON.
    store.token = json.loads(json.dumps(store.token))
    async with manager(store=store) as second:
        assert await second.get_token() == ONE
        status = await second.status()
        assert status.expires_at == end
        assert status.time_until_expiry_hours is not None
        assert status.time_until_expiry_hours > 500_000
        await second.clear()
        assert store.token is None
        with pytest.raises(AuthError):
            await second.get_token()


async def test_several_that_ask_at_once_get_one_new_token() -> None:
    given = [ONE, TWO, KEY]
    async with manager(setup=lambda: given.pop(0)) as auth:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(auth.ensure_authenticated)
        assert given == [TWO, KEY]
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(auth.refresh_token)
        assert given == [KEY]
        assert await auth.get_token() == TWO


async def test_what_the_store_or_the_set_up_raises_is_what_the_call_raises_and_the_old_token_stays() -> None:
    boom, down = RuntimeError("boom"), OSError("the store is down")
    store, given = Shelf({"token": ONE}), [boom, TWO, TWO]

    def setup() -> Any:
        one = given.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    async with manager(store=store, setup=setup) as auth:
        with pytest.raises(RuntimeError) as raised:
            await auth.setup_token()
        assert raised.value is boom
        store.fails = down
        with pytest.raises(OSError, match="the store is down") as raised_by_store:
            await auth.refresh_token()
        assert raised_by_store.value is down
        assert await auth.get_token() == ONE
        store.fails = None
        await auth.refresh_token()
        assert await auth.get_token() == TWO

        def broken() -> Any:
            raise down

        store.load = broken  # type: ignore[method-assign]
        assert (await auth.status()).warnings == ["the store is down"]


CANARY = "sk-ant-oat01-canary canary"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"setup": lambda: {"token": {CANARY: 1}}}, "from setup"),
        ({"setup": lambda: {"token": ONE, "expires_at": 5}}, "expires_at"),
        ({"setup": lambda: None}, "from setup"),
        ({"setup": lambda: CANARY}, "token"),
        ({"store": Shelf(CANARY)}, "load of the token store"),
        ({"store": Shelf({"token": CANARY})}, "token"),
    ],
)
async def test_what_is_no_token_is_refused_without_being_shown(given: dict[str, Any], message: str) -> None:
    async with manager(**{"setup": lambda: ONE, **given}) as auth:
        with pytest.raises(madrigal.MadrigalError, match=message) as refused:
            await auth.setup_token()
        told = "".join(traceback.format_exception(refused.value)) + repr(vars(refused.value))
        assert "canary canary" not in told


async def test_a_call_that_is_given_up_cancels_the_set_up_and_leaves_the_manager_as_it_was() -> None:
    begun, cancelled, hangs = anyio.Event(), anyio.Event(), True

    async def setup() -> str:
        if not hangs:
            return ONE
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()
        return ""

    async with manager(setup=setup) as auth:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(auth.setup_token)
            await begun.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(LATE):
            await cancelled.wait()
        hangs = False
        assert (await auth.setup_token()).method == "oauth_token"
        hangs, begun = True, anyio.Event()
        failed: list[BaseException] = []

        async def wait() -> None:
            try:
                await auth.setup_token()
            except ClosedError as error:
                failed.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await begun.wait()
            auth.close()
    assert len(failed) == 1
    with pytest.raises(ClosedError):
        await auth.get_token()
    with pytest.raises(ClosedError):
        auth.setup_input("late\n")
    auth.close()


async def test_the_program_of_a_set_up_is_shown_and_typed_to_and_its_token_is_there_after_a_restart(
    tmp_path: Path,
) -> None:
    file, shown, prompted = tmp_path / "kept" / "token.json", [""], anyio.Event()

    def show(text: str) -> None:
        shown[0] += text
        if "Paste code here" in shown[0]:
            prompted.set()

    options = {"store": {"file": file}, "interactive": True, "cli_path": giving(tmp_path, ONE)}
    async with manager(**options, on_setup_output=show) as first:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.ensure_authenticated)
            with anyio.fail_after(LATE):
                await prompted.wait()
            first.setup_input("heron\n")
        assert (await first.ensure_authenticated()).method == "oauth_token"
    assert "Open the page." in shown[0]
    assert ONE not in shown[0]
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["token"] == ONE
    async with manager(store={"file": str(file)}) as second:
        assert await second.get_token() == ONE


async def test_a_set_up_that_fails_says_what_the_program_said_and_one_that_hangs_ends_in_time(tmp_path: Path) -> None:
    options: dict[str, Any] = {"interactive": True, "on_setup_output": lambda _: None}
    async with manager(**options, cli_path=giving(tmp_path, ONE)) as refused:
        refused.setup_input("finch\n")
        with pytest.raises(AuthError, match="Login failed"):
            await refused.setup_token()
    async with manager(**options, cli_path=hanging(tmp_path), setup_timeout_ms=300) as late:
        with pytest.raises(madrigal.TimeoutError):
            await late.setup_token()
    async with manager(**options, cli_path=program(tmp_path, "echo 'Good bye'; exit 3")) as nowhere:
        with pytest.raises(AuthError, match=r"(?s)exited with 3.*Good bye"):
            await nowhere.setup_token()


async def test_a_set_up_nobody_waits_for_any_more_leaves_no_program(tmp_path: Path) -> None:
    shown, drawn = [""], anyio.Event()

    def show(text: str) -> None:
        shown[0] += text
        if re.search(r"pid \d+\.", shown[0]):
            drawn.set()

    async with manager(cli_path=hanging(tmp_path), on_setup_output=show) as auth:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(auth.setup_token)
            with anyio.fail_after(LATE):
                await drawn.wait()
            tasks.cancel_scope.cancel()
        found = re.search(r"pid (\d+)\.", shown[0])
        assert found is not None
        with anyio.fail_after(LATE):
            while alive(int(found[1])):
                await anyio.sleep(0.01)


async def test_who_cannot_be_asked_is_told_what_to_do() -> None:
    async with manager() as auth:
        with pytest.raises(AuthError, match="ANTHROPIC_API_KEY") as refused:
            await auth.ensure_authenticated()
        assert len(refused.value.context["considered"]) == 6
        with pytest.raises(InvalidArgumentError, match="terminal"):
            auth.setup_input("x\n")
        with pytest.raises(InvalidArgumentError, match="credential"):
            await auth.set_credential(5)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="fingerprint"):
            await auth.refused(5)  # type: ignore[arg-type]
    both = {**NOTHING["env"], "CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_USE_VERTEX": "1"}
    async with manager(env=both) as clouds:
        with pytest.raises(AuthError):
            await clouds.status()


async def test_what_is_told_about_renewals_reaches_on_refresh(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Any] = []

    def tell(refresh: madrigal.Refresh) -> None:
        told.append(refresh)
        raise RuntimeError("boom")

    async with manager(credential=KEY, on_refresh=tell) as auth:
        fingerprint = (await auth.ensure_authenticated()).fingerprint
        wire: Any = {"provider": "anthropic", "method": "api_key", "source": "option", "fingerprint": fingerprint}
        # The engine renews a minute after the start at the earliest, so its words are put in here.
        keeper = auth._open()
        keeper._signal({"event": "refreshed", "credential": {**wire, "expires_at": "2126-01-01T00:00:00Z"}})
        keeper._signal({"event": "refresh_failed", "error": {"code": "auth", "message": "no"}, "next_ms": 3_600_000})
        assert told[0] == Credential(**wire, expires_at=datetime(2126, 1, 1, tzinfo=timezone.utc))
        assert isinstance(told[1], AuthError)
        assert told[1].retry_after == 3600
        # What a function raises is told by the log, and harms nothing.
        assert "on_refresh of an auth manager failed" in caplog.text
        assert "could not be renewed: no" in caplog.text
        assert await auth.get_token() == KEY


async def test_a_manager_shows_no_credential_and_neither_does_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1, logger="madrigal")
    async with manager(credential=KEY, env={**NOTHING["env"], "CLAUDE_CODE_OAUTH_TOKEN": ONE}) as auth:
        said = [await auth.ensure_authenticated(), await auth.status(), auth, vars(auth), vars(auth._open())]
        said.append(madrigal.ClaudeAgentOptions(auth=auth))
        await auth.set_credential(TWO)
        await auth.get_token()
    logging.getLogger("madrigal").setLevel(logging.NOTSET)
    for secret in (KEY, ONE, TWO):
        assert secret not in repr(said)
        assert secret not in caplog.text


def test_an_idle_manager_does_not_keep_the_interpreter() -> None:
    code = f"""
import asyncio
from madrigal import AuthManager
auth = AuthManager(credential={KEY!r})
async def main():
    print((await auth.ensure_authenticated()).method)
asyncio.run(main())
"""
    told = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (told.stdout, told.stderr, told.returncode) == ("api_key\n", "", 0)


async def test_a_manager_that_is_forgotten_is_gone() -> None:
    auth = manager(credential=KEY)
    await auth.ensure_authenticated()
    hub = auth._open()._hub
    number = auth._open().number
    assert number in hub.sessions
    del auth
    gc.collect()
    assert number not in hub.sessions


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"credential": {"key": KEY}}, "credential", "a text"),
        ({"store": "cupboard"}, "store", "memory"),
        ({"store": {"file": 5}}, "store", "path"),
        ({"store": object()}, "store", "clear"),
        ({"setup": "person"}, "setup", "a function"),
        ({"setup_timeout_ms": -1}, "setup_timeout_ms", "milliseconds"),
        ({"refresh_before_expiry_ms": "soon"}, "refresh_before_expiry_ms", "milliseconds"),
        ({"auto_refresh": 1}, "auto_refresh", "true or false"),
        ({"env": {"A": KEY, "B": 5}}, "env", "texts"),
        ({"on_refresh": 5}, "on_refresh", "a function"),
        ({"terminal": "host"}, "terminal", "on_setup_output"),
        ({"terminal": "process", "on_setup_output": print}, "terminal", "exclude"),
        ({"terminal": "screen"}, "terminal", "process"),
    ],
)
def test_a_manager_is_refused_with_its_path(given: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidOptionsError, match=message) as refused:
        AuthManager(**given)
    assert refused.value.context["field"] == field
    assert KEY not in str(refused.value)
