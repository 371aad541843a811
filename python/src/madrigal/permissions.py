"""Deciding about a tool call in Python: what a ``can_use_tool`` function gets and gives."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

PermissionMode = Literal["default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"]
PermissionBehavior = Literal["allow", "deny", "ask"]
PermissionUpdateDestination = Literal["userSettings", "projectSettings", "localSettings", "session"]


@dataclass
class PermissionRuleValue:
    """A rule: a tool, and which of its uses; ``None`` means all."""

    tool_name: str
    rule_content: str | None = None


@dataclass
class PermissionUpdate:
    """A change of the permission rules, to be applied together with an answer.

    >>> update = PermissionUpdate("addRules", [PermissionRuleValue("Bash", "git log:*")], "allow")
    >>> update.to_dict()["rules"]
    [{'toolName': 'Bash', 'ruleContent': 'git log:*'}]
    """

    type: Literal["addRules", "replaceRules", "removeRules", "setMode", "addDirectories", "removeDirectories"]
    rules: list[PermissionRuleValue] | None = None
    behavior: PermissionBehavior | None = None
    mode: PermissionMode | None = None
    directories: list[str] | None = None
    destination: PermissionUpdateDestination | None = None

    def to_dict(self) -> dict[str, Any]:
        """The form the program reads. Raises ``ValueError`` when a field that the type needs is missing.

        Without a destination the change lasts as long as the session.
        """
        wire: dict[str, Any] = {"type": self.type, "destination": self.destination or "session"}
        if self.type in ("addRules", "replaceRules", "removeRules"):
            wire["rules"] = [_rule(rule) for rule in self._need("rules")]
            wire["behavior"] = self._need("behavior")
        elif self.type == "setMode":
            wire["mode"] = self._need("mode")
        elif self.type in ("addDirectories", "removeDirectories"):
            wire["directories"] = list(self._need("directories"))
        else:
            raise ValueError(f"type: {self.type!r} is not a kind of permission update")
        return wire

    def _need(self, name: str) -> Any:
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"{name}: a permission update of type {self.type!r} needs it")
        return value

    @classmethod
    def from_dict(cls, wire: dict[str, Any]) -> PermissionUpdate:
        """The update for what the program suggests."""
        rules = wire.get("rules")
        return cls(
            type=wire["type"],
            rules=rules and [PermissionRuleValue(rule.get("toolName", ""), rule.get("ruleContent")) for rule in rules],
            behavior=wire.get("behavior"),
            mode=wire.get("mode"),
            directories=wire.get("directories"),
            destination=wire.get("destination"),
        )


def _rule(rule: PermissionRuleValue) -> dict[str, str]:
    wire = {"toolName": rule.tool_name}
    if rule.rule_content is not None:
        wire["ruleContent"] = rule.rule_content
    return wire


@dataclass
class PermissionResultAllow:
    """Run the tool: with ``updated_input`` instead of its own input, and after ``updated_permissions``."""

    behavior: Literal["allow"] = "allow"
    updated_input: dict[str, Any] | None = None
    updated_permissions: list[PermissionUpdate] | None = None


@dataclass
class PermissionResultDeny:
    """Do not run the tool; the model reads ``message``. ``interrupt`` ends the turn as well."""

    behavior: Literal["deny"] = "deny"
    message: str = ""
    interrupt: bool = False


PermissionResult = PermissionResultAllow | PermissionResultDeny


@dataclass
class ToolPermissionContext:
    """What the program tells about a tool call beside its name and input. Fields it left out are ``None``.

    ``signal`` is always ``None``: when the program withdraws its question, the task that runs your function is
    cancelled.
    """

    signal: Any | None = None
    suggestions: list[PermissionUpdate] = field(default_factory=list)
    tool_use_id: str | None = None
    agent_id: str | None = None
    blocked_path: str | None = None
    decision_reason: str | None = None
    title: str | None = None
    display_name: str | None = None
    description: str | None = None
    mcp_server: dict[str, Any] | None = None
    """The server of the tool: ``{"name": ..., "source": ...}``."""
    default_to_no: bool = False
    """A person should be offered "no" first."""
    suppress_always_allow_rule: bool = False
    """A person should not be offered to allow it for good."""
    matched_ask_rule: str | dict[str, Any] | None = None
    """The rule because of which it is asked."""
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The whole question as the program asked it."""


CanUseTool = Callable[[str, dict[str, Any], ToolPermissionContext], Awaitable[PermissionResult]]
"""``async def can_use_tool(tool_name, tool_input, context)``."""


class CanUseToolShadowedWarning(UserWarning):
    """Rules or the permission mode decide before a ``can_use_tool`` function is asked."""


def warn_if_shadowed(can_use_tool: object, mode: str | None, allowed: Iterable[str]) -> None:
    """Warns when a function will not be asked for some tools, or for none."""
    if can_use_tool is None:
        return
    if mode == "bypassPermissions":
        problem = "permission_mode='bypassPermissions' allows every tool: can_use_tool is never asked"
    elif whole := [rule for rule in allowed if "(" not in rule]:
        problem = f"allowed_tools allows {', '.join(whole)}: can_use_tool is not asked about them"
    else:
        return
    warnings.warn(problem, CanUseToolShadowedWarning, stacklevel=4)


def context_from_wire(request: dict[str, Any]) -> ToolPermissionContext:
    """The context of a question."""
    return ToolPermissionContext(
        suggestions=[PermissionUpdate.from_dict(wire) for wire in request.get("permission_suggestions") or ()],
        tool_use_id=request.get("tool_use_id"),
        agent_id=request.get("agent_id"),
        blocked_path=request.get("blocked_path"),
        decision_reason=request.get("decision_reason"),
        title=request.get("title"),
        display_name=request.get("display_name"),
        description=request.get("description"),
        mcp_server=request.get("mcp_server"),
        default_to_no=bool(request.get("default_to_no")),
        suppress_always_allow_rule=bool(request.get("suppress_always_allow_rule")),
        matched_ask_rule=request.get("matched_ask_rule"),
        raw=request,
    )


def result_to_wire(result: object) -> dict[str, Any]:
    """The answer to a question. Raises ``TypeError`` when a function gave something that is not one."""
    if isinstance(result, PermissionResultAllow):
        wire: dict[str, Any] = {"behavior": "allow"}
        if result.updated_input is not None:
            wire["updatedInput"] = result.updated_input
        if result.updated_permissions is not None:
            wire["updatedPermissions"] = [update.to_dict() for update in result.updated_permissions]
        return wire
    if isinstance(result, PermissionResultDeny):
        wire = {"behavior": "deny", "message": result.message}
        if result.interrupt:
            wire["interrupt"] = True
        return wire
    raise TypeError(
        "can_use_tool must return PermissionResultAllow or PermissionResultDeny, "
        f"not {type(result).__name__}: {result!r:.100}"
    )
