"""One hub for each event loop: it is woken through one descriptor and hands on to the sessions of that loop."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from . import _log
from ._loop import Loop, current
from ._native import Inbox
from .errors import ClosedError

if TYPE_CHECKING:
    from ._session import Session


class Hub:
    """The sessions of one event loop."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.inbox = Inbox()
        # Sessions are kept by who uses them, so that a forgotten one can be ended.
        self.sessions: weakref.WeakValueDictionary[int, Session] = weakref.WeakValueDictionary()
        self.process = os.getpid()
        self._descriptor = self.inbox.fileno()
        self._ended = False
        # The loop keeps what it calls; it must not keep the hub, nor the hub the loop.
        loop.watch(self._descriptor, self._readable, self.ended)

    def check(self) -> None:
        """Raises `ClosedError` where the sessions of this hub cannot be used."""
        if self.process != os.getpid():
            raise ClosedError(
                "the session was opened before a fork and belongs to the parent process; open a new one here",
                context={"reason": "forked"},
            )
        self.loop.check()

    def _readable(self) -> None:
        for number in self.inbox.take():
            if number == 0:
                _log.forward()
            elif (session := self.sessions.get(number)) is not None:
                try:
                    session.woken()
                except Exception as error:
                    # One session must not keep news from the others.
                    session.fail(error)

    def ended(self) -> None:
        """The loop has ended: its sessions are ended too."""
        if self._ended or self.process != os.getpid():
            return
        self._ended = True
        for session in list(self.sessions.values()):
            session.orphaned()
        self.loop.unwatch(self._descriptor)
        self.inbox.close()


def current_hub() -> Hub:
    """The hub of the running event loop."""
    return current(Hub)
