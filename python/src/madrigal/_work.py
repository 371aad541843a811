"""Work on a session store that needs no program: the engine asks the store, and replies once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ._session import Session
from ._stored import StoreHost
from .errors import InvalidArgumentError, MadrigalError


class Work(Session):
    """One operation, from its request to its reply."""

    def __init__(
        self, operation: str, store: Callable[[int], Any], methods: list[str], arguments: dict[str, Any]
    ) -> None:
        try:
            request = json.dumps(
                {
                    "operation": {"operation": operation, **arguments},
                    "session_store": {"methods": methods},
                },
                allow_nan=False,
                default=os.fspath,
            )
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"no JSON form: {error}", operation=operation) from None
        self._begin(lambda: request, StoreHost(store), may_be_left=True)
        self._outcome = self._expect(0)

    async def result(self) -> Any:
        """Waits for the reply. Leaving early withdraws what the store is asked."""
        try:
            return await self._outcome.result()
        except MadrigalError as error:
            original = self._asks.original(error)
            if original is error:
                raise
            raise original from original.__cause__  # What it has to say of its own is kept.
        finally:
            self.release("the work on the session store is over")


async def work(operation: str, store: Any, **arguments: Any) -> Any:
    """Carries out an operation over a store."""
    from ._stored import methods_of

    return await Work(operation, lambda _: store, methods_of(store), arguments).result()
