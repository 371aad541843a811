"""Log lines of the engine go to the logger ``madrigal``, at the level that this logger has when a session is opened."""

from __future__ import annotations

from typing import Any

from . import _native

_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
_forwarded: tuple[str, _native.Inbox] | None = None


def _wanted() -> str:
    import logging

    level = logging.getLogger("madrigal").getEffectiveLevel()
    return next((name for name, number in _LEVELS.items() if level <= number), "off")


def follow(inbox: _native.Inbox) -> None:
    """Sends what the logger would show to this inbox from now on."""
    global _forwarded
    wanted = (_wanted(), inbox)
    if wanted != _forwarded:
        _native.set_log_level(*wanted)
        _forwarded = wanted


def forward() -> None:
    """Hands the waiting lines to the logger."""
    import logging

    logger = logging.getLogger("madrigal")
    for line in _native.logs():
        dropped = f" ({line['dropped']} lines before this were dropped)" if line.get("dropped") else ""
        logger.log(
            _LEVELS.get(line["level"].lower(), logging.INFO),
            "%s%s%s",
            line["message"],
            _facts(line.get("fields") or {}),
            dropped,
            extra={"target": line.get("target", "")},
        )


def _facts(fields: dict[str, Any]) -> str:
    return "".join(f" {name}={value}" for name, value in fields.items())
