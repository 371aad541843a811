"""Tokens and money are counted once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from madrigal import CostMeter, UsageMeter
from madrigal.messages import from_wire


def message(**frame: Any) -> Any:
    return from_wire(frame, "")


def block(message_id: str, output: int, model: str = "m") -> Any:
    usage = {"input_tokens": 10, "output_tokens": output}
    return message(type="assistant", message={"id": message_id, "model": model, "content": [], "usage": usage})


def result(total: float | None) -> Any:
    return message(type="result", subtype="success", is_error=False, session_id="s", total_cost_usd=total)


def test_blocks_of_a_message_count_once_and_made_up_messages_not_at_all() -> None:
    meter = UsageMeter()
    for said in (block("a", 1), block("a", 1), block("b", 2), block("x", 9, "<synthetic>")):
        meter.add(said)
    assert (meter.usage["input_tokens"], meter.usage["output_tokens"], meter.message_count) == (20, 3, 2)


def test_the_end_of_a_streamed_message_states_its_final_count() -> None:
    meter = UsageMeter()
    start = {"type": "message_start", "message": {"id": "a", "usage": {"input_tokens": 10, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 40}}
    for event in (start, end):
        meter.add(message(type="stream_event", event=event, api_message_id="a"))
    meter.add(block("a", 1))
    assert (meter.usage["input_tokens"], meter.usage["output_tokens"]) == (10, 40)


def test_totals_that_say_nothing_change_nothing() -> None:
    meter = UsageMeter()
    for total in (0.1, 0.25, 0.0, None, float("nan"), 0.3):
        meter.add(result(total))
    assert meter.cost_usd == pytest.approx(0.3)


def test_a_resumed_session_is_not_charged_again() -> None:
    meter = UsageMeter(resumed_at_usd=0.5)
    meter.add(result(0.75))
    assert meter.cost_usd == 0.25


@pytest.mark.parametrize("seed", range(20))
def test_a_run_costs_the_sum_of_its_turns(seed: int) -> None:
    dice = random.Random(seed)
    meter, total, expected = CostMeter(), 0.0, 0.0
    for _ in range(30):
        cost = dice.randint(1, 1000) / 100
        # A new count is seen as such when it is smaller than the last one.
        total = cost if dice.random() < 0.5 and cost < total else total + cost
        expected += cost
        assert meter.charge(result(total)) == pytest.approx(cost)
    assert meter.cost_usd == pytest.approx(expected)
