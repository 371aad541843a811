"""A live conversation, both ways."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from ._controls import Controls, milliseconds
from ._host import by_name
from ._prompts import feed, frame, is_stream, send_all
from ._session import Session
from .errors import ClosedError
from .options import ClaudeAgentOptions

if TYPE_CHECKING:
    from typing_extensions import Self

    from .control import InterruptReceipt
    from .messages import Message
    from .tools import SdkMcpTool


class ClaudeSDKClient(Controls):
    """A session: many prompts, one process, and control while it runs.

    Use it with ``async with``: leaving the block lets the program exit, and ends it when it does not (see
    ``timeouts``); leaving it by an exception ends it at once. A client that is forgotten open is ended too, with a
    ``ResourceWarning``.

    A wait for a message that is cancelled, by a time limit for example, loses nothing: ask again.

    Args:
        options: How to run.

    >>> import asyncio
    >>> from madrigal import ClaudeSDKClient, ResultMessage
    >>> async def main():
    ...     async with ClaudeSDKClient() as client:
    ...         await client.query("What is 2 + 2?")
    ...         async for message in client.receive_response():
    ...             if isinstance(message, ResultMessage):
    ...                 print(message.result)
    >>> asyncio.run(main())
    4

    """

    def __init__(self, options: ClaudeAgentOptions | None = None) -> None:
        self.options = options or ClaudeAgentOptions()
        self._session: Session | None = None

    def _open(self) -> Session:
        if self._session is None:
            raise ClosedError(
                "not connected: call connect() first, or use `async with`",
                context={"reason": "not_connected"},
            )
        return self._session

    async def connect(self, prompt: str | AsyncIterable[dict[str, Any]] | None = None) -> None:
        """Starts the program and waits until it is ready.

        Args:
            prompt: Sent at once. The frames of an async iterable are sent as they come, while you read.

        Raises:
            InvalidOptionsError: Before anything is started.
            CLIConnectionError: The program is not there, is too old or does not start.
            TimeoutError: It was not ready within ``timeouts["start_ms"]``.

        """
        if self._session is not None:
            raise ClosedError("already connected: disconnect() first", context={"reason": "connected"})
        session = Session(self.options)
        try:
            await session.started()
        except BaseException:
            session.release("the program did not start")
            raise
        self._session = session
        if is_stream(prompt):
            feed(session, prompt, finish=False)  # type: ignore[arg-type]
        elif prompt is not None:
            await self.query(prompt)

    async def query(self, prompt: str | AsyncIterable[dict[str, Any]], session_id: str = "default") -> str | None:
        """Sends a prompt. The answer comes through :meth:`receive_response`.

        Args:
            prompt: A text, or an async iterable of whole user frames, all of which are sent.
            session_id: Written into the frame of a text; the program ignores it.

        Returns:
            The id under which messages refer to a text prompt (``user_message_uuids``).

        """
        session = self._open()
        if is_stream(prompt):
            await send_all(session, prompt)  # type: ignore[arg-type]
            return None
        reply = await session.request("send", prompt=frame(prompt, None if session_id == "default" else session_id))
        uuid: str | None = (reply or {}).get("uuid")
        return uuid

    def receive_messages(self) -> AsyncIterator[Message]:
        """All messages until the program ends.

        Several iterators share one stream. Errors in it are raised, and it goes on behind them: the exception of
        a ``can_use_tool`` function arrives here as it is.
        """
        return _Messages(self._open(), until_result=False)

    def receive_response(self) -> AsyncIterator[Message]:
        """The messages up to and including the next :class:`ResultMessage`."""
        return _Messages(self._open(), until_result=True)

    async def interrupt(self, *, cancel_queued: bool = False, timeout: float | None = None) -> InterruptReceipt:
        """Stops the turn that runs; its result still comes.

        Args:
            cancel_queued: Also drop the prompts that wait.
            timeout: For the answer of the program, in seconds. Default: ``timeouts["control_ms"]``.

        Returns:
            The receipt of the program: ``{"still_queued": [ids of prompts that will run next]}``.

        """
        fields = {"cancel_queued": True} if cancel_queued else {}
        return cast("InterruptReceipt", await self._asked("interrupt", timeout, **fields))

    async def control(self, subtype: str, *, timeout: float | None = None, **fields: Any) -> dict[str, Any] | None:
        """See `Controls`."""
        limit = {} if timeout is None else {"timeout_ms": milliseconds(timeout)}
        payload: dict[str, Any] | None = await self._command("control", request={"subtype": subtype, **fields}, **limit)
        return payload

    async def _command(self, command: str, **fields: Any) -> Any:
        return await self._open().request(command, **fields)

    def _told(self) -> dict[str, Any]:
        info: dict[str, Any] = (self._open().opened or {}).get("info") or {}
        return info

    async def set_tools(self, server: str, tools: Sequence[SdkMcpTool[Any]]) -> None:
        """Replaces the tools of a server of this program; the model learns of it.

        Args:
            server: The name under which it stands in ``mcp_servers``.
            tools: All its tools from now on.

        """
        known = self._open().host.tools
        before, after = known.get(server, {}), by_name(tools)
        # The program may call a new tool before it acknowledges the change, and an old one until then.
        known[server] = {**before, **after}
        try:
            await self._command("set_tools", server=server, tools=[tool.to_dict() for tool in tools])
        except BaseException:
            known[server] = before
            raise
        known[server] = after

    @property
    def pid(self) -> int | None:
        """The process id of the program; ``None`` when not connected."""
        pid: int | None = (self._session.opened or {}).get("pid") if self._session else None
        return pid

    async def finish(self) -> None:
        """Says that no more prompts will come: when all are answered, the program ends and so does the stream."""
        await self._open().request("finish")

    async def disconnect(self) -> None:
        """Ends the program and waits until it is gone. Unread messages are dropped; harmless when not connected."""
        session, self._session = self._session, None
        if session is not None:
            await session.close(graceful=True)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close(graceful=error is None)


class _Messages:
    """Messages of a session, one by one."""

    def __init__(self, session: Session, *, until_result: bool) -> None:
        self._session = session
        self._buffer = session.buffer
        self._done = False
        from .messages import ResultMessage

        self._last = ResultMessage if until_result else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._done or (not self._buffer and not await self._session.fill()):
            self._done = True
            raise StopAsyncIteration
        message = self._buffer.popleft()
        if self._last is not None and isinstance(message, self._last):
            self._done = True
        return message
