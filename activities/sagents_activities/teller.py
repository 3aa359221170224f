"""Events on their way from user code to the log and the channel: gathered for a moment, never in anybody's way."""

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

import structlog
from pydantic import JsonValue

from sagents import notice_rows
from sagents.display import DisplayMessage
from sagents.displaying import Showing
from sagents.events import Event
from sagents.ports import Channel
from sagents_activities.display_mirror import DisplayMirror
from sagents_activities.journal import Journal
from sagents_activities.publisher import Publisher
from sagents_activities.transcript import SAVED, UPDATED, named

BATCH = 0.05
"""Seconds for which events are gathered: what an eye does not notice and a channel does."""

log = structlog.get_logger(__name__)


class Teller:
    """Tells the events of one activity. `emit` takes them from any thread and returns at once.

    `key` names the activity's work, the same for each attempt: an event's slot is its key, type and number, so that a
    retry or a zombie attempt repeats and replaces nothing. A sub-agent tells in the log and on the channel of its root.
    """

    def __init__(self, journal: Journal, channel: Channel, run_id: str | None, key: str, mirror: DisplayMirror) -> None:
        agent = journal.agent
        self._agent, self._agent_id, self.mirror = agent, agent.root_id, mirror
        self._run_id = mirror.run_id = agent.sub.root_run_id if agent.sub else run_id
        self._held: list[Event] | None = None
        self._texts: dict[str, str] | None = None
        self._key = f"{agent.agent_id}:{key}" if agent.sub else key
        self._waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._journal, self._publisher = journal, Publisher(journal, channel, self._key, self._run_id, mirror)
        self._alone = asyncio.Lock()

    def emit(self, type: str, data: Mapping[str, JsonValue]) -> None:
        """Tell something; what is no JSON is the caller's mistake and is dropped with a warning."""
        sub = self._agent.sub
        if sub is None:
            self._tell(type, data)
        elif not sub.quiet:
            if type == "status_changed":
                type, data = "subagent_status_changed", {"sub_agent_id": self._agent.agent_id, **data}
            self._tell(type, data, self._agent.path, self._agent.agent_id)

    def above(self, type: str, data: Mapping[str, JsonValue]) -> None:
        """Tell something as the parent of a sub-agent."""
        parent = self._agent.parent
        self._tell(type, data, parent.path, parent.agent_id if parent.sub else None)

    def _tell(
        self, type: str, data: Mapping[str, JsonValue], path: tuple[str, ...] = (), whose: str | None = None
    ) -> None:
        about = {"agent_id": self._agent_id, "run_id": self._run_id, "at": datetime.now(UTC)}
        below = {"path": path, "sub_agent_id": whose}
        try:
            event = Event.model_validate({**about, **below, "type": type, "data": data})
        except ValueError as error:
            log.warning("an event could not be told", agent=self._agent_id, type=type, error=str(error))
            return
        self._put(event)
        if type == "agent_halted" and not path:
            self._put_row(notice_rows.halted(data, named(self._key), self.showing))

    def _put(self, event: Event) -> None:
        """Let an event wait for the next batch, or for the rows of a reply that come before it."""
        if self._texts is not None and event.type == "tool_call_identified":
            self._texts[str(event.data.get("name"))] = str(event.data.get("display_text") or "")
        if self._held is not None and event.type in (SAVED, UPDATED) and not event.path:
            self._held.append(event)
        else:
            self._waiting.put(event)

    def _put_row(self, row: DisplayMessage | None) -> None:
        if row is not None and self._agent.sub is None:
            self.emit(SAVED, {"row": row.wire})

    @property
    def showing(self) -> Showing:
        """Makes rows of now."""
        return Showing(datetime.now(UTC), self._run_id, self._texts)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Self]:
        """While inside, events go out in batches; what is left goes out at the end.

        Raises `StoreUnavailable` then where the log lacks some and the activity does no harm when it is tried again.
        """
        ended = asyncio.Event()
        pumps = [asyncio.create_task(_repeat(work, ended)) for work in (self.flush, self.mirror.tell)]
        try:
            yield self
        finally:
            ended.set()  # a batch that is on its way arrives
            await asyncio.gather(*pumps)
            async with self._alone:
                missing = await self._publisher.finish(self._taken())
            await self.mirror.tell()
        if missing is not None:
            raise missing

    async def flush(self) -> None:
        """Tell what waits now."""
        async with self._alone:
            await self._publisher.publish(self._taken())

    def _taken(self) -> list[Event]:
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._waiting.get_nowait())
        return events


async def _repeat(work: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
    """Do it batch by batch, until the activity has ended."""
    while not ended.is_set():
        await work()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), BATCH)
