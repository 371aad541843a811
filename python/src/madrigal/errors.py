"""One base class, and one class for each stable code of the engine.

The code is the same word in every language of Madrigal; the text is for people and may change. The names of
``claude_agent_sdk`` are aliases or base classes of ours, so ``except ProcessError`` keeps working.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any, Literal

Retry = Literal["never", "now", "after"]


class MadrigalError(Exception):
    """What went wrong, whether trying again can help, where, and with which facts.

    Args:
        message: One line for people.
        operation: What was being done, such as ``"interrupt"``.
        context: Facts under stable keys.
        causes: What led to this, outermost first.

    >>> error = TimeoutError("no answer within 60 s", operation="interrupt")
    >>> print(error)
    interrupt: no answer within 60 s
    >>> error.code, isinstance(error, MadrigalError), isinstance(error, OSError)
    ('timeout', True, True)

    """

    code: str = "internal"
    """The stable word for what went wrong."""
    retry: Retry = "never"
    """Whether the same call can succeed when made again: ``never``, ``now`` or ``after`` a while."""
    retry_after: float | None = None
    """With ``retry == "after"``: the while, in seconds."""
    operation: str = ""
    """What was being done, or ``""``."""
    message: str
    """The text without the operation."""
    context: dict[str, Any]
    """Facts under stable keys: the path of an option, the last of stderr, an exit code."""
    causes: list[str]
    """What led to this, outermost first."""

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        context: Mapping[str, Any] | None = None,
        causes: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.context = dict(context or {})
        self.causes = list(causes)

    def __str__(self) -> str:
        return f"{self.operation}: {self.message}" if self.operation else self.message


class CLIConnectionError(MadrigalError):
    """There is no conversation with the ``claude`` program: it is not there, would not start, or is closed."""


class InvalidOptionsError(MadrigalError, ValueError):
    """An option is unknown or has a value that cannot work. The message starts with its path."""

    code = "invalid_options"


class InvalidArgumentError(MadrigalError, ValueError):
    """An argument of a call, such as a prompt, is malformed."""

    code = "invalid_argument"


class CLINotFoundError(CLIConnectionError):
    """No ``claude`` program was found. The context lists every place tried."""

    code = "cli_not_found"

    def __init__(self, message: str = "Claude Code not found", cli_path: str | None = None, **facts: Any) -> None:
        super().__init__(f"{message}: {cli_path}" if cli_path else message, **facts)


class CLIVersionError(CLIConnectionError):
    """The ``claude`` program found is older than this library can drive."""

    code = "cli_version"


class SpawnFailedError(CLIConnectionError):
    """The operating system refused to start the program."""

    code = "spawn_failed"
    retry = "now"


class ProcessExitedError(MadrigalError):
    """The program ended before its work was done."""

    code = "process_exited"
    retry = "now"

    def __init__(
        self, message: str = "", exit_code: int | None = None, stderr: str | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        if exit_code is not None:
            self.context["exit"] = {"code": exit_code}
        if stderr is not None:
            self.context["stderr"] = stderr

    @property
    def exit_code(self) -> int | None:
        """The exit code; ``None`` when a signal ended the program."""
        code: int | None = (self.context.get("exit") or {}).get("code")
        return code

    @property
    def stderr(self) -> str | None:
        """The last of what the program wrote to stderr."""
        text: str | None = self.context.get("stderr")
        return text


class ProtocolError(MadrigalError):
    """The program said something that is not its protocol. The context has the start of the line."""

    code = "protocol"

    def __init__(self, line: str = "", original_error: Exception | None = None, **facts: Any) -> None:
        message = f"{line[:100]}: {original_error}" if original_error is not None else line
        super().__init__(message, **facts)
        self.original_error = original_error

    @property
    def line(self) -> str:
        """The start of the line."""
        line: str = self.context.get("line", self.message)
        return line


class AuthError(MadrigalError):
    """Nobody is logged in, or the credentials were refused. The message says what to do next."""

    code = "auth"


class ControlError(MadrigalError):
    """The program answered a control request with an error."""

    code = "control"


class TimeoutError(MadrigalError, builtins.TimeoutError):
    """Something took longer than its limit. The operation says what; the context says how long."""

    code = "timeout"
    retry = "now"


class CancelledError(MadrigalError):
    """The operation was given up. Not the exception with which asyncio cancels a task."""

    code = "cancelled"


class ClosedError(CLIConnectionError):
    """The session is closed; the message says why: closed, forked, its event loop gone."""

    code = "closed"


class CallbackError(MadrigalError):
    """A function of yours failed and its exception is not known any more."""

    code = "callback"


class StructuredOutputError(MadrigalError):
    """A result has no value that meets the JSON Schema, or not one of the wanted type."""

    code = "structured_output"


class TurnFailedError(MadrigalError):
    """The turn of a task ended with an error of the model's API, a limit or a refusal. The context says which.

    A stream does not raise it: there a failed turn is a ``ResultMessage`` whose ``is_error`` is true, and
    ``raise_for_error()`` of that makes it an exception.

    Args:
        message: One line for people.
        data: The whole ``result`` frame, where it is known.
        exit_code: How the program ended, where that is known.
        facts: See `MadrigalError`.

    """

    code = "turn_failed"

    def __init__(
        self,
        message: str = "",
        data: dict[str, Any] | None = None,
        exit_code: int | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.data: dict[str, Any] = data or {}
        self.exit_code = exit_code

    def _fact(self, name: str) -> Any:
        return self.context.get(name, self.data.get(name))

    @property
    def subtype(self) -> str | None:
        """The ``subtype`` of the result: ``"error_max_turns"``, or ``"success"`` when a call of the API failed."""
        subtype: str | None = self._fact("subtype")
        return subtype

    @property
    def errors(self) -> list[str]:
        """What the program says went wrong."""
        return list(self._fact("errors") or ())

    @property
    def result(self) -> str | None:
        """The text of the result."""
        text: str | None = self._fact("result")
        return text

    @property
    def api_error_status(self) -> int | None:
        """The HTTP status of the call that failed."""
        status: int | None = self._fact("api_error_status")
        return status

    @property
    def terminal_reason(self) -> str | None:
        """Why the turn ended, such as ``"api_error"`` or ``"max_turns"``."""
        reason: str | None = self._fact("terminal_reason")
        return reason

    @property
    def session_id(self) -> str | None:
        """The session that the result belongs to."""
        session: str | None = self._fact("session_id")
        return session


class RateLimitedError(MadrigalError):
    """A limit of requests is used up, ours or the server's. `retry` says when it is not."""

    code = "rate_limited"


class CircuitOpenError(MadrigalError):
    """The circuit breaker is open: what was asked for has failed too often. `retry` says when it is tried again."""

    code = "circuit_open"


class BudgetExceededError(MadrigalError):
    """A budget of money is used up. The context has the limit and what is spent."""

    code = "budget_exceeded"


class OverloadedError(MadrigalError):
    """Too much waits already, or the wait would be longer than the deadline allows. `retry` says when to come back."""

    code = "overloaded"


class OverflowError(MadrigalError, builtins.OverflowError):
    """More unread data piled up than the hard limit allows."""

    code = "overflow"


class InternalError(MadrigalError):
    """A defect in Madrigal itself. Please report it."""

    code = "internal"


ClaudeSDKError = MadrigalError
ProcessError = ProcessExitedError
CLIJSONDecodeError = ProtocolError
ResultError = TurnFailedError

BY_CODE: dict[str, type[MadrigalError]] = {
    cls.code: cls
    for cls in (
        InvalidOptionsError,
        InvalidArgumentError,
        CLINotFoundError,
        CLIVersionError,
        SpawnFailedError,
        ProcessExitedError,
        ProtocolError,
        AuthError,
        ControlError,
        TimeoutError,
        CancelledError,
        ClosedError,
        CallbackError,
        StructuredOutputError,
        TurnFailedError,
        RateLimitedError,
        CircuitOpenError,
        BudgetExceededError,
        OverloadedError,
        OverflowError,
        InternalError,
    )
}
"""The class for each code."""


def from_wire(wire: Mapping[str, Any]) -> MadrigalError:
    """The exception for an error of the engine. A code that is newer than this package gives the base class."""
    cls = BY_CODE.get(wire["code"], MadrigalError)
    error = cls(
        wire.get("message", ""),
        operation=wire.get("operation", ""),
        context=wire.get("context"),
        causes=wire.get("causes", ()),
    )
    error.code = wire["code"]
    retry = wire.get("retry") or {}
    error.retry = retry.get("verdict", cls.retry)
    if "after_ms" in retry:
        error.retry_after = retry["after_ms"] / 1000
    return error
