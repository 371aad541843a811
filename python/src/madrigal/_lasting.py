"""What outlives the event loop it was first used in: an auth manager, a rate limiter.

A program may run one event loop after the other (`asyncio.run` twice, a loop for each test). What such a thing knows is
worth keeping, so it moves to the loop of the next use. In two loops at once it is refused, as a session is.
"""

from __future__ import annotations

import contextvars
from typing import Any

from ._asks import Answering, Asks
from ._hub import current_hub
from ._session import Session
from .errors import ClosedError, MadrigalError

LEFT = "the event loop in which this was begun has ended"


class Lasting(Session):
    """A session whose end is not that of its event loop."""

    _host: Answering

    def orphaned(self) -> None:
        """See `Session`: who waited hears of it, and what was asked is answered; it goes on in the next loop."""
        if self._closed is not None:
            return
        for number in self._replies:
            self.tell("cancel", run=number)
        for ask in self._asks.open():
            self.tell("answer", ask=ask, error={"message": LEFT})
        self._asks.cancel_all()
        replies, self._replies = self._replies, {}
        for reply in replies.values():
            reply.fail(ClosedError(LEFT, context={"reason": "loop_closed"}))
        self._waiters.clear()

    def _check(self) -> None:
        if self._closed is not None:
            super()._check()
        try:
            self._hub.check()
        except ClosedError as error:
            match error.context.get("reason"):
                case "loop_closed":
                    self._move()
                case "other_loop":
                    text = f"this {self._what} is used in another event loop; make one for each that runs at a time"
                    raise ClosedError(text, context=error.context) from None
                case _:
                    raise

    def _move(self) -> None:
        hub = current_hub()
        hub.check()
        self.orphaned()
        self._hub = hub
        self._context = contextvars.copy_context()
        self._asks = Asks(self, self._host, self._context)
        hub.sessions[self._native.number] = self
        self._native.move_to(hub.inbox)

    async def call(self, command: str, **fields: Any) -> Any:
        """Makes a call whose end comes later. Who is cancelled gives it up, which leaves what was there before."""
        self._check()
        self._commands += 1
        number = self._commands
        reply = self._expect(number)
        try:
            self.post(command, id=number, **fields)
            return await reply.result()
        except MadrigalError:
            raise
        except BaseException:
            if number in self._replies:
                self.tell("cancel", run=number)
            raise
        finally:
            self._replies.pop(number, None)
