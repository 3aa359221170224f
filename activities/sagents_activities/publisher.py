"""From an activity into the log and onto the channel, batch by batch, with the rows of the transcript that change."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from pydantic import JsonValue

from sagents.display import Change, DisplayMessage
from sagents.errors import StateUnavailable, StoreUnavailable, Superseded
from sagents.event_types import LIVE_ONLY
from sagents.event_types_replies import LlmMessage
from sagents.events import Event
from sagents.ports import Channel, News
from sagents_activities.display_mirror import DisplayMirror
from sagents_activities.gathering import gathered
from sagents_activities.journal import Journal
from sagents_activities.patience import AT_LAST, PATIENCE, heartbeats, patiently
from sagents_activities.transcript import Transcript

log = structlog.get_logger(__name__)

MOST_LATE = 10_000
"""Events of an activity that wait for the store to come back."""

Find = Callable[[Transcript], Awaitable[Iterable[Change]]]
"""Finds the changes of rows that go with a batch, once its events have made theirs."""


async def nothing(_: Transcript) -> tuple[Change, ...]:
    """No rows beside those of the events."""
    return ()


class Written(NamedTuple):
    """A batch: what its events come to, the rows that were found, and both as the log has them."""

    told: list[Event | News]
    found: list[News]
    stored: tuple[Event, ...]


class Logged(NamedTuple):
    """A reply as this attempt told it, and as it stands in the log: an earlier attempt may have told another one."""

    told: Event
    there: Event

    def is_right(self, data: Mapping[str, JsonValue], *, is_mine: bool) -> bool:
        """Whether the log has the reply that counts, which is this attempt's own or has this data."""
        return self.there.data == data or (is_mine and self.there.at == self.told.at)


class Publisher:
    """One batch at a time: whoever calls it holds the announcer's lock.

    `key` names the activity's work, the same for each attempt: an event's slot is its key, type and number.
    """

    def __init__(self, journal: Journal, channel: Channel, key: str, run_id: str | None, mirror: DisplayMirror) -> None:
        self._journal, self._channel, self._mirror = journal, channel, mirror
        self._agent_id, self._run_id, self._key = journal.agent.root_id, run_id, key
        self._transcript = Transcript(journal.fence.store, self._agent_id, run_id)
        self._numbers: Counter[str] = Counter()
        self._late: list[tuple[Event, str]] = []
        self.reply: Logged | None = None
        self.is_step = False
        """A step's own calls are shown with the reply that makes them."""

    @property
    def transcript(self) -> Transcript:
        """Reads and changes rows; what an earlier batch has changed is in the store by now."""
        self._transcript.pending.clear()
        return self._transcript

    async def publish(self, events: list[Event], patience: float | None = None) -> None:
        """Into the log first, so that what is live is never ahead of what can be read again.

        What the store cannot take now goes with the next batch. Nothing that goes wrong here costs the activity.
        """
        if not events and not self._late:
            return
        try:
            await self.show(events, nothing, patience=patience)
        except Exception as error:
            log.warning("events not logged", agent=self._agent_id, late=len(self._late), error=repr(error))

    async def finish(self, events: list[Event]) -> Exception | None:
        """The last batch, with more patience where time is. The error to raise where some are missing from the log

        and the activity, a short one, tells all of them again when it is tried again; else they are told live.
        """
        await self.publish(events, AT_LAST if heartbeats() else None)
        if not self._late:
            return None
        if not heartbeats():
            return StoreUnavailable(f"{len(self._late)} events of {self._agent_id!r} could not be logged.")
        await self._channel.publish(self._agent_id, [event for event, _ in self._late])
        return None

    async def show(
        self, events: list[Event], find: Find, *, resolved: bool = False, patience: float | None = None
    ) -> None:
        """The same, and with it the rows that are found then. Raises where the store cannot take them: who calls is

        tried again. The events stay for the next batch; those that are live only are told.
        """
        slotted = [(event, self._slot(event) if event.type not in LIVE_ONLY else "") for event in events]
        slotted = [*self._late, *slotted]
        self._late = [(event, slot) for event, slot in slotted if slot]
        try:
            written = await patiently(lambda: self._written(slotted, find), patience or PATIENCE)
        except (StoreUnavailable, StateUnavailable):
            self._late = self._bounded()
            await self._channel.publish(self._agent_id, gathered(event for event, slot in slotted if not slot))
            raise
        except Superseded:  # another run of the agent tells what counts
            self._late = []
            raise
        except Exception:  # waiting does not mend it
            self._late = []
            await self._channel.publish(self._agent_id, gathered(event for event, _ in slotted))
            raise
        self._late = []
        self._mirror.changed(_rows(written.told))
        self._mirror.changed(_rows(written.found), resolved=resolved)
        self._note_reply(written)
        ids = iter(written.stored)
        told = [next(ids) if isinstance(one, News) else one for one in (*written.told, *written.found)]
        if told:
            await self._channel.publish(self._agent_id, gathered(told))

    def _note_reply(self, written: Written) -> None:
        news = [one for one in written.told if isinstance(one, News)]
        for one, there in zip(news, written.stored, strict=False):
            if one.event.type == LlmMessage.type:
                self.reply = Logged(one.event, there)

    def _bounded(self) -> list[tuple[Event, str]]:
        """What is late, and not more of it than a process has room for."""
        if (lost := len(self._late) - MOST_LATE) > 0:
            log.warning("events are lost", agent=self._agent_id, events=lost)
        return self._late[:MOST_LATE]

    async def _written(self, slotted: Sequence[tuple[Event, str]], find: Find) -> Written:
        """What is told now, and that of it which the log has, as it stands there."""
        told = await self._news(slotted)
        about = Event(agent_id=self._agent_id, type="", at=datetime.now(UTC), run_id=self._run_id)
        found = [self._transcript.news(change, about) for change in await find(self._transcript)]
        news = [*(one for one in told if isinstance(one, News)), *found]
        return Written(told, found, await self._journal.append(news) if news else ())

    async def _news(self, slotted: Sequence[tuple[Event, str]]) -> list[Event | News]:
        """What goes into the log, with the rows that it changes, and what only passes by."""
        told: list[Event | News] = []
        transcript = self.transcript
        for event, slot in slotted:
            if not slot:
                told.append(event)
            elif event.path or (self.is_step and event.type == "tool_execution_update"):
                told.append(News(slot=slot, event=event))
            else:
                told += await self._with_rows(transcript, event, slot)
        return told

    async def _with_rows(self, transcript: Transcript, event: Event, slot: str) -> list[News]:
        """An event with the rows that it changes; by itself where a tool has told what no row can be made of."""
        try:
            return await transcript.of(event, slot)
        except (ValueError, TypeError, LookupError) as error:
            log.warning("an event changes no row", agent=self._agent_id, type=event.type, error=repr(error))
            return [News(slot=slot, event=event)]

    def _slot(self, event: Event) -> str:
        self._numbers[event.type] += 1
        return f"{self._key}:{event.type}:{self._numbers[event.type]}"


def _rows(told: Sequence[Event | News]) -> list[DisplayMessage]:
    return [one.row for one in told if isinstance(one, News) and one.row is not None]
