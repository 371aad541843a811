"""A control request may have a limit of its own."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from conftest import Play, Run

import madrigal
from madrigal import ClaudeSDKClient, ResultMessage, TimeoutError
from madrigal._controls import Controls


def test_one_that_is_not_answered_in_time_fails_and_the_session_lives(play: Play, run: Run) -> None:
    silent = [
        {"await": {"type": "control_request", "request": {"subtype": subtype}}}
        for subtype in ("set_model", "interrupt")
    ]
    turn: list[dict[str, Any]] = [{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]

    async def main() -> None:
        async with ClaudeSDKClient(play(*silent, *turn)) as client:
            with pytest.raises(TimeoutError) as caught:
                await client.set_model("m", timeout=0.05)
            assert caught.value.context["limit_ms"] == 50
            with pytest.raises(TimeoutError):
                await client.interrupt(timeout=0.05)
            await client.query("hi")
            assert [type(message) async for message in client.receive_response()][-1] is ResultMessage

    run(main)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "2"])
def test_a_limit_that_is_none_is_refused(play: Play, run: Run, timeout: Any) -> None:
    async def main() -> None:
        async with ClaudeSDKClient(play()) as client:
            with pytest.raises(madrigal.InvalidArgumentError, match="timeout: expected seconds"):
                await client.set_model("m", timeout=timeout)

    run(main)


def test_an_agent_is_put_in_the_lead_within_a_limit(play: Play, run: Run) -> None:
    silent: list[dict[str, Any]] = [
        {"await": {"type": "control_request", "request": {"subtype": "apply_flag_settings"}}},
        {"hang": True},
    ]

    async def main() -> None:
        async with ClaudeSDKClient(play(*silent, enable_agent_switching=True)) as client:
            with pytest.raises(TimeoutError):
                await client.set_agent("Explore", timeout=0.05)
            with pytest.raises(madrigal.InvalidArgumentError) as caught:
                await client.set_agent("Exlpore", timeout=60)
            assert caught.value.context["suggestions"] == ["Explore"]

    run(main)


def test_every_request_takes_one() -> None:
    told = {"supported_commands", "supported_agents", "account_info", "get_server_info"}
    methods = {name: method for name, method in vars(Controls).items() if inspect.iscoroutinefunction(method)}
    without = {name for name, method in methods.items() if "timeout" not in inspect.signature(method).parameters}
    assert {name for name in without if not name.startswith("_")} == told


def test_a_limit_is_no_field_of_the_request(play: Play, run: Run) -> None:
    steps: list[dict[str, Any]] = [
        {"await": {"type": "control_request", "request": {"subtype": "new"}}, "save": "asked"},
        {
            "emit": {
                "type": "control_response",
                "response": {
                    "subtype": "success",
                    "request_id": "$asked.request_id",
                    "response": {"got": "$asked.request"},
                },
            }
        },
    ]

    async def main() -> None:
        async with ClaudeSDKClient(play(*steps)) as client:
            reply = await client.control("new", timeout=30, a=1)
            assert reply == {"got": {"subtype": "new", "a": 1}}

    run(main)
