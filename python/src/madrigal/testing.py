"""For your own tests: whether a session store does what sessions rely on."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from ._stored import METHODS, methods_of
from ._work import Work
from .errors import InvalidArgumentError
from .store import SessionStore

OPTIONAL = frozenset(METHODS[2:])
"""The methods that a store may leave out."""


async def run_session_store_conformance(
    make_store: Callable[[], SessionStore | Awaitable[SessionStore]], *, skip_optional: frozenset[str] = frozenset()
) -> list[str]:
    """Checks a store. Each check gets a store of its own; those of methods that it does not have are left out.

    Args:
        make_store: Gives a fresh, empty store.
        skip_optional: Methods that are not checked although the store has them.

    Returns:
        The names of the checks it passed.

    Raises:
        AssertionError: The store failed a check; the text names each of those, and what it did instead.

    >>> import asyncio
    >>> from madrigal import InMemorySessionStore
    >>> from madrigal.testing import run_session_store_conformance
    >>> passed = asyncio.run(run_session_store_conformance(InMemorySessionStore))
    >>> "delete_removes_a_session" in passed
    True

    """
    if unknown := sorted(set(skip_optional) - OPTIONAL):
        raise InvalidArgumentError(f"skip_optional: {unknown[0]!r} is none of {', '.join(sorted(OPTIONAL))}")
    made = make_store()
    first = await made if inspect.isawaitable(made) else made
    methods = [name for name in methods_of(first) if name not in skip_optional]
    checks = await Work("session_store_conformance", lambda _: make_store(), methods, {}).result()
    failed = [f"{check['check']}: {check['error']}" for check in checks if not check["passed"]]
    assert not failed, "the session store failed\n" + "\n".join(failed)
    return [check["check"] for check in checks]
