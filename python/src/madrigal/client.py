"""A live conversation, both ways."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._prompts import feed, frame, is_stream, send_all
from ._session import Session
from .errors import ClosedError
from .messages import Message, ResultMessage
from .options import ClaudeAgentOptions
from .permissions import PermissionMode

if TYPE_CHECKING:
    from typing_extensions import Self


class ClaudeSDKClient:
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

    async def interrupt(self) -> dict[str, Any]:
        """Stops the turn that runs; its result still comes.

        Returns:
            The receipt of the program: ``{"still_queued": [ids of prompts that will run next]}``.

        """
        receipt: dict[str, Any] = await self._open().request("interrupt") or {}
        return receipt

    async def control(self, subtype: str, **fields: Any) -> dict[str, Any] | None:
        """Sends a control request of the program that has no method here.

        Args:
            subtype: Which, such as ``"get_context_usage"``.
            fields: Its fields. ``None`` is sent as ``null``.

        Returns:
            The payload of the answer, ``None`` when it has none.

        Raises:
            ControlError: The program refused.
            TimeoutError: No answer within ``timeouts["control_ms"]``.

        """
        payload: dict[str, Any] | None = await self._open().request("control", request={"subtype": subtype, **fields})
        return payload

    async def set_permission_mode(self, mode: PermissionMode) -> None:
        """Changes how permissions are decided from now on."""
        await self.control("set_permission_mode", mode=mode)

    async def set_model(self, model: str | None = None) -> None:
        """Changes the model; ``None`` means the default one."""
        await self.control("set_model", model=model)

    async def rewind_files(self, user_message_id: str) -> None:
        """Puts files back to how they were when this prompt was sent."""
        await self.control("rewind_files", user_message_id=user_message_id)

    async def reconnect_mcp_server(self, server_name: str) -> None:
        """Connects a server again."""
        await self.control("mcp_reconnect", serverName=server_name)

    async def toggle_mcp_server(self, server_name: str, enabled: bool) -> None:
        """Turns a server on or off."""
        await self.control("mcp_toggle", serverName=server_name, enabled=enabled)

    async def stop_task(self, task_id: str) -> None:
        """Stops a background task."""
        await self.control("stop_task", task_id=task_id)

    async def get_mcp_status(self) -> dict[str, Any]:
        """The state of all servers: ``{"mcpServers": [...]}``."""
        return await self.control("mcp_status") or {}

    async def get_context_usage(self) -> dict[str, Any]:
        """How full the context window is, and with what."""
        return await self.control("get_context_usage") or {}

    async def get_server_info(self) -> dict[str, Any] | None:
        """What the program said when it was ready: commands, models, account and more."""
        info: dict[str, Any] | None = (self._open().opened or {}).get("info")
        return info

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
        self._until_result = until_result
        self._done = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._done or (not self._buffer and not await self._session.fill()):
            self._done = True
            raise StopAsyncIteration
        message = self._buffer.popleft()
        if self._until_result and isinstance(message, ResultMessage):
            self._done = True
        return message
