"""Whatever the order in which things happen to log, channel and watcher: each event once, in order, none missing."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagents.client import watching
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents_infra.channels import MemoryChannel
from sagents_infra.stores import MemoryStore
from tests.support import watching as support
from tests.support.watching import Ends, Watcher

APPEND = st.tuples(st.just("append"), st.integers(1, 4))
ANNOUNCE = st.tuples(st.just("announce"), st.integers(0, 6))  # which of those appended: late, again, out of order
DELTA = st.tuples(st.just("delta"), st.integers(1, 3))
TURN = st.tuples(st.just("turn"), st.integers(1, 12))  # of the event loop, so that the watcher gets on
STORE = st.tuples(st.just("store"), st.integers(0, 1))  # goes away, comes back
STEP = st.one_of(APPEND, APPEND, ANNOUNCE, ANNOUNCE, DELTA, TURN, TURN, STORE)


class SlowStore(MemoryStore):
    """Takes a few turns of the loop before and after it looks; may be away. Its pages are short."""

    away = False

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self._turns = before, behind

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        await turn(self._turns[0])
        if self.away:
            raise StoreUnavailable("gone for a moment")
        page = await super().events(agent_id, after, min(limit, 3))
        await turn(self._turns[1])
        return page


class World:
    """An agent that appends and announces as the steps say, and what it has done so far."""

    def __init__(self, store: SlowStore) -> None:
        self.store, self.channel = store, MemoryChannel()
        self.ends = Ends(store, self.channel, self.channel)
        self.appended: list[Event] = []
        self.deltas = 0

    async def do(self, step: str, number: int) -> None:
        match step:
            case "append":
                first = len(self.appended)
                self.appended += await self.ends.append(*range(first, first + number))
            case "announce" if number < len(self.appended):
                await self.ends.tell(self.appended[-1 - number])
            case "delta":
                await self.ends.delta(*range(self.deltas, self.deltas + number))
                self.deltas += number
            case "turn":
                await turn(number)
            case "store":
                self.store.away = bool(number)
            case _:
                assert step == "announce", "nothing to announce yet"


async def turn(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@settings(max_examples=150, deadline=None)
@given(
    past=st.lists(STEP, max_size=20),
    future=st.lists(STEP, min_size=20, max_size=80),
    start=st.one_of(st.none(), st.integers(0, 40)),
    slowness=st.tuples(st.integers(0, 6), st.integers(0, 6)),
)
def test_each_event_is_heard_once_and_in_order(
    past: list[tuple[str, int]], future: list[tuple[str, int]], start: int | None, slowness: tuple[int, int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "SOON", timedelta(milliseconds=1))
        patch.setattr(watching, "SELDOM", timedelta(milliseconds=4))
        patch.setattr(support, "PATIENCE", 5.0)
        asyncio.run(_each_event_is_heard_once(past, future, start, slowness))


async def _each_event_is_heard_once(
    past: list[tuple[str, int]], future: list[tuple[str, int]], start: int | None, slowness: tuple[int, int]
) -> None:
    world = World(SlowStore(*slowness))
    for step in past:
        await world.do(*step)
    world.store.away = False  # else the watch does not begin, which another test shows
    there, deltas_before = len(world.appended), world.deltas
    after = None if start is None else min(start, there)

    watcher = Watcher(world.ends.watch(after))
    while not world.channel._listeners:
        await turn(1)
    for step in future:
        if step[0] != "store" or watcher.heard:
            await world.do(*step)
    world.store.away = False
    await world.do("delta", 1)
    await watcher.until(f"d{world.deltas - 1}")  # what happens from now on is after any beginning
    await world.do("append", 1)
    last = len(world.appended)
    await watcher.until(last)
    await watcher.end()

    ids = [one for one in watcher.heard if isinstance(one, int)]
    first = ids[0] if after is None else after + 1
    assert ids == list(range(first, last + 1))
    assert after is not None or first > there  # nothing of before
    assert [one for one in watcher.heard if isinstance(one, str)] == [
        f"d{n}" for n in range(deltas_before, world.deltas)
    ]
