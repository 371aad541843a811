"""How an auth manager is made, as the engine has it. No complaint shows a value: it may be a credential."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ._request import invalid
from .token_store import METHODS


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _milliseconds(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _variables(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_text, (*value.keys(), *value.values())))


def is_store(value: object) -> bool:
    """Whether a value can keep tokens."""
    return all(callable(getattr(value, name, None)) for name in METHODS)


def _place(value: Any) -> bool:
    if isinstance(value, Mapping):
        fits = {"file": _path, "keyring": _text}
        return len(value) == 1 and all(kind in fits and fits[kind](place) for kind, place in value.items())
    return value in ("auto", "keyring", "file", "memory") or is_store(value)


_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_text, "a text"),
    "credential": (_text, "a text"),
    "env": (_variables, "a mapping of texts"),
    "store": (
        _place,
        "auto, keyring, {'keyring': account}, file, {'file': path}, memory, or an object with load, save and clear",
    ),
    "setup": (lambda value: value == "program" or callable(value), "program, or a function that gives a token"),
    "terminal": (lambda value: value in ("process", "host"), "process or host"),
    "setup_timeout_ms": (_milliseconds, "whole milliseconds, 0 or more"),
    "auto_refresh": (_flag, "true or false"),
    "refresh_before_expiry_ms": (_milliseconds, "whole milliseconds, 0 or more"),
    "interactive": (_flag, "true or false"),
    "cli_login": (_flag, "true or false"),
    "cli_path": (_path, "a path"),
    "on_setup_output": (callable, "a function"),
    "on_refresh": (callable, "a function"),
}


def to_wire(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for the engine; what is `None` is not said. Raises `InvalidOptionsError`."""
    said = {name: value for name, value in given.items() if value is not None}
    for name, value in said.items():
        fits, expected = _SHAPES[name]
        if not fits(value):
            raise invalid(name, f"expected {expected}")
    shown = said.pop("on_setup_output", None) is not None
    said.pop("on_refresh", None)
    if said.setdefault("terminal", "host" if shown else "process") == "host" and not shown:
        raise invalid("terminal", "host needs on_setup_output")
    if said["terminal"] == "process" and shown:
        raise invalid("terminal", "process and on_setup_output exclude each other")
    if callable(said.get("setup")):
        said["setup"] = "host"
    if "store" in said:
        said["store"] = _store(said["store"])
    if "env" in said:
        said["env"] = dict(said["env"])
    if "cli_path" in said:
        said["cli_path"] = os.fspath(said["cli_path"])
    return said


def _store(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {kind: os.fspath(place) for kind, place in given.items()}
    return given if isinstance(given, str) else "host"
