"""Events on their way from user code to the log and the channel: gathered for a moment, never in anybody's way."""

import asyncio
import contextlib
import queue
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from pydantic import JsonValue
from temporalio import activity

from sagents.carried import Carried
from sagents.commands import NewMessage, Stop
from sagents.errors import StateUnavailable, StoreError, Superseded
from sagents.event_types import LIVE_ONLY
from sagents.events import Event
from sagents.interrupt_data import interrupt_data
from sagents.interrupts import Interrupt
from sagents.plan import AgentRef, Bulletin, Ending
from sagents.ports import Channel, News
from sagents.status import Status
from sagents_activities.fence import Fence

BATCH = 0.05
"""Seconds for which events are gathered: what an eye does not notice and a channel does."""

log = structlog.get_logger(__name__)


class Announcer:
    """Tells the events of one activity. `emit` takes them from any thread and returns at once.

    `key` names the activity's work, the same for each attempt: an event's slot is its key, type and number, so that a
    retry or a zombie attempt repeats and replaces nothing. A sub-agent tells in the log and on the channel of its root.
    """

    def __init__(self, fence: Fence, channel: Channel, agent: AgentRef, run_id: str | None, key: str) -> None:
        self._fence, self._store, self._channel = fence, fence.store, channel
        self._agent, self._agent_id = agent, agent.root_id
        self._run_id = agent.sub.root_run_id if agent.sub else run_id
        self._key = f"{agent.agent_id}:{key}" if agent.sub else key
        self._waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._numbers: Counter[str] = Counter()

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
            self._waiting.put(Event.model_validate({**about, **below, "type": type, "data": data}))
        except ValueError as error:
            log.warning("an event could not be told", agent=self._agent_id, type=type, error=str(error))

    def rest(self, carried: Carried) -> bool:
        """A run has ended: whether that is told. Where messages wait, the next begins and no rest lies between (B-75).

        With a stop they wait for another life.
        """
        head, waiting = carried.head, {type(note) for note in carried.mailbox}
        if head.status is Status.IDLE and NewMessage in waiting and Stop not in waiting:
            return False
        self.status(str(head.status), head.ending)
        return True

    def status(self, status: str, ending: Ending | None = None, waiting: Sequence[Interrupt] = ()) -> None:
        """The agent's status has changed: why where a run has ended, and what waits for people (B-81)."""
        data = interrupt_data(waiting) if ending is None else ending.model_dump(mode="json")
        if ending is not None and ending.error is not None and self._agent.sub is None:
            self.emit("chain_error", {"error": ending.error.model_dump(mode="json")})
        self.emit("status_changed", {"status": status, "data": data})

    def all(self, news: Sequence[Bulletin]) -> None:
        for bulletin in news:
            self.emit(bulletin.type, bulletin.data)

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
            await self.flush()

    async def _pump(self) -> None:
        while True:
            await asyncio.sleep(BATCH)
            await self.flush()

    async def flush(self) -> None:
        """Tell what waits now: into the log first, so that what is live is never ahead of what can be read again."""
        events = self._taken()
        if events:
            await self._channel.publish(self._agent_id, await self._logged(events))

    def _taken(self) -> list[Event]:
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._waiting.get_nowait())
        return events

    async def _logged(self, events: list[Event]) -> list[Event]:
        news = [News(slot=self._slot(event), event=event) for event in events if event.type not in LIVE_ONLY]
        if not news:
            return events
        try:
            stored = iter(await self._append(news))
        except (StoreError, StateUnavailable) as error:
            log.warning("events not logged", agent=self._agent_id, events=len(news), error=str(error))
            return events
        return [event if event.type in LIVE_ONLY else next(stored) for event in events]

    async def _append(self, news: list[News]) -> tuple[Event, ...]:
        """Into the log; the first effect of a workflow run may be the one that has to claim the agent for it."""
        mine = activity.info().workflow_run_id or ""
        if self._agent.sub is not None:  # its root owns the log; where that was reset, nobody wants to hear of this
            return await self._store.append(self._agent_id, news, self._agent.sub.root_writer)
        try:
            return await self._store.append(self._agent_id, news, mine)
        except Superseded:
            await self._fence.claim(self._agent_id)
            return await self._store.append(self._agent_id, news, mine)

    def _slot(self, event: Event) -> str:
        self._numbers[event.type] += 1
        return f"{self._key}:{event.type}:{self._numbers[event.type]}"
