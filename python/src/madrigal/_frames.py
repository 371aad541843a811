"""How frames become dataclasses, and the one that most kinds of frame share."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MessageT = TypeVar("MessageT", bound="DataclassInstance")


@dataclass
class SystemMessage:
    """A fact or event of the session: ``subtype`` says which, ``data`` is the whole frame."""

    subtype: str
    data: dict[str, Any]
    raw: str = field(default="", repr=False, compare=False, kw_only=True)

    @property
    def text(self) -> str:
        """Always ``""``."""
        return ""


# What the program calls fields whose names are not those of Python.
_RENAMED = {
    "api_key_source": "apiKeySource",
    "file_path": "filePath",
    "hook_event_name": "hook_event",
    "is_authenticating": "isAuthenticating",
    "is_replay": "isReplay",
    "is_synthetic": "isSynthetic",
    "model_usage": "modelUsage",
    "permission_mode": "permissionMode",
}


class Builder(Generic[MessageT]):
    """Makes messages of one class from frames."""

    def __init__(self, cls: type[MessageT], **renamed: str) -> None:
        self._cls = cls
        names = [(item, renamed.get(item.name) or _RENAMED.get(item.name, item.name)) for item in fields(cls)]
        skip = {"data", "raw"}
        self._required = [
            (item.name, wire)
            for item, wire in names
            if item.name not in skip and item.default is MISSING and item.default_factory is MISSING
        ]
        known = {name for name, _ in self._required} | skip
        self._optional = [(item.name, wire) for item, wire in names if item.name not in known]
        self._whole = any(item.name == "data" for item, _ in names)

    def build(self, frame: dict[str, Any], raw: str) -> MessageT:
        """The message. Raises ``KeyError`` when the frame lacks what it must have."""
        values: dict[str, Any] = {name: frame[wire] for name, wire in self._required}
        for name, wire in self._optional:
            if frame.get(wire) is not None:
                values[name] = frame[wire]
        if self._whole:
            values["data"] = frame
        values["raw"] = raw
        return self._cls(**values)
