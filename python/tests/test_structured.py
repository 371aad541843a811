"""The value that a JSON Schema asked for, as a type."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import pytest
from conftest import Play, Run

import madrigal
from madrigal import ClaudeAgentOptions, ResultMessage, StructuredOutputError
from madrigal.messages import from_wire


class Unit(enum.Enum):
    KM = "km"
    MI = "mi"


@dataclass
class Leg:
    to: str
    length: float
    unit: Unit = Unit.KM


@dataclass
class Trip:
    name: str
    legs: list[Leg]
    tags: list[str] = field(default_factory=list)


class Sum(TypedDict):
    n: int


class Validated:
    def __init__(self, n: int) -> None:
        self.n = n

    @classmethod
    def model_validate(cls, value: Any) -> Validated:
        if value["n"] < 0:
            raise ValueError("n is negative")
        return cls(value["n"])


def result(**fields: Any) -> ResultMessage:
    frame = {"type": "result", "subtype": "success", "is_error": False, "session_id": "s", **fields}
    frame |= {"duration_ms": 1, "duration_api_ms": 1, "num_turns": 1}
    message = from_wire(frame, json.dumps(frame))
    assert isinstance(message, ResultMessage)
    return message


@pytest.mark.parametrize("value", [{"n": 4}, [], 0, None, "", False])
def test_any_value_comes_back_as_it_is(value: Any) -> None:
    assert result(structured_output=value).structured() == value


def test_a_value_becomes_the_type() -> None:
    value = {"name": "Home", "legs": [{"to": "Ulm", "length": 3, "unit": "mi"}]}
    assert result(structured_output=value).structured(Trip) == Trip("Home", [Leg("Ulm", 3.0, Unit.MI)])
    assert result(structured_output={"n": 4}).structured(Sum) == {"n": 4}
    assert result(structured_output=["a"]).structured(list[str]) == ["a"]
    assert result(structured_output=[1, "a"]).structured(tuple[int, str]) == (1, "a")
    assert result(structured_output={"a": None}).structured(dict[str, int | None]) == {"a": None}
    assert result(structured_output={"n": 4}).structured(Validated).n == 4


@pytest.mark.parametrize(
    ("kind", "value", "where"),
    [
        (Trip, {"name": "Home", "legs": [{"to": "Ulm", "length": "3"}]}, "legs[0].length"),
        (Trip, {"name": "Home", "legs": [{"to": "Ulm", "length": 3, "unit": "yd"}]}, "legs[0].unit"),
        (Trip, {"name": "Home"}, "legs"),
        (Trip, [], "."),
        (Sum, {"n": True}, "n"),
        (Sum, {}, "n"),
        (list[Literal["a", 1]], ["a", True], "[1]"),
        (tuple[int, str], [1], "."),
        (dict[str, int | None], {"a": "b"}, "a"),
        (Validated, {"n": -1}, "."),
    ],
)
def test_what_does_not_fit_is_named(kind: Any, value: Any, where: str) -> None:
    with pytest.raises(StructuredOutputError, match="does not fit") as caught:
        result(structured_output=value).structured(kind)
    assert caught.value.context["field"] == where


def test_a_type_without_a_json_form_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="expected a dataclass"):
        result(structured_output=1).structured(complex)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"result": "four"}, "answered with text"),
        ({"is_error": True, "result": "API Error"}, "turn failed"),
        ({"is_error": True, "subtype": "error_max_structured_output_retries"}, "never met"),
    ],
)
def test_each_way_to_have_none_says_so(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(StructuredOutputError, match=words) as caught:
        result(**fields).structured()
    assert caught.value.context["result"] == fields.get("result", "")


def test_a_type_is_its_schema() -> None:
    request = json.loads(ClaudeAgentOptions(output_format=Trip).to_request())
    given = request["options"]["output_format"]
    assert given["type"] == "json_schema"
    assert given["schema"]["required"] == ["name", "legs"]
    leg = given["schema"]["properties"]["legs"]["items"]
    assert leg["properties"]["unit"] == {"enum": ["km", "mi"]}
    with pytest.raises(madrigal.InvalidOptionsError, match=r"output_format: .* no JSON form"):
        ClaudeAgentOptions(output_format=complex).to_request()


def test_a_query_gives_the_value(play: Play, run: Run) -> None:
    steps = [{"await": {"type": "user"}}, {"init": {}}, {"result": {"structured_output": {"n": 4}}}]

    async def main() -> None:
        async for message in madrigal.query(prompt="2 + 2?", options=play(*steps, output_format=Sum)):
            if isinstance(message, ResultMessage):
                assert message.structured(Sum)["n"] == 4
                message.raise_for_error()

    run(main)


def test_a_failed_turn_is_an_error_when_asked() -> None:
    failed = result(is_error=True, result="API Error: 529", api_error_status=529, terminal_reason="api_error")
    with pytest.raises(madrigal.ResultError, match="529") as caught:
        failed.raise_for_error()
    error = caught.value
    assert (error.code, error.subtype, error.errors) == ("turn_failed", "success", [])
    assert (error.result, error.api_error_status, error.terminal_reason) == ("API Error: 529", 529, "api_error")
    assert (error.session_id, error.data["type"]) == ("s", "result")
    with pytest.raises(madrigal.AuthError):
        result(is_error=True, api_error_status=401).raise_for_error()
    with pytest.raises(madrigal.TurnFailedError, match="no such session"):
        result(is_error=True, subtype="error_during_execution", errors=["no such session"]).raise_for_error()
