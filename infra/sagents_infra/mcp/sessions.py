"""One open session with an MCP server, in a task of its own: what the SDK opens must be closed where it was opened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.types import Implementation, ServerNotification, ToolListChangedNotification

from sagents.errors import ToolServerFailed
from sagents.ports import ServerAddress

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams
    from mcp.shared.message import SessionMessage

US = Implementation(name="sagents", version="1")
Heard: TypeAlias = "SessionMessage | Exception"


class Session:
    """Open from `opened` until it ends, by `close` or from the other side; then it is `over`."""

    def __init__(self, address: ServerAddress, on_change: Callable[[], None]) -> None:
        self._address, self._on_change = address, on_change
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        # Whoever happens to come first shares it with others: nothing of their context goes in.
        self._task = asyncio.create_task(self._lived(), name=f"mcp {address.name}", context=Context())
        self._task.add_done_callback(_looked_at)
        self.over = False

    @classmethod
    async def opened(cls, address: ServerAddress, on_change: Callable[[], None]) -> Self:
        """A session whose handshake is done. Raises `ToolServerFailed`."""
        session = cls(address, on_change)
        try:
            async with asyncio.timeout(address.patience.total_seconds()):
                await asyncio.shield(session._ready)
        except TimeoutError:
            session._task.cancel()
            await asyncio.wait({session._task})  # a program that we have started is gone then
            seconds = f"{address.patience.total_seconds():g}"
            raise ToolServerFailed(f"{address.name} did not answer within {seconds} seconds.") from None
        except asyncio.CancelledError:
            session._task.cancel()
            raise
        return session

    @property
    def client(self) -> Client:
        return self._ready.result()

    @property
    def never_reached(self) -> bool:
        """Whether it ended because no connection could be made, so that what was asked last was not heard."""
        error = None if not self._task.done() or self._task.cancelled() else self._task.exception()
        return any(isinstance(one, httpx2.ConnectError | httpx2.ConnectTimeout) for one in leaves(error))

    async def close(self) -> None:
        """End it, and the program where we have started one."""
        self.over = True
        self._stop.set()
        await asyncio.wait({self._task})

    async def ended(self) -> None:
        """Wait a moment for an end that has begun, so that its cause is known."""
        await asyncio.wait({self._task}, timeout=1)

    async def _lived(self) -> None:
        try:
            transport = _watched(self._address, self._lost)
            async with Client(transport, client_info=US, cache=None, message_handler=self._heard) as client:
                listening = asyncio.create_task(self._listen(client))
                self._ready.set_result(client)
                try:
                    await self._stop.wait()
                finally:
                    listening.cancel()
                    await asyncio.wait({listening})
        except Exception as error:
            if self._ready.done():
                raise
            why = ", ".join(str(one) or type(one).__name__ for one in leaves(error))
            self._ready.set_exception(ToolServerFailed(f"{self._address.name} cannot be reached: {why}"))
        finally:
            self.over = True
            self._ready.cancel()

    async def _listen(self, client: Client) -> None:
        """Hear of changes, where the server tells them this way; older ones just send them."""
        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed:
            return
        try:
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    continue  # `_heard` hears of them too
        except (MCPError, RuntimeError, SubscriptionLost):
            return  # a list counts for a while only, and is then asked for again

    async def _heard(self, message: ServerNotification | Exception) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._on_change()

    def _lost(self) -> None:
        self.over = True
        self._stop.set()


class _Watched:
    """A stream that says when it ends: a session whose other side has gone says nothing by itself."""

    def __init__(self, stream: ReadStream[Heard], on_end: Callable[[], None]) -> None:
        self._stream, self._on_end = stream, on_end

    @property
    def last_context(self) -> object:
        """The context variables of who sent the last message; the SDK's dispatcher takes them over."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Heard:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._on_end()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)


@asynccontextmanager
async def _watched(address: ServerAddress, on_end: Callable[[], None]) -> AsyncGenerator[TransportStreams]:
    async with _http(address) if address.url else _program(address) as (read, write):
        yield _Watched(read, on_end), write


def _program(address: ServerAddress) -> AbstractAsyncContextManager[TransportStreams]:
    """The program gets few variables of our environment: the SDK's choice, and those of the address."""
    command, *args = address.command
    parameters = StdioServerParameters(command=command, args=args, env=dict(address.env), cwd=address.cwd)
    return stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr)


@asynccontextmanager
async def _http(address: ServerAddress) -> AsyncGenerator[TransportStreams]:
    """A call may be silent for as long as its tool's timeout allows, which is counted elsewhere."""
    timeout = httpx2.Timeout(address.patience.total_seconds(), read=None)
    async with (
        httpx2.AsyncClient(headers=dict(address.headers), timeout=timeout) as client,
        streamable_http_client(address.url, http_client=client) as streams,
    ):
        yield streams


def leaves(error: BaseException | None) -> list[BaseException]:
    """The errors in a group of groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [] if error is None else [error]


def _looked_at(task: asyncio.Task[None]) -> None:
    """An end that nobody waits for is no news: the next use connects again."""
    if not task.cancelled():
        task.exception()
