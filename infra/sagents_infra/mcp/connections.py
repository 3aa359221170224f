"""The way to an MCP server: a session, opened when it is needed and again where it broke, and the list of its tools."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from mcp.client import Client, InputRequiredRoundsExceededError
from mcp.shared.exceptions import MCPError
from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST, CallToolResult
from mcp.types import Tool as TheirTool
from pydantic import JsonValue, ValidationError

from sagents.clipping import clipped
from sagents.errors import ToolServerFailed
from sagents.messages import ContentPart
from sagents.ports import ServerAddress, ServerAnswer, ServerTool
from sagents_infra.mcp.contents import answer_of, tool_of
from sagents_infra.mcp.sessions import Session

T = TypeVar("T")

MAX_TOOLS, MAX_PAGES = 500, 50
PAUSE = 5.0
"""Seconds in which a server that could not be reached is not tried again: each step of a run asks for its tools."""

EXPIRED = "Session terminated"
"""What the SDK says where the server does not know our session (any more), so that it did not look at the call."""


class Connection:
    """The way to one server, for all agents of a process. All of it belongs to one event loop."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self._session: Session | None = None
        self._opening, self._listing = asyncio.Lock(), asyncio.Lock()
        self._failed: tuple[float, ToolServerFailed] | None = None
        self._tools: tuple[ServerTool, ...] | None = None
        self._counts_until = 0.0

    async def tools(self) -> tuple[ServerTool, ...]:
        """What the server offers; where it cannot be asked what it offered last."""
        if (tools := self._in_time()) is not None:
            return tools
        async with self._listing:
            if (tools := self._in_time()) is not None:
                return tools
            try:
                self._tools = await self._asked_for_tools()
            except ToolServerFailed:
                if self._tools is None:
                    raise
            return self._tools

    async def call(
        self, tool: ServerTool, arguments: Mapping[str, JsonValue], on_progress: Callable[[str], None]
    ) -> ServerAnswer:
        async def tell(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - as the SDK calls it
            if message:
                on_progress(message)

        async def ask(client: Client) -> CallToolResult:
            return await client.call_tool(tool.name, dict(arguments), progress_callback=tell)

        try:
            return answer_of(await self._asked(ask, may_run_twice=tool.may_run_twice))
        except MCPError as error:
            return _refusal(error.message)
        except InputRequiredRoundsExceededError as error:
            return _refusal(f"The server asks for more than a tool call can give: {error}")
        except (RuntimeError, ValidationError) as error:  # what it returned is not what its schema says
            return _refusal(clipped(str(error)))

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _in_time(self) -> tuple[ServerTool, ...] | None:
        return self._tools if asyncio.get_running_loop().time() < self._counts_until else None

    def _changed(self) -> None:
        self._counts_until = 0.0

    async def _asked_for_tools(self) -> tuple[ServerTool, ...]:
        try:
            found = await self._asked(self._listed, may_run_twice=True)
        except (MCPError, TimeoutError, RuntimeError, ValidationError) as error:
            raise ToolServerFailed(f"{self.address.name} did not list its tools: {str(error) or 'too slow'}") from error
        return tuple({tool.name: tool_of(tool) for tool in found[:MAX_TOOLS]}.values())

    async def _listed(self, client: Client) -> list[TheirTool]:
        """The list counts from before it is asked for: a change that is told meanwhile may not be in it."""
        self._counts_until = asyncio.get_running_loop().time() + self.address.refresh_after.total_seconds()
        try:
            async with asyncio.timeout(self.address.patience.total_seconds()):
                return await _all_pages(client)
        except BaseException:
            self._changed()
            raise

    async def _asked(self, ask: Callable[[Client], Awaitable[T]], *, may_run_twice: bool) -> T:
        """What the server answers; asked again, once, where the connection broke and nothing can happen twice."""
        for again in (True, False):
            session = await self._open()
            try:
                return await ask(session.client)
            except MCPError as error:
                if not await self._is_broken(session, error):
                    raise
                unheard = error.message == EXPIRED or session.never_reached
                if not (again and (unheard or may_run_twice)):
                    raise ToolServerFailed(self._broke_off(unheard or may_run_twice)) from error
        raise AssertionError("unreachable: the second time either answers or fails")

    async def _is_broken(self, session: Session, error: MCPError) -> bool:
        expired = error.code == INVALID_REQUEST and error.message == EXPIRED
        if not (expired or session.over or error.code == CONNECTION_CLOSED):
            return False
        if self._session is session:
            self._session = None
        if expired:
            await session.close()
        await session.ended()
        return True

    async def _open(self) -> Session:
        async with self._opening:
            if self._session is not None and not self._session.over:
                return self._session
            now = asyncio.get_running_loop().time()
            if self._failed is not None and now < self._failed[0]:
                raise ToolServerFailed(str(self._failed[1]))
            try:
                self._session = await Session.opened(self.address, self._changed)
            except ToolServerFailed as error:
                self._failed = (asyncio.get_running_loop().time() + PAUSE, error)
                raise
            self._failed = None
            self._changed()
            return self._session

    def _broke_off(self, harmless: bool) -> str:
        what = f"The connection with {self.address.name} broke off."
        return what if harmless else f"{what} The call may have taken effect; check before repeating it."


async def _all_pages(client: Client) -> list[TheirTool]:
    """All pages; a server that never ends turning them is cut off."""
    found: list[TheirTool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None or len(found) >= MAX_TOOLS:
            break
    return found


def _refusal(text: str) -> ServerAnswer:
    return ServerAnswer(content=(ContentPart(content=text),), is_error=True)
