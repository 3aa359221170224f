"""An agent's log and channel as a worker uses them, and somebody who watches."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import NamedTuple

from sagents.client.watching import watch
from sagents.events import Event
from sagents.ports import Channel, News, Store

AGENT = "conversation-1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 20.0


class Ends(NamedTuple):
    """The store, and where a channel takes and gives events: two ends, as in two processes, where it can have two."""

    store: Store
    into: Channel
    out: Channel

    async def append(self, *numbers: int, run: str = "workflow-run-1") -> tuple[Event, ...]:
        row = await self.store.load(AGENT)
        await self.store.take_over(AGENT, run, row.generation if row else 0)
        news = [News(slot=f"slot-{n}", event=an_event("said", n)) for n in numbers]
        return await self.store.append(AGENT, news, run)

    async def tell(self, *events: Event) -> None:
        await self.into.publish(AGENT, events)

    async def say(self, *numbers: int, run: str = "workflow-run-1") -> None:
        """Append and announce, as an activity does."""
        await self.tell(*await self.append(*numbers, run=run))

    async def delta(self, *numbers: int) -> None:
        await self.tell(*(an_event("delta", n) for n in numbers))

    def watch(self, after: int | None = None) -> AsyncGenerator[Event, None]:
        return watch(self.store, self.out, AGENT, after)


def an_event(type: str, n: int) -> Event:
    return Event(agent_id=AGENT, type=type, at=NOW, data={"n": n})


class Watcher:
    """Keeps what one watch gave: ids of stored events, deltas as text (`d7`), resets with where they go on."""

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        self.heard: list[int | str] = []
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._watch(events))
        self._task.add_done_callback(lambda _: self._news.set())

    async def _watch(self, events: AsyncGenerator[Event, None]) -> None:
        async with aclosing(events):
            async for event in events:
                self.heard.append(_shown(event))
                self.events.append(event)
                self._news.set()

    async def until(self, what: int | str) -> list[int | str]:
        """What was heard up to this, without what `begun` said."""
        await self.wait_for(lambda: what in self.heard)
        return [one for one in self.heard if one != "d-1"]

    async def wait_for(self, true: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not true() and not self._task.done():
                    self._news.clear()
                    await self._news.wait()
        if self._task.done():
            self._task.result()
        assert true(), f"heard only {self.heard[-20:]}"

    async def begun(self, ends: Ends) -> "Watcher":
        """Once it certainly listens: a first delta has arrived."""
        async with asyncio.timeout(PATIENCE):
            while "d-1" not in self.heard:
                assert not self._task.done(), self._task
                await ends.delta(-1)
                await asyncio.sleep(0.02)
        return self

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def _shown(event: Event) -> int | str:
    if event.id is not None:
        return event.id
    return f"reset {event.data['first']}" if event.type == "reset" else f"d{event.data['n']}"
