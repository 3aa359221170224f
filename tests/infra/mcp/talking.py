"""How the tests speak with a server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sagents.ports import ServerAddress, ServerAnswer, ServerTool
from sagents_infra.mcp import connect


async def tool(address: ServerAddress, name: str) -> ServerTool:
    return next(tool for tool in await connect(address).tools() if tool.name == name)


async def call(address: ServerAddress, name: str, heard: list[str] | None = None, **arguments: Any) -> ServerAnswer:
    listen = (heard if heard is not None else []).append
    return await connect(address).call(await tool(address, name), arguments, listen)


def text(answer: ServerAnswer) -> str:
    return "|".join(part.content for part in answer.content)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)
