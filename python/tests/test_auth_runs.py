"""Who a program is started as: the credential of a manager reaches queries, sessions and tasks, nobody else's does."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from conftest import simulator
from set_up import KEY, NOTHING, ONE, TWO

from madrigal import (
    AuthError,
    AuthManager,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ClosedError,
    InvalidOptionsError,
    Orchestrator,
    ResultMessage,
    Task,
    query,
)

pytestmark = pytest.mark.anyio

# Says whose program it is.
TELLING = [
    {"loop": [{"await": {"type": "user"}}, {"init": {}}, {"result": {"result": "$env.CLAUDE_CODE_OAUTH_TOKEN"}}]}
]
# The API does not take the credential.
REFUSING = [
    {"await": {"type": "user"}},
    {"init": {}},
    {
        "text": {
            "text": "Invalid API key",
            "model": "<synthetic>",
            "error": "authentication_failed",
            "is_api_error_message": True,
        }
    },
    {
        "result": {
            "is_error": True,
            "terminal_reason": "api_error",
            "api_error_status": 401,
            "result": "Invalid API key",
        }
    },
]


def manager(**given: Any) -> AuthManager:
    return AuthManager(**{**NOTHING, "store": "memory", **given})


def playing(steps: list[Any], env: dict[str, str] | None = None, **more: Any) -> ClaudeAgentOptions:
    scenario = json.dumps({"name": "inline", "cli": steps})
    return ClaudeAgentOptions(cli_path=simulator(), env={**(env or {}), "MADRIGAL_SIMULATE": scenario}, **more)


async def said(options: ClaudeAgentOptions) -> str | None:
    results = [one async for one in query(prompt="Who?", options=options) if isinstance(one, ResultMessage)]
    return results[-1].result


async def answer(client: ClaudeSDKClient) -> str | None:
    await client.query("Who?")
    return [one async for one in client.receive_response() if isinstance(one, ResultMessage)][-1].result


async def test_a_program_has_the_credential_of_its_manager_and_no_other() -> None:
    env = {"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_OAUTH_TOKEN": TWO}
    async with manager(credential=ONE) as auth:
        assert await said(playing(TELLING, env, auth=auth)) == ONE
        other = [{"await": {"type": "user"}}, {"init": {}}, {"result": {"result": "$env.ANTHROPIC_API_KEY"}}]
        assert await said(playing(other, env, auth=auth)) == ""
        assert await said(playing(TELLING, env, auth=False)) == TWO
        async with ClaudeSDKClient(playing(TELLING, auth=auth)) as client:
            assert await answer(client) == ONE
            # From the next program on.
            await auth.set_credential(TWO)
            assert await answer(client) == ONE
        assert await said(playing(TELLING, auth=auth)) == TWO


async def test_without_a_credential_nothing_is_started() -> None:
    async with manager() as auth:
        with pytest.raises(AuthError):
            await said(playing(TELLING, auth=auth))
        with pytest.raises(AuthError):
            await ClaudeSDKClient(playing(TELLING, auth=auth)).connect()
        async with Orchestrator(playing(TELLING, auth=auth)) as orchestrator:
            outcome = await orchestrator.run("Who?")
            assert outcome.status == "rejected"
            assert isinstance(outcome.error, AuthError)


async def test_tasks_and_fallbacks_have_managers_of_their_own() -> None:
    one, two, nobody = manager(credential=ONE), manager(credential=TWO), manager()
    options = playing(TELLING, {"CLAUDE_CODE_OAUTH_TOKEN": KEY}, auth=one)
    async with Orchestrator(options) as orchestrator:
        outcomes = await orchestrator.parallel(
            [
                "Who?",
                Task("Who?", options=ClaudeAgentOptions(auth=two)),
                Task("Who?", options=ClaudeAgentOptions(auth=False)),
            ]
        )
        assert [outcome.text for outcome in outcomes] == [ONE, TWO, KEY]
    async with Orchestrator(playing(TELLING, auth=nobody), fallbacks=[{"auth": two}]) as falling:
        outcome = await falling.run("Who?")
        assert (outcome.text, outcome.fallback) == (TWO, 1)
    for auth in (one, two, nobody):
        auth.close()


async def test_a_credential_the_api_refused_is_not_used_again_until_it_changes() -> None:
    async with manager(credential=ONE) as auth:
        with pytest.raises(AuthError):
            await said(playing(REFUSING, auth=auth))
        with pytest.raises(AuthError):
            await said(playing(TELLING, auth=auth))
        status = await auth.status()
        assert (status.authenticated, status.considered[0].verdict) == (False, "refused")
        await auth.set_credential(TWO)
        assert await said(playing(TELLING, auth=auth)) == TWO
        await auth.refused((await auth.ensure_authenticated()).fingerprint)
        with pytest.raises(AuthError):
            await auth.ensure_authenticated()


async def test_a_manager_nobody_else_has_lives_as_long_as_what_it_serves() -> None:
    class Store:
        loads = 0

        def load(self) -> Any:
            self.loads += 1
            gc.collect()
            return {"token": ONE}

        def save(self, token: Any) -> None: ...

        def clear(self) -> None: ...

    store = Store()
    # Nothing was started when these are opened.
    orchestrator = Orchestrator(playing(TELLING, auth=manager(store=store)))
    falling = Orchestrator(playing(TELLING, auth=manager()), fallbacks=[{"auth": manager(store=store)}])
    async with orchestrator, falling:
        gc.collect()
        assert (await orchestrator.run("Who?")).text == ONE
        assert (await falling.run("Who?")).text == ONE
    assert await said(playing(TELLING, auth=manager(store=store))) == ONE
    assert store.loads >= 2


@pytest.mark.parametrize("auth", [True, 5, "blue", {}])
async def test_what_is_no_manager_is_refused(auth: Any) -> None:
    with pytest.raises(InvalidOptionsError) as refused:
        await said(playing(TELLING, auth=auth))
    assert refused.value.context["field"] == "auth"
    with pytest.raises(InvalidOptionsError, match=r"fallbacks\[0\]\.auth"):
        Orchestrator(fallbacks=[{"auth": auth}]).open()


async def test_a_manager_that_was_closed_starts_nothing_more() -> None:
    auth = manager(credential=ONE)
    async with ClaudeSDKClient(playing(TELLING, auth=auth)) as client:
        auth.close()
        assert await answer(client) == ONE
    with pytest.raises(ClosedError, match="auth manager is closed"):
        await said(playing(TELLING, auth=auth))
