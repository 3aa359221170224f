"""The tools of an MCP server, for an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from pydantic import JsonValue

from sagents import replies
from sagents.errors import ToolServerFailed
from sagents.hooks import HookContext, Middleware
from sagents.messages import PartType
from sagents.plan import WorkerLoss
from sagents.policy import Policy, ask
from sagents.ports import ServerAddress, ServerAnswer, ServerTool, ToolServer
from sagents.returned import DONE
from sagents.server_options import address_of, check_options, tool_names
from sagents.tool_context import ToolContext
from sagents.tool_servers import tool_server
from sagents.tools import Tool

MAX_TIMEOUT = timedelta(minutes=5)


class McpTools(Middleware):
    """Offers the tools of an MCP server as `name__tool`, or under their own names with `prefix=False`.

    `McpTools("github", url="https://…/mcp", headers={"Authorization": "Bearer …"})` speaks streamable HTTP,
    `McpTools("files", command=["npx", "-y", "…"])` starts a program. `only` are patterns of the tools to offer.

    The calls go through approvals like any other: `approval` stands before each, `HumanInTheLoop` knows them by name
    or as `"github__*"`. With `ask_destructive` people are asked about those that the server does not call harmless,
    by `approval` where it is given. What a server says of itself are hints: do not build on those of a stranger.

    Where the server is out of reach its tools are those that it offered last, or none, and the run goes on.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        server: ToolServer | None = None,
        prefix: bool = True,
        only: Sequence[str] | None = None,
        approval: Policy | None = None,
        ask_destructive: bool = False,
        timeout: timedelta = MAX_TIMEOUT,
        patience: timedelta = ServerAddress.patience,
        refresh_after: timedelta = ServerAddress.refresh_after,
    ) -> None:
        check_options(name, only, approval, timeout)
        times = {"patience": patience, "refresh_after": refresh_after}
        self.address = address_of(name, url, headers, command, env, cwd, server, times)
        self.id, self.name = f"mcp_{name}", name
        self.prefix, self.only, self.timeout = f"{name}__" if prefix else "", only, timeout
        self.approval, self.ask_destructive = approval, ask_destructive
        self._server = server

    async def tools(self, context: HookContext, /) -> tuple[Tool[..., Any], ...]:
        try:
            offered = await self._asked().tools()
        except ToolServerFailed as error:
            news: dict[str, JsonValue] = {"middleware": self.id, "action": "failed", "error": str(error)}
            context.emit("middleware_action", news)
            return ()
        wanted = [tool for tool in offered if self._is_wanted(tool)]
        return tuple(map(self._made, wanted, tool_names(self.prefix, [tool.name for tool in wanted])))

    def debug_summary(self) -> JsonValue:
        over = None if self.address is None else "http" if self.address.url else "stdio"
        return {"server": self.name, "over": over, "ask_destructive": self.ask_destructive}

    def _asked(self) -> ToolServer:
        if self._server is None:
            assert self.address is not None, "a server is given by its address, or itself"
            self._server = tool_server(self.address)
        return self._server

    def _is_wanted(self, tool: ServerTool) -> bool:
        return self.only is None or any(fnmatchcase(tool.name, pattern) for pattern in self.only)

    def _made(self, tool: ServerTool, name: str) -> Tool[..., Any]:
        async def call(context: ToolContext, arguments: dict[str, Any]) -> replies.ToolResult:
            def tell(text: str) -> None:
                context.progress(text)

            try:
                return _result(await self._asked().call(tool, arguments, tell))
            except ToolServerFailed as error:
                return replies.ToolResult(str(error), is_error=True)

        return Tool.from_schema(
            name=name,
            description=tool.description,
            display_text=tool.title,
            parameters={"type": "object", **tool.parameters},
            function=call,
            timeout=self.timeout,
            on_worker_loss=WorkerLoss.RETRY if tool.may_run_twice else WorkerLoss.REPORT,
            approval=self._policy(tool),
        )

    def _policy(self, tool: ServerTool) -> Policy | None:
        if not self.ask_destructive:
            return self.approval
        harmless = tool.read_only or not tool.destructive
        return None if harmless else self.approval or ask()


def _result(answer: ServerAnswer) -> replies.ToolResult:
    """Plain text where there is nothing else."""
    plain = all(part.type is PartType.TEXT for part in answer.content)
    text = "\n\n".join(part.content for part in answer.content) or DONE
    content: JsonValue | tuple[Any, ...] = text if plain else answer.content
    return replies.ToolResult(content, artifacts=answer.value, is_error=answer.is_error)
