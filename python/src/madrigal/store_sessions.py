"""Sessions that are in a store: found, read and changed without starting the program.

``directory`` says whose sessions are meant, and is the current directory when it is left out. What the store raises is
raised as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._work import work
from .sessions import Folder, ForkSessionResult, SDKSessionInfo, SessionMessage, _invoke, _made

if TYPE_CHECKING:
    from .store import SessionStore


def project_key_for_directory(directory: Folder | None = None) -> str:
    """The key under which the sessions of a directory are stored: the name of its folder among the program's own.

    Args:
        directory: Which; the current directory when it is left out.

    >>> from madrigal import project_key_for_directory
    >>> project_key_for_directory("/")
    '-'

    """
    key: str = _invoke("project_key", directory=directory)
    return key


async def import_session_to_store(
    session_id: str,
    store: SessionStore,
    *,
    directory: Folder | None = None,
    include_subagents: bool = True,
    batch_size: int = 500,
    config_dir: Folder | None = None,
) -> None:
    """Copies a session from the files of the program into a store. Doing it again changes nothing.

    Args:
        session_id: Which session.
        store: Where to.
        directory: Only a session of this directory; left out, it is looked for everywhere.
        include_subagents: Also the transcripts of its subagents.
        batch_size: How many entries are appended at once, at most.
        config_dir: The folder of the program.

    Raises:
        InvalidArgumentError: There is no such session.

    """
    await work(
        "import_session_to_store",
        store,
        session_id=session_id,
        directory=directory,
        include_subagents=include_subagents,
        batch_size=batch_size,
        config_dir=config_dir,
    )


async def list_sessions_from_store(
    session_store: SessionStore, directory: Folder | None = None, limit: int | None = None, offset: int = 0
) -> list[SDKSessionInfo]:
    """Sessions in a store, newest first.

    Args:
        session_store: A store that has ``list_sessions``.
        directory: Whose.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many of the newest.

    Raises:
        InvalidArgumentError: The store has no ``list_sessions``.

    >>> import asyncio
    >>> from madrigal import InMemorySessionStore, list_sessions_from_store
    >>> asyncio.run(list_sessions_from_store(InMemorySessionStore(), "/"))
    []

    """
    found = await work("list_sessions_from_store", session_store, directory=directory, limit=limit, offset=offset)
    return [_made(SDKSessionInfo, info) for info in found]


async def get_session_info_from_store(
    session_store: SessionStore, session_id: str, directory: Folder | None = None
) -> SDKSessionInfo | None:
    """What is known of a session in a store; ``None`` when it has none of this id."""
    found = await work("get_session_info_from_store", session_store, session_id=session_id, directory=directory)
    return None if found is None else _made(SDKSessionInfo, found)


async def get_session_messages_from_store(
    session_store: SessionStore,
    session_id: str,
    directory: Folder | None = None,
    limit: int | None = None,
    offset: int = 0,
    *,
    include_system_messages: bool = False,
) -> list[SessionMessage]:
    """The conversation of a session in a store, oldest first; an empty list when it has none.

    Args:
        session_store: The store.
        session_id: Which session.
        directory: Whose.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many of the oldest.
        include_system_messages: Also what the program noted.

    """
    found = await work(
        "get_session_messages_from_store",
        session_store,
        session_id=session_id,
        directory=directory,
        limit=limit,
        offset=offset,
        include_system_messages=include_system_messages,
    )
    return [_made(SessionMessage, message) for message in found]


async def list_subagents_from_store(
    session_store: SessionStore, session_id: str, directory: Folder | None = None
) -> list[str]:
    """The ids of the subagents of a session in a store that has ``list_subkeys``."""
    found: list[str] = await work(
        "list_subagents_from_store", session_store, session_id=session_id, directory=directory
    )
    return found


async def get_subagent_messages_from_store(
    session_store: SessionStore,
    session_id: str,
    agent_id: str,
    directory: Folder | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[SessionMessage]:
    """The conversation of a subagent of a session in a store, oldest first.

    Args:
        session_store: The store.
        session_id: Which session.
        agent_id: Which of its subagents.
        directory: Whose.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many of the oldest.

    """
    found = await work(
        "get_subagent_messages_from_store",
        session_store,
        session_id=session_id,
        agent_id=agent_id,
        directory=directory,
        limit=limit,
        offset=offset,
    )
    return [_made(SessionMessage, message) for message in found]


async def rename_session_via_store(
    session_store: SessionStore, session_id: str, title: str, directory: Folder | None = None
) -> None:
    """Gives a session in a store a title."""
    await work("rename_session_via_store", session_store, session_id=session_id, title=title, directory=directory)


async def tag_session_via_store(
    session_store: SessionStore, session_id: str, tag: str | None, directory: Folder | None = None
) -> None:
    """Tags a session in a store; ``None`` takes the tag away."""
    await work("tag_session_via_store", session_store, session_id=session_id, tag=tag, directory=directory)


async def delete_session_via_store(
    session_store: SessionStore, session_id: str, directory: Folder | None = None
) -> None:
    """Deletes a session, with its subagents, from a store that has ``delete``."""
    await work("delete_session_via_store", session_store, session_id=session_id, directory=directory)


async def fork_session_via_store(
    session_store: SessionStore,
    session_id: str,
    directory: Folder | None = None,
    up_to_message_id: str | None = None,
    title: str | None = None,
) -> ForkSessionResult:
    """Copies a session in a store under a new id.

    Args:
        session_store: The store.
        session_id: The session to copy; it stays as it is.
        directory: Whose.
        up_to_message_id: Only up to this message.
        title: The title of the copy.

    """
    made = await work(
        "fork_session_via_store",
        session_store,
        session_id=session_id,
        directory=directory,
        up_to_message_id=up_to_message_id,
        title=title,
    )
    return _made(ForkSessionResult, made)
