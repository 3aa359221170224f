"""Watching an agent: what is in its log, then what happens; no gap and no repeat.

    channel   listen──────── δ  δ  8  9  δ        10 is lost      12
    store             └─read 5..8                                 └─read 10..12
    watcher                  5..8  δ  δ  9  δ                            10..12

The log decides what happened and in which order; the channel only brings it sooner. What the channel loses (a worker
is killed before it announces, a disk is slow) shows as a jump of ids or, when nothing follows, at the next look at the
log. Token deltas (δ) carry no id and are in no log: they pass as they come.

    store             ┄┄┄┄┄┄┄┄┄┄ 40 41 42        what was before is trimmed, or was another life of a deleted agent
    watcher           7          reset 40 41 42  what cannot be told as it happened is told as it is now
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

from sagents.client.snapshots import as_saved
from sagents.errors import InvalidInput, StoreUnavailable

if TYPE_CHECKING:
    from sagents.event_types_life import Snapshot
    from sagents.events import Event
    from sagents.ports import Channel, Store

SOON = timedelta(milliseconds=500)
"""When to look at the log after news: well after a channel brings them. While nothing is new, each pause doubles."""

SELDOM = timedelta(seconds=5)
"""The longest pause between two looks."""

LAST_ID = 2**63 - 1

Look = Callable[[int], Awaitable["Snapshot"]]
"""Takes the id of the newest event and says what the agent is like now."""


async def watch(
    store: Store, channel: Channel, agent_id: str, after: int | None = None, look: Look | None = None
) -> AsyncGenerator[Event, None]:
    """Events after an id (0: all there are), then live ones; with None only those from now on. Ends by `aclose`.

    Where events after the id are gone, because the log was trimmed or the agent deleted, an event `reset` comes before
    those that are there: it has no id, and what `look` says. So it is when a deleted agent starts anew under its id.
    A store that cannot be read at the start raises `StoreUnavailable`; one that goes away later delays events until
    it is back.
    """
    if after is not None and not 0 <= after <= LAST_ID:
        raise InvalidInput(f"Watching begins after the id of an event (0: with the first), not after {after}.")
    async with Ear(channel, agent_id) as ear:
        log = Log(store, agent_id, look or partial(as_saved, store, agent_id))
        await log.begin(after)
        looks, page = Looks(), await log.read()  # a store that is away says so here, before anything was heard
        for event in page:
            yield event
        looks.after(page)
        while not ear.closed:
            heard = await ear.hear(looks.wait)
            if heard is None:
                page = await log.read_if_possible()
                for event in page:
                    yield event
                looks.after(page)
            elif heard.id is None:
                yield heard
            elif log.continues(heard):
                yield heard
                looks.soon()
            elif heard.id > log.seen or log.is_of_another_life(heard):
                looks.now()  # some are missing; the log has them, and this one too


async def end_of_log(store: Store, agent_id: str) -> int:
    """The id of an agent's newest event, 0 where there is none. Takes steps as the logarithm of the log's length."""
    newest, step = 0, 1
    while later := await store.events(agent_id, after=newest + step - 1, limit=1):
        newest, step = later[0].id or 0, step * 2
    while step := step // 2:
        if later := await store.events(agent_id, after=newest + step - 1, limit=1):
            newest = later[0].id or 0
    return newest


class Log:
    """An agent's log as one watcher knows it, up to the id `seen`."""

    def __init__(self, store: Store, agent_id: str, look: Look) -> None:
        self._store, self._agent_id, self._look = store, agent_id, look
        self.seen = 0
        self._last: Event | None = None
        self._anywhere = False

    async def begin(self, after: int | None) -> None:
        """Go on after an id; with None at the end, wherever that is: of a log that is empty it may be anywhere."""
        self.seen = await end_of_log(self._store, self._agent_id) if after is None else after
        self._anywhere = after is None and self.seen == 0

    async def read(self) -> tuple[Event, ...]:
        """The next ones that are there, with a `reset` before them where some are gone."""
        page, is_lost = await self._page()
        new = page if is_lost else tuple(event for event in page if event.id and event.id > self.seen)
        if not new:
            return ()
        told = (await self._reset(new[0]), *new) if is_lost else new
        self._saw(new[-1])
        return told

    async def read_if_possible(self) -> tuple[Event, ...]:
        """The same, or nothing while the store is away."""
        try:
            return await self.read()
        except StoreUnavailable:
            return ()

    def continues(self, heard: Event) -> bool:
        """Whether this is the very next one; then it has been seen."""
        if heard.id != self.seen + 1:
            return False
        self._saw(heard)
        return True

    def is_of_another_life(self, heard: Event) -> bool:
        """Whether an event with an id that was told already seems to be another one."""
        return self._last is not None and heard.at > self._last.at

    async def _page(self) -> tuple[tuple[Event, ...], bool]:
        """What the log has from the last event on that was told, and whether there are gaps before it.

        The last one is read again, since its place tells: it is there, or what is gone may have been between.
        Gaps amid a log are none of ours: the store looks twice at them, and a TTL removes in any order.
        """
        page = await self._store.events(self._agent_id, after=max(self.seen - 1, 0))
        if not page and self.seen:
            page = await self._store.events(self._agent_id)
            return page, bool(page)  # all there is has lower ids: it is another log
        if not page or self._anywhere:
            return page, False
        first = page[0].id or 0
        if first == self.seen and self._last is None:
            self._last = page[0]  # who begins in the middle has to know it again, too
        if first == self.seen and self._last is not None and not _is_same(page[0], self._last):
            return await self._store.events(self._agent_id), True
        return page, first > self.seen + 1

    async def _reset(self, first: Event) -> Event:
        """What is told in the place of what is gone."""
        snapshot = await self._look(await end_of_log(self._store, self._agent_id))
        from sagents.event_types_life import Reset
        from sagents.events import Event

        data = Reset(first=first.id or 0, snapshot=snapshot).model_dump(mode="json")
        return Event(agent_id=self._agent_id, type=Reset.type, at=datetime.now(UTC), data=data)

    def _saw(self, event: Event) -> None:
        self.seen, self._last, self._anywhere = event.id or self.seen, event, False


def _is_same(one: Event, other: Event) -> bool:
    return (one.type, one.at) == (other.type, other.at)


class Looks:
    """When to look at the log next, also while token deltas pour in."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.soon()

    @property
    def wait(self) -> float:
        """Seconds until then; none are left when it is time."""
        return max(self._due - self._clock(), 0.0)

    def now(self) -> None:
        self._due = self._clock()

    def soon(self) -> None:
        self._pause = SOON
        self._due = self._clock() + self._pause.total_seconds()

    def after(self, page: tuple[Event, ...]) -> None:
        """After a look: at once where there may be more."""
        if page:
            self.soon()
            self.now()
        else:
            self._pause = min(self._pause * 2, SELDOM)
            self._due = self._clock() + self._pause.total_seconds()


class Ear:
    """Hears a channel while inside. What is not heard yet waits in the channel, which keeps so many and no more."""

    def __init__(self, channel: Channel, agent_id: str) -> None:
        self._events = channel.listen(agent_id)
        self.closed = False

    async def __aenter__(self) -> Self:
        self._next = asyncio.create_task(self._listen())
        await asyncio.sleep(0)  # it begins to listen
        return self

    async def __aexit__(self, *_: object) -> None:
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)
        await self._events.aclose()

    async def hear(self, within: float) -> Event | None:
        """The next event; None when the time is over, or the channel."""
        if within <= 0:
            return None
        done, _ = await asyncio.wait({self._next}, timeout=within)
        if not done:
            return None
        event = self._next.result()
        if event is None:
            self.closed = True
        else:
            self._next = asyncio.create_task(self._listen())
        return event

    async def _listen(self) -> Event | None:
        return await anext(self._events, None)
