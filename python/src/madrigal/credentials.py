"""What is told of a credential. The secret itself is in none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Union

from .errors import MadrigalError

AuthProvider = Literal["anthropic", "bedrock", "vertex", "foundry"]
"""For whom a credential is."""
AuthMethod = Literal["api_key", "auth_token", "oauth_token", "cli_login", "cloud"]
"""What it is: a key, a bearer token, the token of a set-up, the login of the program itself, or that of a cloud."""
AuthVerdict = Literal["used", "absent", "expired", "invalid", "refused", "shadowed"]
"""What became of a place where a credential could be."""


@dataclass(frozen=True)
class Credential:
    """What may be told of a credential."""

    provider: AuthProvider
    """For whom it is."""
    method: AuthMethod
    """What it is."""
    source: str
    """Where it came from: ``ANTHROPIC_API_KEY``, a file, ``login of claude``."""
    fingerprint: str
    """What limits and budgets call it; the same in every process, and it does not give the credential away."""
    hint: str | None = None
    """How it begins, so that its owner can tell it from others; ``None`` when only the program has it."""
    expires_at: datetime | None = None
    """When it ends; ``None`` when that is not known."""


@dataclass(frozen=True)
class ConsideredCredential:
    """A place where a credential could be, and what became of it."""

    source: str
    """The place."""
    verdict: AuthVerdict
    """What became of it."""
    reason: str
    """Why."""


@dataclass(frozen=True)
class AuthStatus:
    """What is known about a manager's credential."""

    authenticated: bool
    """Whether there is one."""
    provider: AuthProvider
    """For whom it is, or would be."""
    method: AuthMethod | None
    """What it is; ``None`` when there is none."""
    source: str | None
    """Where it came from; ``None`` when there is none."""
    fingerprint: str | None
    """What limits and budgets call it; ``None`` when there is none."""
    token_present: bool
    """Whether there is a token or key, as opposed to a login that only the program can use."""
    expires_at: datetime | None
    """When it ends; ``None`` when that is not known."""
    time_until_expiry_hours: float | None
    """Hours until then, to one decimal; below 0 when it is over."""
    store: str
    """Where a token is, or would be, kept: ``keyring``, ``file PATH``, or what the store is called."""
    considered: list[ConsideredCredential]
    """Every place that was looked at, in order, with what became of it and why."""
    warnings: list[str]
    """What may be wrong all the same."""
    name: str | None = None
    """What the manager is called; ``None`` when it has no name."""


Refresh = Union[Credential, MadrigalError]  # noqa: UP007
"""What came of a renewal: the new credential, or why there is none."""


def credential_from_wire(wire: Mapping[str, Any]) -> Credential:
    """A credential as it crosses."""
    return Credential(
        provider=wire["provider"],
        method=wire["method"],
        source=wire["source"],
        fingerprint=wire["fingerprint"],
        hint=wire.get("hint"),
        expires_at=time_from_wire(wire.get("expires_at")),
    )


def status_from_wire(wire: Mapping[str, Any]) -> AuthStatus:
    """A status as it crosses."""
    return AuthStatus(
        authenticated=wire["authenticated"],
        provider=wire["provider"],
        method=wire.get("method"),
        source=wire.get("source"),
        fingerprint=wire.get("fingerprint"),
        token_present=wire["token_present"],
        expires_at=time_from_wire(wire.get("expires_at")),
        time_until_expiry_hours=wire.get("time_until_expiry_hours"),
        store=wire["store"],
        considered=[
            ConsideredCredential(one["source"], one["verdict"], one["reason"]) for one in wire.get("considered", ())
        ],
        warnings=list(wire.get("warnings", ())),
        name=wire.get("name"),
    )


def time_from_wire(text: str | None) -> datetime | None:
    """A time of the engine, which is in whole seconds of UTC."""
    # Python 3.10 does not read the `Z`.
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))
