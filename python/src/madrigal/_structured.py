"""What a result holds, as a value or as an error: a turn can succeed without the value that was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._typed import Misfit, read
from .errors import AuthError, MadrigalError, StructuredOutputError, TurnFailedError

if TYPE_CHECKING:
    from .messages import ResultMessage

EXCERPT = 200
"""So many characters of the text there was instead of a value stand in the error."""
REFUSED = (401, 403)
"""The HTTP statuses that say that credentials were refused."""


def value_of(result: ResultMessage, kind: Any) -> Any:
    """See `ResultMessage.structured`."""
    value = result.structured_output
    # `null` can be the value, too; only the line tells it from none.
    if value is None and (not result.raw or "structured_output" not in json.loads(result.raw)):
        raise _without(result, _missing(result))
    try:
        return read(kind, value)
    except Misfit as misfit:
        path = misfit.path.removeprefix(".") or "."
        problem = f"the value does not fit the type it is read into, at `{path}`: {misfit.problem}"
        raise _without(result, problem, field=path) from misfit.__cause__


def _missing(result: ResultMessage) -> str:
    if result.subtype == "error_max_structured_output_retries":
        return "the model never met the JSON Schema: simplify it, or say in the prompt what each field is for"
    if result.is_error:
        return "the turn failed before there was a value"
    return (
        "there is no value: the model answered with text, or no `output_format` was given. "
        "Ask for the value in the prompt"
    )


def _without(result: ResultMessage, problem: str, **facts: str) -> StructuredOutputError:
    text = result.result if result.result is not None else "; ".join(result.errors or ())
    context = {"subtype": result.subtype, "result": text[:EXCERPT], **facts}
    return StructuredOutputError(problem, operation="structured", context=context)


def failure_of(result: ResultMessage) -> MadrigalError:
    """Why a result that says `is_error` is a failure."""
    said = result.text or "; ".join(result.errors or ()) or f"the turn ended with `{result.subtype}`"
    if result.api_error_status in REFUSED:
        return AuthError(said, operation="query", context={"api_error_status": result.api_error_status})
    facts = {
        "subtype": result.subtype,
        "errors": result.errors,
        "result": result.result,
        "api_error_status": result.api_error_status,
        "terminal_reason": result.terminal_reason,
        "session_id": result.session_id,
    }
    given = {name: value for name, value in facts.items() if value is not None}
    return TurnFailedError(said, json.loads(result.raw) if result.raw else given, operation="query", context=given)
