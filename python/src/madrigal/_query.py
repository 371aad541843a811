"""One prompt, one stream of messages, then the process ends."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TYPE_CHECKING, Any, NoReturn

from ._prompts import feed, frame, is_stream
from ._session import Session
from .options import ClaudeAgentOptions

if TYPE_CHECKING:
    from .messages import Message


def query(
    *,
    prompt: str | AsyncIterable[dict[str, Any]],
    options: ClaudeAgentOptions | None = None,
) -> AsyncGenerator[Message, None]:
    """Ask once; the messages of the answer come as they are made.

    The process starts with the first message asked for and ends with the last one. When the loop is left earlier
    (``break``, an exception, a cancelled task, ``aclose()``) it is ended at once, without waiting for it.

    Args:
        prompt: A text, or an async iterable of whole user frames
            (``{"type": "user", "message": {"role": "user", "content": ...}}``).
        options: How to run; see :class:`ClaudeAgentOptions`.

    Returns:
        An async generator of messages. A turn ends with a :class:`ResultMessage`, whose ``is_error`` says how it went.

    Raises:
        MadrigalError: One of its subclasses; the exception of a ``can_use_tool`` function is raised as it is.

    >>> import asyncio
    >>> from madrigal import AssistantMessage, query
    >>> async def main():
    ...     async for message in query(prompt="What is 2 + 2?"):
    ...         if isinstance(message, AssistantMessage):
    ...             print(message.text)
    >>> asyncio.run(main())
    4

    """
    return _Query(prompt, options or ClaudeAgentOptions())


class _Query(AsyncGenerator["Message", None]):
    """What a generator function would make, except that leaving its loop ends it then and there.

    A real one is only closed when the event loop comes round to it, and trio warns about it.
    """

    def __init__(self, prompt: object, options: ClaudeAgentOptions) -> None:
        self._prompt = prompt
        self._options = options
        self._session: Session | None = None
        self._over = False
        self._buffer: deque[Message] = deque()

    async def __anext__(self) -> Message:
        if not self._buffer:
            if self._over:
                raise StopAsyncIteration
            try:
                session = self._session or self._start()
                if not await session.fill():
                    raise StopAsyncIteration
            except BaseException:
                self._end()
                raise
        return self._buffer.popleft()

    def _start(self) -> Session:
        first = None if is_stream(self._prompt) else frame(self._prompt)
        session = self._session = Session(self._options, may_be_left=True)
        self._buffer = session.buffer
        if first is None:
            feed(session, self._prompt, finish=True)  # type: ignore[arg-type]
        else:
            session.post("send", prompt=first)
            session.post("finish")
        return session

    def _end(self) -> None:
        self._over = True
        if self._session is not None:
            self._session.release("the query is over")

    async def asend(self, value: None) -> Message:
        """Give the next message."""
        return await self.__anext__()

    async def athrow(self, *error: Any) -> NoReturn:
        """End the query and raise this."""
        self._end()
        raise error[1] if len(error) > 1 and error[1] is not None else error[0]

    async def aclose(self) -> None:
        """End the query, without waiting for its process."""
        self._end()

    def __del__(self) -> None:
        self._end()
