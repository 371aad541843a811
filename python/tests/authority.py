"""The steps of a scenario for authentication: a manager, and what its host keeps and gives out."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

from asking import Boom

import madrigal

# What does not count, unless a scenario sets it.
UNSET = (
    "CI",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_AGENT_API_KEY",
    "CLAUDE_AGENT_AUTH_TOKEN",
    "CLAUDE_AGENT_OAUTH_TOKEN",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
)


class Authority:
    """The managers of a scenario: one at a time, and beside it those that have names."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        kept = scenario.get("token_store", {})
        self.token: Any = kept.get("holds")
        self.fails: dict[str, int] = dict(kept.get("fails", {}))
        self.new = list(scenario.get("new_tokens", ()))
        self.raised: list[BaseException] = []
        self.shown = ""
        self.manager: madrigal.AuthManager | None = None
        self.named: dict[str, madrigal.AuthManager] = {}

    def open(
        self, given: dict[str, Any], name: str | None, place: madrigal.ClaudeAgentOptions, folder: Path
    ) -> madrigal.AuthManager | None:
        """Opens one, after closing the one before, or beside all others under a name.

        What names nobody uses the one that is given back.
        """
        if name is not None:
            self.named[name] = self.made(given, place, folder)
        else:
            if self.manager is not None:
                self.manager.close()
            self.manager = self.made(given, place, folder)
        return self.manager

    def made(self, given: dict[str, Any], place: madrigal.ClaudeAgentOptions, folder: Path) -> madrigal.AuthManager:
        """A manager."""
        config = {"cli_login": False, "interactive": True, "cli_path": place.cli_path, **given}
        home = {"HOME": str(folder), "CLAUDE_CONFIG_DIR": str(folder)}
        config["env"] = {**dict.fromkeys(UNSET, ""), **place.env, **home, **given.get("env", {})}
        if given.get("store") == "host":
            config["store"] = Kept(self)
        elif isinstance(given.get("store"), dict):
            config["store"] = {"file": folder / given["store"]["file"]}
        if given.get("setup") == "host":
            config["setup"] = self.next_token
        if given.get("terminal") == "host":
            config["on_setup_output"] = self.show
        manager = madrigal.AuthManager(**config)
        # It opens at its first use.
        manager._open()
        return manager

    def close(self) -> None:
        """The end of all of them."""
        for manager in (self.manager, *self.named.values()):
            if manager is not None:
                manager.close()

    async def call(self, name: str, of: str | None, given: dict[str, Any], types: Any) -> Any:
        """Calls a method. What it gives, in the form in which it crosses."""
        manager = self.manager if of is None else self.named[of]
        assert manager is not None
        self.shown = ""
        for text in types:
            manager.setup_input(text)
        result = wire(await getattr(manager, name)(**given))
        return {"token": result} if name == "get_token" else result

    def show(self, text: str) -> None:
        self.shown += text

    async def next_token(self) -> Any:
        token = self.new.pop(0)
        return self.boom(token["raise"]) if isinstance(token, dict) and "raise" in token else token

    def boom(self, text: str) -> Any:
        self.raised.append(Boom(text))
        raise self.raised[-1]


class Kept:
    """A store that keeps its token with a scenario, and fails as that says."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    def load(self) -> Any:
        self.unless_failing("load")
        return self.authority.token

    async def save(self, token: madrigal.StoredToken) -> None:
        self.unless_failing("save")
        self.authority.token = token

    async def clear(self) -> None:
        self.unless_failing("clear")
        self.authority.token = None

    def unless_failing(self, method: str) -> None:
        left = self.authority.fails.get(method, 0)
        if left != 0:
            self.authority.fails[method] = max(left - 1, -1)
            self.authority.boom("the store is down")


def wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return [wire(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: wire(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value
