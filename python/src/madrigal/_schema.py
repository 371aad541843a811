"""A JSON Schema for the ways in which people write down the input of a tool, or the form of an answer."""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from .errors import InvalidArgumentError

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    set: {"type": "array"},
    dict: {"type": "object"},
    type(None): {"type": "null"},
    Any: {},
}


def input_schema(given: Any) -> dict[str, Any]:
    """The schema for the input of a tool.

    >>> input_schema({"a": float, "b": list[str]})["properties"]
    {'a': {'type': 'number'}, 'b': {'type': 'array', 'items': {'type': 'string'}}}
    >>> input_schema({"type": "object", "properties": {}})
    {'type': 'object', 'properties': {}}
    """
    if isinstance(given, Mapping):
        # A value that is a text cannot be the type of a field.
        if isinstance(given.get("type"), str) or "$ref" in given or "properties" in given:
            return dict(given)
        return _object({str(name): of(kind) for name, kind in given.items()}, list(map(str, given)))
    if is_typeddict(given):
        return of(given)
    raise InvalidArgumentError(
        f"input_schema: expected a dict of types, a TypedDict or a JSON Schema, not {given!r:.80}", operation="tool"
    )


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def of(kind: Any) -> dict[str, Any]:
    """The schema for a type.

    >>> from typing import Annotated, Literal
    >>> of(Annotated[Literal["km", "mi"], "The unit"])
    {'enum': ['km', 'mi'], 'description': 'The unit'}
    >>> of(int | None)
    {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}
    """
    if isinstance(kind, Mapping):
        return dict(kind)
    try:
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
    except TypeError:  # Not hashable, hence none of these.
        pass
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return _object(
            {name: of(hint) for name, hint in hints.items()}, sorted(kind.__required_keys__, key=list(hints).index)
        )
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind, include_extras=True)
        given = [item for item in dataclasses.fields(kind) if item.init]
        missing = dataclasses.MISSING
        required = [item.name for item in given if item.default is missing and item.default_factory is missing]
        return _object({item.name: of(hints[item.name]) for item in given}, required)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    # Classes of pydantic know their own.
    if callable(described := getattr(kind, "model_json_schema", None)):
        return dict(described())
    origin, arguments = get_origin(kind), get_args(kind)
    if metadata := getattr(kind, "__metadata__", None):
        about = [word for word in metadata if isinstance(word, str)]
        return of(kind.__origin__) | ({"description": about[0]} if about else {})
    if getattr(origin, "_name", None) in ("NotRequired", "Required", "ReadOnly"):
        return of(arguments[0])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [of(argument) for argument in arguments]}
    if origin in (list, set, tuple) and arguments:
        return {"type": "array", "items": of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": of(arguments[1])}
    raise InvalidArgumentError(
        f"input_schema: {kind!r:.80} has no JSON form; write a JSON Schema for it", operation="tool"
    )
