"""The functions that a scenario gives to a session: each answers as the scenario says, or is held open."""

from __future__ import annotations

import dataclasses
from typing import Any

import anyio

import madrigal
from madrigal import PermissionResultAllow, PermissionResultDeny, PermissionUpdate


class Boom(Exception):
    """What a callback raises that a scenario fails. `context` is what an error in its place would have."""

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.context = context


class Held:
    """A question that is left open."""

    def __init__(self, tool: madrigal.ToolContext | None) -> None:
        self.ready, self.cancelled, self.result = anyio.Event(), anyio.Event(), None
        self.tool = tool

    def answer(self, result: Any) -> None:
        self.result = result
        self.ready.set()

    async def answered(self) -> Any:
        try:
            await self.ready.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        return self.result


class Asking:
    """All that is asked in one session."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.held: list[Held] = []
        self.raised: list[BaseException] = []
        self._asked = anyio.Event()
        self._rules: dict[tuple[str | None, str | None], dict[str, Any]] = {}

    def rule(self, how: dict[str, Any]) -> None:
        self._rules[how.get("kind"), how.get("name")] = how

    def _how(self, kind: str, name: str) -> dict[str, Any]:
        for key in ((kind, name), (None, name), (kind, None), (None, None)):
            if key in self._rules:
                return self._rules[key]
        return {"hold": True}

    async def change(self) -> None:
        """Waits until something more was asked."""
        await self._asked.wait()

    async def ask(self, kind: str, name: str, request: dict[str, Any], tool: madrigal.ToolContext | None = None) -> Any:
        """The answer to a question, in the form of `docs/boundary.md`."""
        how = self._how(kind, name)
        held = Held(tool) if "raise" not in how and "answer" not in how else None
        self.requests.append(request)
        if held is not None:
            self.held.append(held)
        self._asked.set()
        self._asked = anyio.Event()
        if "raise" in how:
            self.raised.append(Boom(how["raise"]))
            raise self.raised[-1]
        return how["answer"] if held is None else await held.answered()

    async def oldest(self, tool: bool = False) -> Held:
        """The oldest question held open, or the oldest tool call."""
        while not (found := [held for held in self.held if held.tool or not tool]):
            await self.change()
        return found[0]

    async def take(self) -> Held:
        held = await self.oldest()
        self.held.remove(held)
        return held

    def options(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """The functions as options."""
        functions = {
            "can_use_tool": ("can_use_tool", self.can_use_tool),
            "elicitation": ("on_elicitation", self.on_elicitation),
            "request_user_dialog": ("on_user_dialog", self.on_user_dialog),
        }
        given: dict[str, Any] = dict(functions[kind] for kind in scenario.get("asks", ()))
        if "hooks" in scenario:
            given["hooks"] = {
                event: [self.matcher(matcher) for matcher in matchers] for event, matchers in scenario["hooks"].items()
            }
        if "tool_servers" in scenario:
            given["mcp_servers"] = {server["name"]: self.server(server) for server in scenario["tool_servers"]}
        return given

    async def can_use_tool(self, name: str, tool_input: dict[str, Any], context: Any) -> Any:
        result = await self.ask("can_use_tool", name, context.raw)
        # What has no form here is handed on as it is: the package must refuse it.
        if not isinstance(result, dict) or result.get("behavior") not in ("allow", "deny"):
            return result
        if result["behavior"] == "deny":
            return PermissionResultDeny(message=result["message"], interrupt=result.get("interrupt", False))
        updates = result.get("updatedPermissions")
        return PermissionResultAllow(
            updated_input=result.get("updatedInput"),
            updated_permissions=updates and [PermissionUpdate.from_dict(update) for update in updates],
        )

    async def on_elicitation(self, request: Any) -> Any:
        return await self.ask("elicitation", request["mcp_server_name"], request)

    async def on_user_dialog(self, request: Any) -> Any:
        return await self.ask("request_user_dialog", request["dialog_kind"], request)

    def matcher(self, given: dict[str, Any]) -> madrigal.HookMatcher:
        timeout = given.get("timeout_ms")
        return madrigal.HookMatcher(
            matcher=given.get("matcher"),
            hooks=[self.hook(name) for name in given["callbacks"]],
            timeout=None if timeout is None else timeout / 1000,
            on_failure=given.get("on_failure"),
        )

    def hook(self, name: str) -> Any:
        async def hook(data: Any, tool_use_id: str | None, context: madrigal.HookContext) -> Any:
            request = {"callback_id": name, "input": data, "tool_use_id": tool_use_id}
            return renamed(await self.ask("hook_callback", name, request), {"async": "async_", "continue": "continue_"})

        return hook

    def server(self, given: dict[str, Any]) -> madrigal.McpSdkServerConfig:
        return madrigal.create_sdk_mcp_server(
            given["name"],
            given.get("version", "1.0.0"),
            [self.tool(tool) for tool in given["tools"]],
            instructions=given.get("instructions"),
        )

    def tool(self, given: dict[str, Any]) -> madrigal.SdkMcpTool[Any]:
        @madrigal.tool(
            given["name"],
            given.get("description", ""),
            given["inputSchema"],
            given.get("annotations"),
            output_schema=given.get("outputSchema"),
            meta=given.get("_meta"),
        )
        async def handler(arguments: Any) -> Any:
            context = madrigal.tool_context()
            request = {
                "server": context.server,
                "tool": context.tool,
                "arguments": arguments,
                "meta": context.meta,
            }
            result = await self.ask("tool_call", given["name"], request, context)
            return renamed(result, {"isError": "is_error", "structuredContent": "structured_content"})

        return handler


def renamed(result: Any, names: dict[str, str]) -> Any:
    return {names.get(name, name): value for name, value in result.items()} if isinstance(result, dict) else result


def plain(value: Any) -> Any:
    """A result as data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
