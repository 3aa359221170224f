"""One subscription on the local server: an agent's log and its live events, brought to one browser."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime

from sagents.connections import Connection
from sagents.errors import SagentsError
from sagents_infra.http.desk import Desk
from sagents_infra.sockets.protocol import problem
from sagents_infra.sockets.telling import told
from sagents_infra.sockets.waiting import Waiting

Send = Callable[[bytes], Awaitable[None]]
Known = Callable[[], Awaitable[Connection | None]]


class Feed:
    """Brings one agent's events, until it is closed or the connection has ended."""

    def __init__(self, desk: Desk, agent_id: str, conversation: str, known: Known, send: Send) -> None:
        self._desk, self._agent_id, self._conversation = desk, agent_id, conversation
        self._known, self._send = known, send
        self._waiting = Waiting()

    def start(self, after: int) -> None:
        self._tasks = [asyncio.create_task(self._read(after)), asyncio.create_task(self._bring())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, after: int) -> None:
        try:
            async with aclosing(self._desk.server.watch(self._agent_id, after=after)) as watched:
                async for event in watched:
                    await self._waiting.put(event)
        except SagentsError as error:  # the store is away; the browser subscribes again
            await self._send(problem(error, {"type": "subscribe", "conversation": self._conversation}))

    async def _bring(self) -> None:
        while True:
            messages = told(await self._waiting.take())
            connection = await self._known()
            if connection is None:
                return
            for message in messages:
                if not connection.holds(datetime.now(UTC)):
                    return
                await self._send(message.data)
