"""One class for each code, with the same facts as in every other language."""

from __future__ import annotations

import asyncio
import builtins
import pickle
import re

import pytest
from conftest import ROOT

import madrigal
from madrigal.errors import BY_CODE, from_wire


def test_every_code_of_the_core_has_a_class() -> None:
    source = (ROOT / "core" / "src" / "error.rs").read_text()
    codes = set(re.findall(r'Self::\w+ => "(\w+)",', source))
    assert codes == BY_CODE.keys()
    for code, cls in BY_CODE.items():
        words = {"cli": "CLI"}
        assert cls.__name__ == "".join(words.get(word, word.title()) for word in code.split("_")) + "Error"
        assert getattr(madrigal, cls.__name__) is cls


def test_the_facts_of_an_error_are_attributes() -> None:
    error = from_wire(
        {
            "code": "process_exited",
            "message": "the program ended with code 3",
            "operation": "read",
            "retry": {"verdict": "after", "after_ms": 1500},
            "context": {"exit": {"code": 3}, "stderr": "no\n"},
            "causes": ["disk on fire"],
        }
    )
    assert isinstance(error, madrigal.ProcessError)
    assert str(error) == "read: the program ended with code 3"
    assert (error.code, error.operation, error.retry, error.retry_after) == (
        "process_exited",
        "read",
        "after",
        1.5,
    )
    assert (error.exit_code, error.stderr, error.causes) == (3, "no\n", ["disk on fire"])


def test_a_code_of_a_newer_engine_is_the_base_class() -> None:
    error = from_wire({"code": "out_of_cheese", "message": "redo from start"})
    assert type(error) is madrigal.MadrigalError
    assert error.code == "out_of_cheese"


def test_the_official_names_catch_ours() -> None:
    assert madrigal.ClaudeSDKError is madrigal.MadrigalError
    assert issubclass(madrigal.CLINotFoundError, madrigal.CLIConnectionError)
    assert issubclass(madrigal.ClosedError, madrigal.CLIConnectionError)
    assert madrigal.CLIJSONDecodeError("{oops", ValueError("bad")).line.startswith("{oops")
    assert madrigal.ProcessError("died", exit_code=1, stderr="why").exit_code == 1
    assert str(madrigal.CLINotFoundError("not there", "/x/claude")) == "not there: /x/claude"


def test_python_finds_its_own_kinds_of_errors_again() -> None:
    for code, kind in [
        ("timeout", builtins.TimeoutError),
        ("invalid_options", ValueError),
        ("invalid_argument", ValueError),
        ("overflow", builtins.OverflowError),
    ]:
        assert isinstance(from_wire({"code": code, "message": "x"}), kind)
    assert not issubclass(madrigal.CancelledError, asyncio.CancelledError)


@pytest.mark.parametrize("code", list(BY_CODE))
def test_errors_survive_pickling(code: str) -> None:
    error = from_wire({"code": code, "message": "m", "operation": "o", "context": {"a": 1}, "causes": ["c"]})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.__dict__) == (str(error), error.__dict__)
