"""One auth manager of the engine: calls whose ends come later, what is told meanwhile, and whom a program is for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._lasting import Lasting
from ._request import invalid
from .credentials import Refresh, credential_from_wire
from .errors import InvalidArgumentError, MadrigalError, from_wire
from .token_store import TokenHost

if TYPE_CHECKING:
    from .auth import AuthManager


class Keeper(Lasting):
    """One auth manager of the engine."""

    _what = "auth manager"

    def __init__(
        self,
        config: dict[str, Any],
        host: TokenHost,
        on_setup_output: Callable[[str], object] | None,
        on_refresh: Callable[[Refresh], object] | None,
    ) -> None:
        self._on_setup_output = on_setup_output
        self._on_refresh = on_refresh
        self._host = host
        # Nothing is lost when it is forgotten: a token is in its store.
        self._begin(lambda: json.dumps({"auth_manager": config}), host, may_be_left=True)

    @property
    def number(self) -> int:
        """Its handle. Raises `ClosedError` where it cannot be used."""
        self._check()
        return self._native.number

    async def call(self, command: str, **fields: Any) -> Any:
        """See `Lasting`. What a function of the host raised is raised again."""
        try:
            return await super().call(command, **fields)
        except MadrigalError as error:
            original = self._asks.original(error)
            if original is error:
                raise
            raise original from original.__cause__
        finally:
            if not self._replies:
                # What failed on the way without failing the call is of no use any more.
                self._asks.forget()

    def type(self, text: str) -> None:
        """Hands over what a person typed."""
        self._check()
        self._native.submit(_command("setup_input", text=text))

    def _signal(self, signal: dict[str, Any]) -> None:
        match signal["event"]:
            case "setup_output":
                self._told("on_setup_output", self._on_setup_output, signal["text"])
            case "refreshed":
                self._told("on_refresh", self._on_refresh, credential_from_wire(signal["credential"]))
            case "refresh_failed":
                error = from_wire(signal["error"])
                error.retry, error.retry_after = "after", signal["next_ms"] / 1000
                error.__cause__ = self._asks.raised(error)
                logging.getLogger("madrigal").warning("the token could not be renewed: %s", error)
                self._told("on_refresh", self._on_refresh, error)
            case _:
                super()._signal(signal)

    def _told(self, name: str, function: Callable[[Any], object] | None, what: Any) -> None:
        if function is None:
            return
        try:
            self._context.copy().run(function, what)
        except Exception:
            logging.getLogger("madrigal").exception("the function %s of an auth manager failed", name)


def auth_to_wire(auth: object, path: str) -> int | bool:
    """Whose credential a program is started with: the number of a manager, or `False`. Raises `InvalidOptionsError`."""
    return False if auth is False else manager_number(auth, path, "an AuthManager, or False")


def manager_number(manager: object, path: str, expected: str = "an AuthManager") -> int:
    """The number of a manager, which begins when it is first used. Raises `InvalidOptionsError`."""
    from .auth import AuthManager

    if not isinstance(manager, AuthManager):
        raise invalid(path, f"expected {expected}")
    return keeper_of(manager).number


def keeper_of(manager: AuthManager) -> Keeper:
    """What is behind a manager."""
    return manager._open()


def _command(command: str, **fields: Any) -> str:
    try:
        return json.dumps({"command": command, **fields}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"no JSON form: {error}", operation=command) from None
