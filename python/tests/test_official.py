"""Programs written for the official package find its names here: they are compared with a recorded list of them.

`official_names.json` holds what version `version` of `claude_agent_sdk` exports: names, fields, keys and arguments.
`left_out` says what is not here, and why; an entry that is here all the same fails.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import madrigal
from madrigal import ClaudeAgentOptions

OFFICIAL: dict[str, Any] = json.loads(Path(__file__).with_name("official_names.json").read_text())
LEFT_OUT: dict[str, str] = OFFICIAL["left_out"]


def kept(names: list[str], prefix: str = "") -> list[str]:
    return [name for name in names if prefix + name not in LEFT_OUT]


def found(path: str) -> Any:
    value: Any = madrigal
    for name in path.split("."):
        value = getattr(value, name)
    return value


def test_every_name_is_here() -> None:
    assert [name for name in kept(OFFICIAL["names"]) if name not in madrigal.__all__] == []


def test_every_option_is_here() -> None:
    ours = {field.name for field in dataclasses.fields(ClaudeAgentOptions)}
    assert [name for name in kept(OFFICIAL["options"], "options.") if name not in ours] == []


@pytest.mark.parametrize("name", kept(list(OFFICIAL["fields"])))
def test_every_field_is_here_and_in_its_place(name: str) -> None:
    cls = getattr(madrigal, name)
    official = OFFICIAL["fields"][name]
    assert [field for field in official if not hasattr(cls, field) and field not in cls.__dataclass_fields__] == []


@pytest.mark.parametrize("name", kept(list(OFFICIAL["keys"])))
def test_every_key_is_here(name: str) -> None:
    assert set(OFFICIAL["keys"][name]) - set(get_type_hints(getattr(madrigal, name))) == set()


@pytest.mark.parametrize("path", kept(list(OFFICIAL["arguments"])))
def test_arguments_have_their_names_and_order(path: str) -> None:
    ours = [name for name in inspect.signature(found(path)).parameters if name != "self"]
    official = kept(OFFICIAL["arguments"][path], f"{path}.")
    assert ours[: len(official)] == official


def test_what_is_left_out_is_not_here() -> None:
    ours = {field.name for field in dataclasses.fields(ClaudeAgentOptions)}
    here = [name for name in LEFT_OUT if name in madrigal.__all__ or name.removeprefix("options.") in ours]
    assert here == []
    assert all(LEFT_OUT.values())
