"""`match(pattern, value)` of the scenarios; see `tests/conformance/README.md`."""

from __future__ import annotations

from typing import Any


def matches(pattern: Any, value: Any) -> bool:
    if pattern == "$any":
        return True
    if isinstance(pattern, dict):
        if pattern.keys() == {"$contains"}:
            wanted = pattern["$contains"]
            if isinstance(wanted, list):
                return isinstance(value, list) and all(any(matches(one, it) for it in value) for one in wanted)
            return isinstance(value, str) and wanted in value
        return isinstance(value, dict) and all(
            key not in value if part == {"$absent": True} else key in value and matches(part, value[key])
            for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and len(pattern) == len(value) and all(map(matches, pattern, value))
    # In Python `True == 1`.
    return isinstance(pattern, bool) == isinstance(value, bool) and bool(pattern == value)


def in_order(patterns: list[Any], values: list[Any]) -> int | None:
    """The first pattern that matches no value behind those before it."""
    rest = iter(values)
    for number, pattern in enumerate(patterns):
        if not any(matches(pattern, value) for value in rest):
            return number
    return None
