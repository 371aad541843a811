"""Questions of a tool server or of the program to a person: elicitation and dialogs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypedDict


class _Elicitation(TypedDict):
    mcp_server_name: str
    message: str


class ElicitationRequest(_Elicitation, total=False):
    """What a tool server wants to know: a form to fill in, or a page to visit."""

    mode: Literal["form", "url"]
    requested_schema: dict[str, Any]
    """With a form: the JSON Schema of ``content``."""
    property_order: list[str]
    url: str
    elicitation_id: str


class _Action(TypedDict):
    action: Literal["accept", "decline", "cancel"]


class ElicitationResult(_Action, total=False):
    """What the person said."""

    content: dict[str, Any]
    """With ``accept`` of a form: what was filled in."""


OnElicitation = Callable[[ElicitationRequest], Awaitable[ElicitationResult]]
"""``async def on_elicitation(request)``."""


class _Dialog(TypedDict):
    dialog_kind: str
    payload: dict[str, Any]


class UserDialogRequest(_Dialog, total=False):
    """A dialog of the program: of a kind in ``supported_dialog_kinds``."""

    tool_use_id: str


UserDialogResult = dict[str, Any]
"""What the person chose, in the form of the kind of dialog."""
OnUserDialog = Callable[[UserDialogRequest], Awaitable[UserDialogResult]]
"""``async def on_user_dialog(request)``."""


def answer_to_wire(result: object, who: str) -> dict[str, Any]:
    """The answer of a function. Raises ``TypeError`` when it is none."""
    if not isinstance(result, Mapping):
        raise TypeError(f"{who} must return a dict, not {type(result).__name__}: {result!r:.100}")
    return dict(result)
