"""Watching an agent: what is in its log, then what happens; no gap and no repeat.

    channel   listen──────── δ  δ  8  9  δ        10 is lost      12
    store             └─read 5..8                                 └─read 10..12
    watcher                  5..8  δ  δ  9  δ                            10..12

The log decides what happened and in which order; the channel only brings it sooner. What the channel loses (a worker
is killed before it announces, a disk is slow) shows as a jump of ids or, when nothing follows, at the next look at the
log. Token deltas (δ) carry no id and are in no log: they pass as they come.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Self

from sagents.errors import InvalidInput, StoreUnavailable
from sagents.events import Event
from sagents.ports import Channel, Store

SOON = timedelta(milliseconds=500)
"""When to look at the log after news: well after a channel brings them. While nothing is new, each pause doubles."""

SELDOM = timedelta(seconds=5)
"""The longest pause between two looks."""

LAST_ID = 2**63 - 1


async def watch(store: Store, channel: Channel, agent_id: str, after: int | None = None) -> AsyncGenerator[Event, None]:
    """Events after an id (0: all there are), then live ones; with None only those from now on. Ends by `aclose`.

    A store that cannot be read at the start raises `StoreUnavailable`; one that goes away later delays events until
    it is back. When the agent is deleted and starts anew under its id, the events of its new life follow.
    """
    if after is not None and not 0 <= after <= LAST_ID:
        raise InvalidInput(f"Watching begins after the id of an event (0: with the first), not after {after}.")
    async with Ear(channel, agent_id) as ear:
        log = Log(store, agent_id, await end_of_log(store, agent_id) if after is None else after)
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
            elif heard.id > log.seen:
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

    def __init__(self, store: Store, agent_id: str, seen: int) -> None:
        self._store, self._agent_id, self.seen = store, agent_id, seen

    async def read(self) -> tuple[Event, ...]:
        """The next ones that are there. Reads the last one again: a log that has it no more was deleted."""
        page = await self._store.events(self._agent_id, after=max(self.seen - 1, 0))
        if self.seen and not page:
            self.seen = 0
            page = await self._store.events(self._agent_id)
        new = tuple(event for event in page if event.id and event.id > self.seen)
        if new:
            self.seen = new[-1].id or self.seen
        return new

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
        self.seen = heard.id
        return True


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
