"""A place of your own for transcripts: what the engine asks of it, and one that keeps them in memory.

A session with ``session_store=`` hands over each line of its transcript as the program writes it, and ``resume`` takes
them from there. When and what to append, how often to try again and what to do when a store is down is the engine's
work; a store only keeps what it is given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict

SessionStoreFlushMode = Literal["batched", "eager"]
"""When entries go to the store: with each result, 500 entries or 1 MiB; or at once."""


class _Session(TypedDict):
    project_key: str
    session_id: str


class SessionKey(_Session, total=False):
    """Which transcript is meant: that of a session, or with ``subpath`` that of one of its subagents."""

    subpath: str
    """Such as ``subagents/agent-1``; to a store it is only a name. Never empty."""


class SessionListSubkeysKey(_Session):
    """Which session is meant."""


class _Entry(TypedDict):
    type: str


class SessionStoreEntry(_Entry, total=False):
    """A line of a transcript. All but these fields is the program's own and is kept as it is."""

    uuid: str
    """The same entry may come twice: a ``uuid`` that is there already is left out. Some entries have none."""
    timestamp: str


class SessionStoreListEntry(TypedDict):
    """A session in a store."""

    session_id: str
    mtime: int
    """When it was last written, in milliseconds since 1970 by the clock of the store."""


class SessionSummaryEntry(TypedDict):
    """What a store keeps of a session so that listing does not have to load it; see :func:`fold_session_summary`."""

    session_id: str
    mtime: int
    """When it was last written: the same number that ``list_sessions`` gives."""
    data: dict[str, Any]
    """The engine's own; kept as it is."""


class SessionStore(Protocol):
    """What a store does. ``append`` and ``load`` must be there; the others may be left out.

    A store need not be a subclass; a method inherited from here counts as left out. Methods may be plain functions, but
    one that blocks holds up the event loop. What a method raises is a failed call: appending is tried three times, and
    what was not stored is told by a :class:`~madrigal.MirrorErrorMessage`; everything else raises it to whoever asked.

    >>> import asyncio
    >>> from madrigal import InMemorySessionStore
    >>> store = InMemorySessionStore()
    >>> key = {"project_key": "-home-me", "session_id": "11111111-1111-4111-8111-111111111111"}
    >>> asyncio.run(store.append(key, [{"type": "user", "uuid": "a"}, {"type": "user", "uuid": "a"}]))
    >>> asyncio.run(store.load(key))
    [{'type': 'user', 'uuid': 'a'}]

    """

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Keeps entries, behind those that are there."""

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """All entries in order; ``None`` when there are none."""

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """The sessions of a project, in any order. Needed for ``continue_conversation`` and for listing."""
        raise _left_out("list_sessions")

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """The summaries of the sessions of a project. Without it, listing loads each session."""
        raise _left_out("list_session_summaries")

    async def delete(self, key: SessionKey) -> None:
        """Forgets a session with all its subpaths, or only one subpath. What is not there is no error."""
        raise _left_out("delete")

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """The subpaths of a session. Without it, subagents are not resumed."""
        raise _left_out("list_subkeys")


def _left_out(method: str) -> NotImplementedError:
    # A function, so that type checkers do not take these methods for abstract ones.
    return NotImplementedError(f"this session store has no {method}")


class InMemorySessionStore(SessionStore):
    """Keeps transcripts in memory, for tests; they are gone with it. It has every method."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str], list[SessionStoreEntry]] = {}
        self._uuids: dict[tuple[str, str, str], set[str]] = {}
        self._mtimes: dict[tuple[str, str, str], int] = {}
        self._summaries: dict[tuple[str, str], SessionSummaryEntry] = {}
        self._last = 0

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """See `SessionStore`."""
        if not entries:
            return
        place = _place(key)
        known = self._uuids.setdefault(place, set())
        fresh: list[SessionStoreEntry] = []
        for entry in entries:
            if (uuid := entry.get("uuid")) is None or uuid not in known:
                fresh.append(entry)
            if uuid is not None:
                known.add(uuid)
        self._entries.setdefault(place, []).extend(fresh)
        # Each time is later than the one before, so that of two sessions one is the newer.
        self._last = self._mtimes[place] = max(time.time_ns() // 1_000_000, self._last + 1)
        if not key.get("subpath"):
            summary = fold_session_summary(self._summaries.get(place[:2]), key, fresh)
            self._summaries[place[:2]] = {**summary, "mtime": self._last}

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """See `SessionStore`."""
        found = self._entries.get(_place(key))
        return None if found is None else list(found)

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """See `SessionStore`."""
        return [
            {"session_id": session, "mtime": mtime}
            for (project, session, subpath), mtime in self._mtimes.items()
            if project == project_key and not subpath
        ]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """See `SessionStore`."""
        return [summary for (project, _), summary in self._summaries.items() if project == project_key]

    async def delete(self, key: SessionKey) -> None:
        """See `SessionStore`."""
        place = _place(key)
        whole = not place[2]
        for other in list(self._entries):
            if other == place or (whole and other[:2] == place[:2]):
                del self._entries[other], self._uuids[other], self._mtimes[other]
        if whole:
            self._summaries.pop(place[:2], None)

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """See `SessionStore`."""
        session = (key["project_key"], key["session_id"])
        return [place[2] for place in self._entries if place[:2] == session and place[2]]

    def get_entries(self, key: SessionKey) -> list[SessionStoreEntry]:
        """The entries under a key, at once; an empty list when there are none."""
        return list(self._entries.get(_place(key), ()))

    @property
    def size(self) -> int:
        """How many sessions it holds."""
        return len(self._summaries)

    def clear(self) -> None:
        """Forgets everything."""
        for kept in (self._entries, self._uuids, self._mtimes, self._summaries):
            kept.clear()


def _place(key: Mapping[str, Any]) -> tuple[str, str, str]:
    return key["project_key"], key["session_id"], key.get("subpath") or ""


def fold_session_summary(
    prev: SessionSummaryEntry | None, key: SessionKey, entries: Sequence[SessionStoreEntry]
) -> SessionSummaryEntry:
    """The summary of a session with these entries added, for stores that keep summaries.

    Call it in ``append`` for keys without ``subpath``, one call after the other for each session, and set ``mtime`` to
    the time of the store.

    Args:
        prev: The summary until now; ``None`` when there is none.
        key: The session.
        entries: What is appended.

    Returns:
        The summary; its ``mtime`` is that of ``prev``, or 0.

    >>> from madrigal import fold_session_summary
    >>> key = {"project_key": "-", "session_id": "11111111-1111-4111-8111-111111111111"}
    >>> summary = fold_session_summary(None, key, [{"type": "custom-title", "customTitle": "Spring"}])
    >>> summary["session_id"], summary["mtime"]
    ('11111111-1111-4111-8111-111111111111', 0)

    """
    from .sessions import _invoke

    made: SessionSummaryEntry = _invoke("fold_session_summary", previous=prev, key=key, entries=list(entries))
    return made
