"""Sessions that are on disk, in the files of the program: found, read and changed without starting it.

All functions block for as long as the disk takes; call them in a thread where that matters. ``directory`` looks only
among the sessions of that directory and of the worktrees of its repository; left out, everywhere. ``config_dir`` is the
folder of the program, in place of ``CLAUDE_CONFIG_DIR`` and ``~/.claude``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from . import _native
from .errors import InvalidArgumentError

Folder = str | os.PathLike[str]
"""A path."""
ResultT = TypeVar("ResultT")


@dataclass
class SDKSessionInfo:
    """What is known of a session without reading all of it. Times are milliseconds since 1970, sizes bytes."""

    session_id: str
    summary: str
    """What to show: its title, else its last prompt or summary, else its first prompt."""
    last_modified: int
    file_size: int | None = None
    custom_title: str | None = None
    first_prompt: str | None = None
    git_branch: str | None = None
    cwd: str | None = None
    tag: str | None = None
    created_at: int | None = None
    archived: bool | None = None
    """``None`` when it never was. A prompt sent later takes it out of the archive."""


@dataclass
class SessionMessage:
    """A message of a session on disk; ``message`` is as the API has it."""

    type: Literal["user", "assistant", "system"]
    uuid: str
    session_id: str
    message: Any
    parent_tool_use_id: str | None = None
    """Of a subagent's message: the tool call that started the subagent."""
    parent_agent_id: str | None = None
    """Of a subagent's message: the subagent that started this one."""


@dataclass
class ForkSessionResult:
    """The new session."""

    session_id: str


def _invoke(operation: str, **given: Any) -> Any:
    fields = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in given.items()}
    try:
        request = json.dumps({"operation": operation, **fields}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"no JSON form: {error}", operation=operation) from None
    return _native.invoke(request)


def _made(cls: type[ResultT], wire: Mapping[str, Any]) -> ResultT:
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in wire.items() if name in known})


def list_sessions(
    directory: Folder | None = None,
    limit: int | None = None,
    offset: int = 0,
    include_worktrees: bool = True,
    *,
    include_programmatic: bool = True,
    config_dir: Folder | None = None,
) -> list[SDKSessionInfo]:
    """Sessions, newest first.

    Args:
        directory: Only sessions of this directory.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many of the newest.
        include_worktrees: With ``directory``: also the sessions of the other worktrees of its repository.
        include_programmatic: Also sessions that programs started.
        config_dir: The folder of the program.

    >>> from madrigal import list_sessions
    >>> list_sessions(config_dir="/no/such/folder")
    []

    """
    found = _invoke(
        "list_sessions",
        directory=directory,
        limit=limit,
        offset=offset,
        include_worktrees=include_worktrees,
        include_programmatic=include_programmatic,
        config_dir=config_dir,
    )
    return [_made(SDKSessionInfo, info) for info in found]


def get_session_info(
    session_id: str, directory: Folder | None = None, *, config_dir: Folder | None = None
) -> SDKSessionInfo | None:
    """What is known of one session; ``None`` when there is none with this id, or when it has nothing to show.

    Args:
        session_id: Its id.
        directory: Where to look.
        config_dir: The folder of the program.

    """
    info = _invoke("get_session_info", session_id=session_id, directory=directory, config_dir=config_dir)
    return None if info is None else _made(SDKSessionInfo, info)


def get_session_messages(
    session_id: str,
    directory: Folder | None = None,
    limit: int | None = None,
    offset: int = 0,
    *,
    include_system_messages: bool = False,
    config_dir: Folder | None = None,
) -> list[SessionMessage]:
    """The conversation of a session, oldest message first; empty when there is no such session.

    Args:
        session_id: Its id.
        directory: Where to look.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many from the beginning.
        include_system_messages: Also notices, and where the conversation was summed up.
        config_dir: The folder of the program.

    """
    found = _invoke(
        "get_session_messages",
        session_id=session_id,
        directory=directory,
        limit=limit,
        offset=offset,
        include_system_messages=include_system_messages,
        config_dir=config_dir,
    )
    return [_made(SessionMessage, message) for message in found]


def list_subagents(session_id: str, directory: Folder | None = None, *, config_dir: Folder | None = None) -> list[str]:
    """The ids of the subagents of a session."""
    found: list[str] = _invoke("list_subagents", session_id=session_id, directory=directory, config_dir=config_dir)
    return found


def get_subagent_messages(
    session_id: str,
    agent_id: str,
    directory: Folder | None = None,
    limit: int | None = None,
    offset: int = 0,
    *,
    config_dir: Folder | None = None,
) -> list[SessionMessage]:
    """The conversation of a subagent, oldest message first.

    Args:
        session_id: The session that it belongs to.
        agent_id: Its id, from :func:`list_subagents`.
        directory: Where to look.
        limit: At most so many; ``None`` means all.
        offset: Leave out so many from the beginning.
        config_dir: The folder of the program.

    """
    found = _invoke(
        "get_subagent_messages",
        session_id=session_id,
        agent_id=agent_id,
        directory=directory,
        limit=limit,
        offset=offset,
        config_dir=config_dir,
    )
    return [_made(SessionMessage, message) for message in found]


def rename_session(
    session_id: str, title: str, directory: Folder | None = None, *, config_dir: Folder | None = None
) -> None:
    """Gives a session a title."""
    _invoke("rename_session", session_id=session_id, title=title, directory=directory, config_dir=config_dir)


def tag_session(
    session_id: str, tag: str | None, directory: Folder | None = None, *, config_dir: Folder | None = None
) -> None:
    """Gives a session a tag; ``None`` takes it away."""
    _invoke("tag_session", session_id=session_id, tag=tag, directory=directory, config_dir=config_dir)


def delete_session(session_id: str, directory: Folder | None = None, *, config_dir: Folder | None = None) -> None:
    """Deletes a session, its subagents and what its tools left."""
    _invoke("delete_session", session_id=session_id, directory=directory, config_dir=config_dir)


def archive_session(session_id: str, directory: Folder | None = None, *, config_dir: Folder | None = None) -> None:
    """Puts a session into the archive: it stays, and lists may leave it out."""
    _invoke("archive_session", session_id=session_id, directory=directory, config_dir=config_dir)


def unarchive_session(session_id: str, directory: Folder | None = None, *, config_dir: Folder | None = None) -> None:
    """Takes a session out of the archive."""
    _invoke("unarchive_session", session_id=session_id, directory=directory, config_dir=config_dir)


def fork_session(
    session_id: str,
    directory: Folder | None = None,
    up_to_message_id: str | None = None,
    title: str | None = None,
    *,
    config_dir: Folder | None = None,
) -> ForkSessionResult:
    """Copies a session under a new id.

    Args:
        session_id: The session to copy; it stays as it is.
        directory: Where to look.
        up_to_message_id: Only up to this message.
        title: The title of the copy.
        config_dir: The folder of the program.

    """
    made = _invoke(
        "fork_session",
        session_id=session_id,
        directory=directory,
        up_to_message_id=up_to_message_id,
        title=title,
        config_dir=config_dir,
    )
    return _made(ForkSessionResult, made)
