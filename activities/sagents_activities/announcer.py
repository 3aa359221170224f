"""Events on their way from user code to the log and the channel: gathered for a moment, never in anybody's way."""

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from pydantic import JsonValue

from sagents import notice_rows
from sagents.carried import Carried
from sagents.commands import NewMessage, Stop
from sagents.display import Change, DisplayMessage
from sagents.displaying import Showing, spoken
from sagents.events import Event
from sagents.head import Head
from sagents.interrupt_data import interrupt_data
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.operations import Operation
from sagents.plan import Bulletin, Ending
from sagents.ports import Channel
from sagents.status import Status
from sagents_activities.display_mirror import DisplayMirror
from sagents_activities.journal import Journal
from sagents_activities.publisher import Find, Publisher
from sagents_activities.transcript import SAVED, UPDATED, Transcript, heard_in, named, results_in

BATCH = 0.05
"""Seconds for which events are gathered: what an eye does not notice and a channel does."""

log = structlog.get_logger(__name__)


class Announcer:
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

    def rest(self, carried: Carried) -> bool:
        """A run has ended: whether that is told. Where messages wait, the next begins and no rest lies between (B-75).

        With a stop they wait for another life.
        """
        head, waiting = carried.head, {type(note) for note in carried.mailbox}
        if head.status is Status.IDLE and NewMessage in waiting and Stop not in waiting:
            return False
        self.ended(head)
        self.status(str(head.status), head.ending)
        return True

    def ended(self, head: Head) -> None:
        """The row that a run's end has, where it has one."""
        run, last = head.latest, head.log.window[-1:]
        if run is not None:
            self._put_row(notice_rows.ended(head.ending, run.run_id, last[0] if last else None, self.showing))

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
        ended = asyncio.Event()
        pump = asyncio.create_task(self._pump(ended))
        try:
            yield self
        finally:
            ended.set()  # a batch that is on its way arrives
            await pump
            await self.flush()
            await self.mirror.tell()

    async def _pump(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.flush()
            await self.mirror.tell()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), BATCH)

    async def flush(self) -> None:
        """Tell what waits now."""
        async with self._alone:
            await self._flush()

    async def _flush(self) -> None:
        events = self._taken()
        if events:
            await self._publisher.publish(events)

    def _taken(self) -> list[Event]:
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._waiting.get_nowait())
        return events

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def showing(self) -> Showing:
        """Makes rows of now."""
        return Showing(datetime.now(UTC), self._run_id, self._texts)

    def holding(self) -> None:
        """A step begins: the rows of its reply come before those that its hooks and tools show."""
        self._held, self._texts = [], {}
        self._publisher.is_step = True

    async def release(self, message: Message | None, rows: Sequence[DisplayMessage]) -> None:
        """Write the rows of a step's reply, then let go what was held."""

        async def find(_: Transcript) -> list[Change]:
            return [Change(row) for row in rows]

        await self._show(find)
        self.mirror.message(message, rows)
        held, self._held = self._held or [], None
        for event in held:
            self._waiting.put(event)

    async def lacks(self, rows: Iterable[DisplayMessage]) -> bool:
        """Whether any of these is not in the transcript."""
        return self._agent.sub is None and bool(await self._publisher.transcript.missing(rows))

    async def hear(self, operations: Sequence[Operation], places: str) -> None:
        """What is new to a step: as `settle`, and the application's own copy is told what users said."""
        await self.settle(operations, places)
        for message, key in heard_in(operations, places) if self._agent.sub is None else ():
            for one in spoken(message, key):
                said = Message.user(one.content or "", id=one.key)
                self.mirror.message(said, self.showing.said(said))

    async def settle(self, operations: Sequence[Operation], places: str = "") -> None:
        """Write what these operations say and the transcript does not: what users said, what came of calls.

        Whoever was first has written it; this is for what came past the doors, or was lost with a worker.
        """
        if self._agent.sub is not None:
            return  # what sub-agents say is for their parents
        heard = {self._journal.key(key): (message, key) for message, key in heard_in(operations, places)}
        came = {self._journal.key(one.tool_call_id, one.text): one for one in results_in(operations)}
        new = [key for key in (*heard, *came) if key not in self._journal.seen]
        showing = self.showing

        async def find(transcript: Transcript) -> list[Change]:
            said = (row for key in new if key in heard for row in showing.said(*heard[key]))
            return [
                *await transcript.missing(said),
                *await transcript.settle((came[key] for key in new if key in came), showing),
            ]

        if new:
            await self._show(find, resolved=True)
            self._journal.seen.add(*(key for key in new if key in heard or not came[key].is_interrupt))

    async def _show(self, find: Find, *, resolved: bool = False) -> None:
        """Write rows with all that waits. Raises where the store cannot take them: who calls is tried again."""
        async with self._alone:
            await self._publisher.show(self._taken(), find, resolved=resolved)
