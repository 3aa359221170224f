"""Reaching agents from a command: settings, the connection, one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sagents import CannotAnswer
from sagents.client import AgentServer
from sagents_infra.cli.places import use_dev_server
from sagents_infra.settings import Settings

T = TypeVar("T")


def connected(work: Callable[[AgentServer], Awaitable[T]], *, store_is_enough: bool = False) -> T:
    """Do something with the agents that the environment, or this folder's dev server, leads to.

    What reads and writes the store alone is done also while Temporal is away.
    """
    return asyncio.run(_connected(work, store_is_enough))


async def _connected(work: Callable[[AgentServer], Awaitable[T]], store_is_enough: bool) -> T:
    try:
        server = await connect()
    except CannotAnswer:
        if not store_is_enough:
            raise
        server = await AgentServer.connect(Settings(), lazy=True)
    try:
        return await work(server)
    finally:
        server.close()


async def connect() -> AgentServer:
    """The agents that the environment, or this folder's dev server, leads to."""
    settings = Settings()
    use_dev_server(settings.home)
    return await AgentServer.connect(settings)
