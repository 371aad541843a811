"""One prompt, one stream of messages, then the process ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from ._prompts import feed, frame, is_stream
from ._session import Session
from .messages import Message
from .options import ClaudeAgentOptions


async def query(
    *,
    prompt: str | AsyncIterable[dict[str, Any]],
    options: ClaudeAgentOptions | None = None,
) -> AsyncGenerator[Message, None]:
    """Asks once and yields the messages of the answer as they come.

    The process starts with the first message asked for and ends with the last one. When the loop is left earlier (``break``,
    an exception, a cancelled task, ``aclose()``) it is ended at once, without waiting for it.

    Args:
        prompt: A text, or an async iterable of whole user frames
            (``{"type": "user", "message": {"role": "user", "content": ...}}``).
        options: How to run; see :class:`ClaudeAgentOptions`.

    Yields:
        Messages, the last of them a :class:`ResultMessage`. Whether the turn succeeded is its ``is_error``.

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
    session = Session(options or ClaudeAgentOptions())
    try:
        if is_stream(prompt):
            feed(session, prompt, finish=True)  # type: ignore[arg-type]
        else:
            session.post("send", prompt=frame(prompt))
            session.post("finish")
        buffer = session.buffer
        while await session.fill():
            while buffer:
                yield buffer.popleft()
    finally:
        session.release("the query is over")
