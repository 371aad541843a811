"""JSON values as the types people write down: dataclasses, TypedDicts and plain types, checked as they are read."""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict


class Misfit(Exception):
    """The value does not fit the type, at this path."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path or "."
        self.problem = problem


_PLAIN: dict[Any, str] = {str: "a text", bool: "true or false", int: "an integer", type(None): "null"}
_LISTS = {list: list, tuple: tuple, set: set, frozenset: frozenset}


def read(kind: Any, value: Any, path: str = "") -> Any:
    """The value as this type. Raises `Misfit` where it does not fit, `TypeError` for a type that JSON has no form for.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Point:
    ...     x: float
    ...     name: str | None = None
    >>> read(list[Point], [{"x": 1}])
    [Point(x=1.0, name=None)]
    """
    if kind is Any or kind is object:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(kind, "__metadata__"):  # Annotated
        return read(kind.__origin__, value, path)
    if getattr(origin, "_name", None) in ("NotRequired", "Required", "ReadOnly"):
        return read(arguments[0], value, path)
    if kind is None:
        kind = type(None)
    if kind in _PLAIN:
        # In JSON, `true` is no number.
        if type(value) is not kind:
            raise Misfit(path, f"expected {_PLAIN[kind]}, not {value!r:.80}")
        return value
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Misfit(path, f"expected a number, not {value!r:.80}")
        return float(value)
    if origin is Literal:
        if not any(value == option and type(value) is type(option) for option in arguments):
            raise Misfit(path, f"expected one of {', '.join(map(repr, arguments))}, not {value!r:.80}")
        return value
    if origin in (Union, types.UnionType):
        return _any_of(arguments, value, path)
    if (made := origin or kind) in _LISTS:
        return _list(_LISTS[made], arguments, value, path)
    if made in (dict, Mapping):
        item = arguments[1] if arguments else Any
        return {name: read(item, part, f"{path}.{name}") for name, part in _object(value, path).items()}
    return _named(kind, value, path)


def _named(kind: Any, value: Any, path: str) -> Any:
    if is_typeddict(kind):
        given = _object(value, path)
        hints = get_type_hints(kind, include_extras=True)
        _complete(kind.__required_keys__, given, path)
        return {name: read(hints.get(name, Any), part, f"{path}.{name}") for name, part in given.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        given = _object(value, path)
        hints = get_type_hints(kind, include_extras=True)
        fields = [item for item in dataclasses.fields(kind) if item.init]
        _complete(
            {
                item.name
                for item in fields
                if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            },
            given,
            path,
        )
        known = {item.name for item in fields} & given.keys()
        return kind(**{name: read(hints[name], given[name], f"{path}.{name}") for name in known})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            names = ", ".join(repr(member.value) for member in kind)
            raise Misfit(path, f"expected one of {names}, not {value!r:.80}") from None
    # Classes of pydantic, and others that read themselves in the same way.
    if callable(validate := getattr(kind, "model_validate", None)):
        try:
            return validate(value)
        except ValueError as error:
            raise Misfit(path, str(error)) from error
    raise TypeError(f"{kind!r:.80}: expected a dataclass, a TypedDict or a type that JSON has a form for")


def _any_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    misfits = []
    for kind in kinds:
        try:
            return read(kind, value, path)
        except Misfit as misfit:
            misfits.append(misfit)
    # The one that came furthest says most.
    raise max(misfits, key=lambda misfit: len(misfit.path))


def _list(made: Any, arguments: tuple[Any, ...], value: Any, path: str) -> Any:
    if not isinstance(value, list):
        raise Misfit(path, f"expected a list, not {value!r:.80}")
    if made is tuple and arguments and arguments[-1] is not Ellipsis:
        if len(value) != len(arguments):
            raise Misfit(path, f"expected {len(arguments)} items, not {len(value)}")
        return tuple(read(kind, part, f"{path}[{i}]") for i, (kind, part) in enumerate(zip(arguments, value)))  # noqa: B905
    item = arguments[0] if arguments else Any
    return made(read(item, part, f"{path}[{index}]") for index, part in enumerate(value))


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(path, f"expected an object, not {value!r:.80}")
    return value


def _complete(required: Any, given: dict[str, Any], path: str) -> None:
    missing = sorted(required - given.keys())
    if missing:
        raise Misfit(f"{path}.{missing[0]}", "missing")
