"""Reaching agents from a command: settings, the connection, one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sagents.client import AgentServer
from sagents_infra.cli.places import use_dev_server
from sagents_infra.settings import Settings

T = TypeVar("T")


def connected(work: Callable[[AgentServer], Awaitable[T]]) -> T:
    """Do something with the agents that the environment, or this folder's dev server, leads to."""
    return asyncio.run(_connected(work))


async def _connected(work: Callable[[AgentServer], Awaitable[T]]) -> T:
    server = await connect()
    try:
        return await work(server)
    finally:
        server.close()


async def connect() -> AgentServer:
    """The agents that the environment, or this folder's dev server, leads to."""
    settings = Settings()
    use_dev_server(settings.home)
    return await AgentServer.connect(settings)
