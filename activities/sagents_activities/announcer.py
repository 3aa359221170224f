"""Live events on their way from user code to the channel: gathered for a moment, never in anybody's way."""

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from pydantic import JsonValue

from sagents.events import Event
from sagents.plan import Ending
from sagents.ports import Channel

BATCH = 0.05
"""Seconds for which events are gathered: what an eye does not notice and a channel does."""


class Announcer:
    """Publishes the events of one activity. `emit` takes them from any thread and returns at once."""

    def __init__(self, channel: Channel, agent_id: str, run_id: str | None) -> None:
        self._channel, self._agent_id, self._run_id = channel, agent_id, run_id
        self._waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def emit(self, type: str, data: Mapping[str, JsonValue]) -> None:
        self._waiting.put(
            Event(agent_id=self._agent_id, run_id=self._run_id, type=type, at=datetime.now(UTC), data=data)
        )

    def status(self, status: str, ending: Ending | None = None) -> None:
        """The agent's status has changed, and why where a run has ended."""
        data = None if ending is None else ending.model_dump(mode="json")
        if ending is not None and ending.error is not None:
            self.emit("chain_error", {"error": ending.error.model_dump(mode="json")})
        self.emit("status_changed", {"status": status, "data": data})

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator["Announcer"]:
        """While inside, events go out in batches; what is left goes out at the end."""
        pump = asyncio.create_task(self._pump())
        try:
            yield self
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
            await self._flush()

    async def _pump(self) -> None:
        while True:
            await asyncio.sleep(BATCH)
            await self._flush()

    async def _flush(self) -> None:
        events = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._waiting.get_nowait())
        if events:
            await self._channel.publish(self._agent_id, events)
