"""Prompts as people write them: a text, or frames that come one by one."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from ._session import Session


def frame(prompt: object, session_id: str | None = None) -> Any:
    """What is sent for one prompt: a text or a `user` frame, else `InvalidArgumentError`."""
    if isinstance(prompt, str):
        if session_id is None:
            return prompt
        return {"type": "user", "message": {"role": "user", "content": prompt}, "session_id": session_id}
    if isinstance(prompt, Mapping):
        return dict(prompt)
    raise InvalidArgumentError(
        f"expected a text or an async iterable of user frames, not {type(prompt).__name__}", operation="send"
    )


def is_stream(prompt: object) -> bool:
    """Whether the prompts come one by one."""
    return isinstance(prompt, AsyncIterable)


async def send_all(session: Session, prompts: AsyncIterable[dict[str, Any]]) -> None:
    """Sends the frames as they come."""
    try:
        async for prompt in prompts:
            await session.request("send", prompt=frame(prompt))
    finally:
        await _close(prompts)


async def _close(prompts: AsyncIterable[dict[str, Any]]) -> None:
    # A generator that is left half-way is closed by who leaves it.
    if isinstance(prompts, AsyncGenerator):
        await prompts.aclose()


def feed(session: Session, prompts: AsyncIterable[dict[str, Any]], *, finish: bool) -> None:
    """Sends the frames in a task of its own. What the iterable raises reaches the reader of the session."""
    # An iterable that never ends must not keep a forgotten session alive.
    reference = weakref.ref(session)

    async def run() -> None:
        try:
            async for prompt in prompts:
                target = reference()
                if target is None:
                    return
                await target.request("send", prompt=frame(prompt))
                del target
            target = reference()
            if target is not None and finish:
                await target.request("finish")
        except Exception as error:
            target = reference()
            if target is not None:
                target.fail(error)
        finally:
            await _close(prompts)

    session.spawn(run)
