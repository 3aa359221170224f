"""The connections of a process, one for each address and event loop; those that nobody uses end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from sagents.ports import ServerAddress, ServerAnswer, ServerTool
from sagents_infra.mcp.connections import Connection

IDLE = 300.0
"""Seconds without a call after which a connection is closed; a program that we started ends with it."""

MOST = 64
"""Connections of one loop beyond which the one that was used longest ago is closed, if it is not in use."""


@dataclass
class Place:
    """A connection, by how many calls it is in use, and when it was last."""

    connection: Connection
    uses: int = 0
    used_at: float = 0.0


class Pool:
    """The connections of one event loop."""

    def __init__(self, idle: float = IDLE, most: int = MOST) -> None:
        self._idle, self._most = idle, most
        self._places: dict[ServerAddress, Place] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def using(self, address: ServerAddress) -> Iterator[Connection]:
        """The connection with this address, which stays open meanwhile."""
        place = self._places.get(address) or self._new(address)
        place.uses += 1
        try:
            yield place.connection
        finally:
            place.uses -= 1
            place.used_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Close all of them, and wait until they are."""
        for address in tuple(self._places):
            self._drop(address)
        await asyncio.gather(*self._closing)

    def _new(self, address: ServerAddress) -> Place:
        unused = sorted((place for place in self._places.values() if not place.uses), key=lambda one: one.used_at)
        for place in unused[: max(0, len(self._places) - self._most + 1)]:
            self._drop(place.connection.address)
        place = self._places[address] = Place(Connection(address))
        self._look_after(place, self._idle)
        return place

    def _look_after(self, place: Place, wait: float) -> None:
        asyncio.get_running_loop().call_later(wait, self._looked_at, place)

    def _looked_at(self, place: Place) -> None:
        """Close it if nobody has used it for so long; else look again when that could be."""
        if self._places.get(place.connection.address) is not place:
            return
        left = place.used_at + self._idle - asyncio.get_running_loop().time()
        if place.uses or left > 0:
            self._look_after(place, self._idle if place.uses else left)
        else:
            self._drop(place.connection.address)

    def _drop(self, address: ServerAddress) -> None:
        task = asyncio.create_task(self._places.pop(address).connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()


def pool() -> Pool:
    """The connections of the loop that runs here."""
    return _pools.setdefault(asyncio.get_running_loop(), Pool())


class PooledServer:
    """A `ToolServer` by its address: whoever has an equal address shares the connection."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address

    async def tools(self) -> tuple[ServerTool, ...]:
        with pool().using(self.address) as connection:
            return await connection.tools()

    async def call(
        self, tool: ServerTool, arguments: Mapping[str, JsonValue], on_progress: Callable[[str], None]
    ) -> ServerAnswer:
        with pool().using(self.address) as connection:
            return await connection.call(tool, arguments, on_progress)
