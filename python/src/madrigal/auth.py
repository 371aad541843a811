"""Who the program works for: finds the credential, keeps the token of a set-up, and renews it before it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._auth import Keeper
from ._auth_config import is_store, to_wire
from .credentials import AuthStatus, Credential, Refresh, credential_from_wire, status_from_wire
from .errors import ClosedError, InvalidArgumentError
from .token_store import SetupFunction, TokenHost, TokenStore

if TYPE_CHECKING:
    from typing_extensions import Self


class TokenFile(TypedDict):
    """A file that keeps a token, which only its owner can read."""

    file: str | os.PathLike[str]


class TokenKeyring(TypedDict):
    """The keyring of the desktop, under an account of one's own."""

    keyring: str


class AuthManager:
    """Finds the credential that programs are started with.

    A credential is looked for in this order, and the first that works is used: ``credential``; the variables
    ``ANTHROPIC_API_KEY``, ``ANTHROPIC_AUTH_TOKEN`` and ``CLAUDE_CODE_OAUTH_TOKEN`` (or their ``CLAUDE_AGENT_...``
    aliases); the stored token; the login of the program itself; and, when a person may be asked, a set-up.
    :meth:`status` says what was found where, and why the rest is not used.

    What is started with the option ``auth`` gets that credential and no other, and is not started without one. A
    credential the API refuses is not used again until it changes. A token is returned by :meth:`get_token` only;
    nothing else shows it.

    Nothing is looked at before its first use. It belongs to the event loop of that use, and when that has ended to the
    one of the next use (``asyncio.run`` twice); in two at once it raises :class:`ClosedError`. It keeps neither the
    interpreter nor, when nobody has it any more, itself alive. Functions may be coroutine functions or plain ones,
    except those whose names begin with ``on_``, which are plain.

    Args:
        name: What it is called in its status; limits and budgets count a credential by its fingerprint.
        credential: A key or token that comes before all others.
        env: Variables that count besides those of this process; ``""`` is as if the variable was not set.
        store: Where the token of a set-up is kept: in the keyring of the desktop where there is one and no token in the
            file, else in the file (``auto``, the default); in the ``keyring``, also under an account of its own; in
            ``~/.claude_sdk/token.json`` (``file``) or another file that only its owner can read; in this manager alone
            (``memory``); or in a store of yours. The keyring is, on Linux, the Secret Service (GNOME Keyring, KWallet,
            KeePassXC), on macOS the login keychain. One that is locked is opened by the desktop's own question, which
            comes when the token is needed and ``interactive`` allows it; with ``keyring`` one that stays locked, is not
            there or does not answer is an :class:`AuthError` that says what to do (``context["keyring"]``: ``locked``,
            ``no_bus``, ...).
        setup: How a new token is got: ``claude setup-token`` with a person (``program``, the default), or a function.
        terminal: Where the person of ``claude setup-token`` sits: at the terminal of this process (``process``), or
            with you (``host``): what the program draws is given to ``on_setup_output``, and what the person types is
            handed over with :meth:`setup_input`. Default: ``host`` with ``on_setup_output``, else ``process``.
        setup_timeout_ms: How long a set-up may take, in milliseconds. Default 120 000.
        auto_refresh: Whether a token is renewed before it ends. Default: yes.
        refresh_before_expiry_ms: How long before, in milliseconds. Default 86 400 000, a day.
        interactive: Whether a person may be asked when there is no credential. Default: unless ``CI`` is set.
        cli_login: Whether the login of the program counts. Default: yes.
        cli_path: The ``claude`` program. Default: as for queries.
        on_setup_output: Gets what the program draws during a set-up, as it comes: text with the escape sequences of a
            terminal, the token hidden.
        on_refresh: Is told of renewals that happen by themselves: the new :class:`Credential`, or the error why there
            is none; its ``retry_after`` says in how many seconds it is tried again. The old token stays.

    Raises:
        InvalidOptionsError: The message names the argument.

    >>> import asyncio
    >>> from madrigal import AuthManager, ClaudeAgentOptions, ResultMessage, query
    >>> async def main():
    ...     async with AuthManager(credential="sk-ant-api03-test-test-test") as auth:
    ...         print((await auth.ensure_authenticated()).method)
    ...         async for message in query(prompt="What is 2 + 2?", options=ClaudeAgentOptions(auth=auth)):
    ...             if isinstance(message, ResultMessage):
    ...                 print(message.result)
    >>> asyncio.run(main())
    api_key
    4

    """

    def __init__(
        self,
        *,
        name: str | None = None,
        credential: str | None = None,
        env: Mapping[str, str] | None = None,
        store: Literal["auto", "keyring", "file", "memory"] | TokenFile | TokenKeyring | TokenStore | None = None,
        setup: Literal["program"] | SetupFunction | None = None,
        terminal: Literal["process", "host"] | None = None,
        setup_timeout_ms: int | None = None,
        auto_refresh: bool | None = None,
        refresh_before_expiry_ms: int | None = None,
        interactive: bool | None = None,
        cli_login: bool | None = None,
        cli_path: str | os.PathLike[str] | None = None,
        on_setup_output: Callable[[str], object] | None = None,
        on_refresh: Callable[[Refresh], object] | None = None,
    ) -> None:
        given: dict[str, Any] = dict(locals())
        del given["self"]
        config = to_wire(given)
        self.name = name
        # Kept as a function, so that nothing that looks into the manager shows a credential.
        self._make: Callable[[], Keeper] = lambda: Keeper(
            config,
            TokenHost(
                store if is_store(store) else None,  # type: ignore[arg-type]
                setup if callable(setup) else None,
            ),
            on_setup_output,
            on_refresh,
        )
        self._typed = config["terminal"] == "host"
        self._keeper: Keeper | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"AuthManager(name={self.name!r})"

    def _open(self) -> Keeper:
        if self._closed:
            raise ClosedError("the auth manager is closed", operation="auth", context={"reason": "closed"})
        if self._keeper is None:
            self._keeper = self._make()
        return self._keeper

    async def ensure_authenticated(self) -> Credential:
        """Makes sure that there is a credential: resolved by the first call, and known from then on until it ends.

        Where there is none and a person may be asked, they are, as by :meth:`setup_token`.

        Raises:
            AuthError: There is none; the message says what to do, ``context["considered"]`` what was looked at.

        """
        return credential_from_wire(await self._open().call("ensure_authenticated"))

    async def setup_token(self) -> Credential:
        """Gets a new token and stores it, whatever is there. Cancelling it ends the set-up; the old token stays.

        Raises:
            AuthError: There is no terminal, the login was refused, or no token was shown.
            TimeoutError: It took longer than ``setup_timeout_ms``.
            Exception: What the store or the function ``setup`` raises.

        >>> import asyncio
        >>> from madrigal import AuthManager
        >>> async def main():
        ...     async with AuthManager(store="memory", setup=lambda: "sk-ant-oat01-test-test-test") as auth:
        ...         credential = await auth.setup_token()
        ...         print(credential.method, credential.hint)
        >>> asyncio.run(main())
        oauth_token sk-ant-oat01-...

        """
        return credential_from_wire(await self._open().call("setup_token"))

    async def refresh_token(self) -> Credential:
        """Gets a new token in place of the stored one. Raises what :meth:`setup_token` raises.

        Of several that ask at once, here and in other processes, one does it for all.
        """
        return credential_from_wire(await self._open().call("refresh_token"))

    async def get_token(self) -> str:
        """The token or key itself.

        Raises:
            AuthError: There is none, or only the program has it (its own login, a cloud).

        """
        token: str = (await self._open().call("get_token"))["token"]
        return token

    async def set_credential(self, credential: str | None) -> None:
        """Uses another credential in place of ``credential``, from the next run on.

        ``None`` takes it away, so that the other places count again.

        >>> import asyncio
        >>> from madrigal import AuthManager
        >>> async def main():
        ...     async with AuthManager(credential="sk-ant-api03-test-one") as auth:
        ...         await auth.set_credential("sk-ant-api03-test-two")
        ...         print(await auth.get_token())
        >>> asyncio.run(main())
        sk-ant-api03-test-two

        """
        if credential is not None and not isinstance(credential, str):
            raise _unfit("credential", "expected a text, or None")
        await self._open().call("set_credential", credential=credential)

    async def refused(self, fingerprint: str) -> None:
        """The API refused the credential with this fingerprint: it is not used until it changes.

        Runs with ``auth`` say so by themselves.
        """
        if not isinstance(fingerprint, str):
            raise _unfit("fingerprint", "expected a text")
        await self._open().call("refused", fingerprint=fingerprint)

    async def clear(self) -> None:
        """Forgets the token, here and in its store. Variables and the login of the program are not touched."""
        await self._open().call("clear")

    async def status(self) -> AuthStatus:
        """What is known, looked up anew; nobody is asked.

        Raises:
            AuthError: There are two providers at once, or the variables of a cloud are half set.

        >>> import asyncio
        >>> from madrigal import AuthManager
        >>> async def main():
        ...     async with AuthManager(credential="sk-ant-api03-test-test-test") as auth:
        ...         status = await auth.status()
        ...         print(status.authenticated, status.considered[0].source, status.considered[0].verdict)
        >>> asyncio.run(main())
        True option used

        """
        return status_from_wire(await self._open().call("status"))

    def setup_input(self, text: str) -> None:
        r"""What the person of a set-up typed, with the end of the line: ``"code\n"``.

        Raises:
            InvalidArgumentError: The person sits at the terminal of this process: there is no ``on_setup_output``.

        """
        if not isinstance(text, str):
            raise _unfit("text", "expected a text")
        keeper = self._open()
        if not self._typed:
            raise _unfit("terminal", "expected host: the person sits at the terminal of this process")
        keeper.type(text)

    def close(self) -> None:
        """Gives up its calls and forgets it; who waits hears `ClosedError`.

        The token stays in its store, and what runs keeps its credential. Nothing more can be started with it.
        """
        self._closed = True
        if self._keeper is not None:
            self._keeper.release("the auth manager is closed")

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _unfit(field: str, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{field}: {problem}", operation="auth", context={"field": field})
