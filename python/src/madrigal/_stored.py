"""A session store of this program as the engine asks it: which methods it has, and how each is called."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .store import SessionStore

METHODS = ("append", "load", "list_sessions", "list_session_summaries", "delete", "list_subkeys")


def methods_of(store: object) -> list[str]:
    """The methods that a store has. One inherited from `SessionStore` itself only says that it is missing."""
    return [
        name
        for name in METHODS
        if callable(getattr(store, name, None)) and getattr(type(store), name, None) is not getattr(SessionStore, name)
    ]


async def call(store: Any, request: dict[str, Any]) -> Any:
    """Carries out one call. Raises what the method raises."""
    method, arguments = request["method"], [request["key" if "key" in request else "project_key"]]
    if method == "append":
        arguments.append(request["entries"])
    result = getattr(store, method)(*arguments)
    result = await result if inspect.isawaitable(result) else result
    # What a method without a result gives means nothing, and need not have a JSON form.
    return None if method in ("append", "delete") else result


class StoreHost:
    """Answers the questions of an operation over a store; see `Host`."""

    def __init__(self, store: Callable[[int], Any]) -> None:
        self._store = store
        self._stores: dict[int, Any] = {}

    async def answer(self, kind: str, request: dict[str, Any], progress: object) -> Any:
        """The answer to a question. The checks of a store ask each number for a store of its own."""
        number = request.get("store", 0)
        if number not in self._stores:
            made: Awaitable[Any] | Any = self._store(number)
            self._stores[number] = await made if inspect.isawaitable(made) else made
        return await call(self._stores[number], request)

    def keeps(self, kind: str, request: dict[str, Any]) -> bool:
        """Whether what a function raises is kept for whoever asked."""
        return True
