"""Where the token of a set-up is kept by this program, and who gives a new one.

When to load, save and lock is decided in the engine. No complaint shows what a store or a set-up gave, for it may be a
token.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol, TypedDict, Union, runtime_checkable

from .errors import InvalidArgumentError


class _Token(TypedDict):
    token: str


class StoredToken(_Token, total=False):
    """A token as it is kept: ``token``, and what is known of it. All of it is JSON."""

    expiry: str | None
    """When it ends, as ISO 8601; ``None`` or left out: that is not known."""
    provider: str
    """For whom it is. Default ``anthropic``."""
    created_at: str | None
    """When it was made, as ISO 8601."""


class NewToken(_Token, total=False):
    """A new token of a set-up: ``token``, and its end when that is known."""

    expires_at: datetime | str | None
    """A time, or a text as ISO 8601. Default: in a year for a token of ``claude setup-token``, else in 30 days."""


@runtime_checkable
class TokenStore(Protocol):
    """Keeps the token of a set-up, in a place of yours such as a vault.

    Methods may be coroutine functions or plain ones. What a method raises is raised by the call that needed it, so it
    must not hold the token. A store that cannot be
    read is told by the ``warnings`` of the status, and the other places for a credential count.

    >>> import asyncio
    >>> from madrigal import AuthManager
    >>> class Drawer:
    ...     token = None
    ...     def load(self):
    ...         return self.token
    ...     def save(self, token):
    ...         self.token = token
    ...     def clear(self):
    ...         self.token = None
    >>> async def main():
    ...     async with AuthManager(store=Drawer(), setup=lambda: "sk-ant-oat01-test-test-test") as auth:
    ...         print((await auth.setup_token()).source)
    >>> asyncio.run(main())
    the token store of the host

    """

    def load(self) -> StoredToken | Awaitable[StoredToken | None] | None:
        """The token; ``None`` when there is none."""

    def save(self, token: StoredToken) -> Awaitable[None] | None:
        """Keeps a token in place of the one that is there."""

    def clear(self) -> Awaitable[None] | None:
        """Forgets the token. There may be none."""


GivenToken = Union[str, NewToken]  # noqa: UP007
"""A new token, by itself or with its end."""
SetupFunction = Callable[[], Union[GivenToken, Awaitable[GivenToken]]]  # noqa: UP007
"""Gets a new token, in place of ``claude setup-token``. Cancelled when nobody waits for it any more."""

METHODS = ("load", "save", "clear")


class TokenHost:
    """Answers the questions of a manager; see `Answering`."""

    def __init__(self, store: TokenStore | None, setup: SetupFunction | None) -> None:
        self._store = store
        self._setup = setup

    async def answer(self, kind: str, request: dict[str, Any], progress: object) -> Any:
        """The answer to a question, as the engine reads it. Raises what the function raises."""
        if kind == "token_store" and self._store is not None:
            return await _ask(self._store, request)
        if kind == "new_token" and self._setup is not None:
            return _new(await _settled(self._setup()))
        raise LookupError(f"nobody answers questions of the kind {kind!r}")

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """Whether what a function raises is kept for whoever asked."""
        return True


async def _ask(store: TokenStore, request: dict[str, Any]) -> Any:
    match request["method"]:
        case "load":
            token = await _settled(store.load())
            if token is None:
                return None
            if not isinstance(token, Mapping) or not all(
                isinstance(part, (str, type(None))) for part in token.values()
            ):
                raise _unlike("load of the token store", "a token {'token', 'expiry', 'provider'} of texts, or None")
            return dict(token)
        case "save":
            await _settled(store.save(request["token"]))
        case "clear":
            await _settled(store.clear())
    return None


def _new(given: Any) -> dict[str, Any]:
    parts = {"token": given} if isinstance(given, str) else given
    if not isinstance(parts, Mapping) or not isinstance(parts.get("token"), str):
        raise _unlike("setup", "a token, or {'token', 'expires_at'}")
    end = parts.get("expires_at")
    if isinstance(end, datetime):
        # A time without a zone is local, as everywhere in Python.
        end = end.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if end is not None and not isinstance(end, str):
        raise _unlike("setup", "an expires_at that is a datetime or an ISO 8601 text")
    return {"token": parts["token"], "expires_at": end}


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _unlike(what: str, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"expected {expected} from {what}", operation="answer")
