"""The control requests of the program as methods.

Each sends one request, waits for its answer without reading messages, and gives the payload of the answer. All raise
`ControlError` when the program refuses and `TimeoutError` after ``timeout`` seconds, or ``timeouts["control_ms"]`` when
that is left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from .errors import InvalidArgumentError
from .permissions import PermissionMode
from .tools import wire_server

if TYPE_CHECKING:
    from .control import (
        AccountInfo,
        AgentInfo,
        CancelAsyncMessageResult,
        ContextUsageResponse,
        ListModelsResponse,
        McpCallResult,
        McpResourceContents,
        McpSetServersResult,
        McpStatusResponse,
        ReadFileResponse,
        ReloadPluginsResponse,
        ReloadSkillsResponse,
        RewindFilesResult,
        SessionCostResponse,
        SessionTitle,
        SetModelResult,
        SetPermissionModeResult,
        SettingsResponse,
        SideQuestionResponse,
        SlashCommand,
        TaskOutput,
        UsageResponse,
    )
    from .mcp import McpServerConfig

ThinkingDisplay = Literal["summarized", "omitted"]
"""Whether thinking is shown in short, or left out."""


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def milliseconds(timeout: float) -> int:
    """A limit as the engine has it. Raises `InvalidArgumentError` for one that is none."""
    if not isinstance(timeout, (int, float)) or not 0 < timeout < float("inf"):
        raise InvalidArgumentError(f"timeout: expected seconds above 0, not {timeout!r}", operation="control")
    return max(1, round(timeout * 1000))


class Controls(ABC):
    """Everything a session can be asked or told beside prompts."""

    @abstractmethod
    async def control(self, subtype: str, *, timeout: float | None = None, **fields: Any) -> dict[str, Any] | None:
        """Sends a control request of the program that has no method here.

        Args:
            subtype: Which, such as ``"get_context_usage"``.
            timeout: In seconds, in place of ``timeouts["control_ms"]``.
            fields: Its fields. ``None`` is sent as ``null``.

        Returns:
            The payload of the answer, ``None`` when it has none.

        Raises:
            ControlError: The program refused.
            TimeoutError: No answer within that time.

        """

    @abstractmethod
    async def _command(self, command: str, **fields: Any) -> Any:
        """Hands a command to the engine and waits for the reply."""

    @abstractmethod
    def _told(self) -> dict[str, Any]:
        """What the program said when it was ready."""

    async def _asked(self, subtype: str, timeout: float | None, **fields: Any) -> Any:
        return await self.control(subtype, timeout=timeout, **fields) or {}

    # How the session goes on.

    async def set_permission_mode(
        self, mode: PermissionMode, *, timeout: float | None = None
    ) -> SetPermissionModeResult:
        """Changes how permissions are decided from now on.

        Returns:
            The mode that holds now.

        Raises:
            ControlError: Such as ``bypass_not_launched``: that mode must be allowed from the start.

        """
        return cast("SetPermissionModeResult", await self._asked("set_permission_mode", timeout, mode=mode))

    async def set_model(self, model: str | None = None, *, timeout: float | None = None) -> SetModelResult:
        """Changes the model; ``None`` means the default one.

        The program tries the model first, which is one small request to its API.

        Returns:
            The model that holds now.

        """
        return cast("SetModelResult", await self._asked("set_model", timeout, model=model))

    async def set_agent(self, agent: str | None = None, *, timeout: float | None = None) -> None:
        """Puts another agent in the lead; with ``None`` none leads any more, also not that of the option ``agent``.

        From the next turn on its prompt, model and tools count, and the conversation stays. Of a turn that runs the
        prompt stays, but requests it still makes go to the new model. A ``model`` and a ``system_prompt`` that were
        chosen for the session stay. Needs the option ``enable_agent_switching``.

        Args:
            agent: Its name, one of :meth:`supported_agents`.
            timeout: In seconds.

        Raises:
            InvalidOptionsError: Without that option.
            InvalidArgumentError: The name is none of the session's agents; ``context["suggestions"]`` has those that
                may have been meant.

        """
        limit = {} if timeout is None else {"timeout_ms": milliseconds(timeout)}
        await self._command("set_agent", agent=agent, **limit)

    async def set_max_thinking_tokens(
        self,
        max_thinking_tokens: int | None,
        thinking_display: ThinkingDisplay | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Changes how much the model may think, in tokens.

        Args:
            max_thinking_tokens: The budget; 0 turns thinking off, ``None`` means the default of the model.
            thinking_display: How thinking is shown. ``None`` leaves it as it is.
            timeout: In seconds.

        """
        await self.control(
            "set_max_thinking_tokens",
            timeout=timeout,
            max_thinking_tokens=max_thinking_tokens,
            **_given(thinking_display=thinking_display),
        )

    async def apply_flag_settings(self, settings: Mapping[str, Any], *, timeout: float | None = None) -> None:
        """Changes settings for this session, above those of all files. ``None`` takes a setting back."""
        await self.control("apply_flag_settings", timeout=timeout, settings=dict(settings))

    async def update_settings(
        self,
        source: Literal["localSettings", "userSettings"],
        settings: Mapping[str, Any],
        *,
        timeout: float | None = None,
    ) -> None:
        """Writes settings into a file of the program."""
        await self.control("update_settings", timeout=timeout, source=source, settings=dict(settings))

    async def cancel_async_message(
        self, message_uuid: str, *, timeout: float | None = None
    ) -> CancelAsyncMessageResult:
        """Takes back a prompt that still waits, by the id that ``query`` gave."""
        return cast(
            "CancelAsyncMessageResult", await self._asked("cancel_async_message", timeout, message_uuid=message_uuid)
        )

    async def rewind_files(
        self, user_message_id: str, dry_run: bool = False, *, timeout: float | None = None
    ) -> RewindFilesResult:
        """Puts files back to how they were when a prompt was sent; needs ``enable_file_checkpointing``.

        Args:
            user_message_id: The id of the prompt.
            dry_run: Only say what would change.
            timeout: In seconds.

        Raises:
            ControlError: There is no such checkpoint.

        """
        fields = {"dry_run": True} if dry_run else {}
        return cast(
            "RewindFilesResult", await self._asked("rewind_files", timeout, user_message_id=user_message_id, **fields)
        )

    async def end_session(self, reason: str | None = None, *, timeout: float | None = None) -> None:
        """Tells the program to end, at once and in order."""
        await self.control("end_session", timeout=timeout, **_given(reason=reason))

    # Tool servers.

    async def mcp_server_status(self, *, timeout: float | None = None) -> McpStatusResponse:
        """The state of all tool servers."""
        return cast("McpStatusResponse", await self._asked("mcp_status", timeout))

    async def get_mcp_status(self, *, timeout: float | None = None) -> McpStatusResponse:
        """The state of all tool servers: another name of :meth:`mcp_server_status`."""
        return await self.mcp_server_status(timeout=timeout)

    async def set_mcp_servers(
        self, servers: Mapping[str, McpServerConfig], *, timeout: float | None = None
    ) -> McpSetServersResult:
        """Replaces the servers that were added while the program runs, and those of this program.

        Args:
            servers: By name. A server of this program must be one of those the session was opened with; one that is
                left out is removed.
            timeout: In seconds.

        """
        plain = {name: wire_server(name, config) for name, config in servers.items()}
        return cast("McpSetServersResult", await self._asked("mcp_set_servers", timeout, servers=plain))

    async def reconnect_mcp_server(self, server_name: str, *, timeout: float | None = None) -> None:
        """Connects a server again."""
        await self.control("mcp_reconnect", timeout=timeout, serverName=server_name)

    async def toggle_mcp_server(self, server_name: str, enabled: bool, *, timeout: float | None = None) -> None:
        """Turns a server on or off."""
        await self.control("mcp_toggle", timeout=timeout, serverName=server_name, enabled=enabled)

    async def mcp_call(
        self, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> McpCallResult:
        """Calls a tool of a server without the model. Servers of this program are refused: call the function.

        Args:
            tool: Its full name, ``mcp__<server>__<tool>``.
            arguments: Its input.
            timeout: In seconds.

        """
        return cast("McpCallResult", await self._asked("mcp_call", timeout, tool=tool, arguments=dict(arguments or {})))

    async def read_mcp_resource(
        self, server_name: str, uri: str, *, timeout: float | None = None
    ) -> McpResourceContents:
        """Reads a ``ui://`` resource of a server."""
        return cast(
            "McpResourceContents", await self._asked("mcp_read_resource", timeout, serverName=server_name, uri=uri)
        )

    # Background work.

    async def stop_task(self, task_id: str, *, timeout: float | None = None) -> None:
        """Stops a background task; harmless when there is none."""
        await self.control("stop_task", timeout=timeout, task_id=task_id)

    async def background_tasks(self, tool_use_id: str | None = None, *, timeout: float | None = None) -> None:
        """Moves what runs in the foreground to the background: one tool call, or all of them."""
        await self.control("background_tasks", timeout=timeout, **_given(tool_use_id=tool_use_id))

    async def get_task_output(self, task_id: str, *, timeout: float | None = None) -> TaskOutput:
        """What a background task has written so far."""
        return cast("TaskOutput", await self._asked("get_task_output", timeout, task_id=task_id))

    # What there is.

    async def get_context_usage(
        self, detail: Literal["summary", "full"] | None = None, *, timeout: float | None = None
    ) -> ContextUsageResponse:
        """How full the context window is, and with what. ``full`` counts exactly and costs requests to the API."""
        return cast("ContextUsageResponse", await self._asked("get_context_usage", timeout, **_given(detail=detail)))

    async def get_usage(self, skip_behaviors: bool = False, *, timeout: float | None = None) -> UsageResponse:
        """Costs, times and tokens of the session, and the limits of a subscription."""
        fields = {"skip_behaviors": True} if skip_behaviors else {}
        return cast("UsageResponse", await self._asked("get_usage", timeout, **fields))

    async def get_session_cost(self, *, timeout: float | None = None) -> SessionCostResponse:
        """What the session cost, as a text for people."""
        return cast("SessionCostResponse", await self._asked("get_session_cost", timeout))

    async def get_settings(self, *, timeout: float | None = None) -> SettingsResponse:
        """The settings in force and where they come from."""
        return cast("SettingsResponse", await self._asked("get_settings", timeout))

    async def list_models(self, *, timeout: float | None = None) -> ListModelsResponse:
        """The models that can be chosen."""
        return cast("ListModelsResponse", await self._asked("list_models", timeout))

    async def supported_commands(self) -> list[SlashCommand]:
        """The commands that a prompt may begin with, as the program told them when it was ready."""
        commands: list[SlashCommand] = self._told().get("commands", [])
        return commands

    async def supported_agents(self) -> list[AgentInfo]:
        """The subagents, as the program told them when it was ready."""
        agents: list[AgentInfo] = self._told().get("agents", [])
        return agents

    async def account_info(self) -> AccountInfo:
        """Who is logged in, as the program told it when it was ready."""
        account: AccountInfo = self._told().get("account", {})
        return account

    async def get_server_info(self) -> dict[str, Any] | None:
        """What the program said when it was ready: commands, models, account and more."""
        return self._told() or None

    async def read_file(
        self,
        path: str,
        max_bytes: int | None = None,
        encoding: Literal["utf-8", "base64"] | None = None,
        *,
        timeout: float | None = None,
    ) -> ReadFileResponse:
        """Reads a file through the program, under its permissions.

        Args:
            path: Absolute, or relative to the working directory of the session.
            max_bytes: At most so many bytes. ``None``: the limit of the program.
            encoding: How ``contents`` holds the bytes. ``None``: as text.
            timeout: In seconds.

        Raises:
            ControlError: There is no such file, or it may not be read.

        """
        fields = _given(max_bytes=max_bytes, encoding=encoding)
        return cast("ReadFileResponse", await self._asked("read_file", timeout, path=path, **fields))

    async def seed_read_state(self, path: str, mtime: int, *, timeout: float | None = None) -> None:
        """Says that the model knows a file as it was at ``mtime``, in milliseconds since 1970."""
        await self.control("seed_read_state", timeout=timeout, path=path, mtime=mtime)

    async def side_question(self, question: str, *, timeout: float | None = None) -> SideQuestionResponse:
        """Asks the model something beside the conversation, which does not see it. One request to the API."""
        return cast("SideQuestionResponse", await self._asked("side_question", timeout, question=question))

    async def rename_session(self, title: str, *, timeout: float | None = None) -> None:
        """Gives the session a title."""
        await self.control("rename_session", timeout=timeout, title=title)

    async def generate_session_title(
        self, description: str, persist: bool = False, *, timeout: float | None = None
    ) -> SessionTitle:
        """Lets the model find a title.

        Args:
            description: What the session is about.
            persist: Also give it to the session.
            timeout: In seconds.

        """
        reply = await self._asked("generate_session_title", timeout, description=description, persist=persist)
        return cast("SessionTitle", reply)

    async def reload_plugins(self, *, timeout: float | None = None) -> ReloadPluginsResponse:
        """Reads the plugins again."""
        return cast("ReloadPluginsResponse", await self._asked("reload_plugins", timeout))

    async def reload_skills(self, *, timeout: float | None = None) -> ReloadSkillsResponse:
        """Reads the skills again."""
        return cast("ReloadSkillsResponse", await self._asked("reload_skills", timeout))
