"""What was trimmed away cannot be told as it happened: `watch` says so, says what is now, and goes on (B-154)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from sagents.client.watching import watch
from sagents.display import DisplayMessage, MessageType
from sagents.errors import StoreUnavailable
from sagents.event_types_life import Reset, Snapshot
from sagents.events import Event
from sagents.ports import News
from sagents.status import Status
from sagents_infra.stores import MemoryStore
from tests.support.watching import AGENT, NOW, Ends, Watcher, an_event

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def trimmed(ends: Ends) -> AsyncIterator[Ends]:
    """A log of which 40, 41 and 42 are left."""
    await ends.append(*range(1, 43))
    await ends.store.trim(AGENT, 40)
    yield ends


@pytest.mark.parametrize(
    ("after", "heard"),
    [
        (0, ["reset 40", 40, 41, 42]),
        (7, ["reset 40", 40, 41, 42]),
        (38, ["reset 40", 40, 41, 42]),
        (39, [40, 41, 42]),
        (40, [41, 42]),
        (41, [42]),
    ],
)
async def test_only_who_missed_something_is_told_to_begin_anew(
    trimmed: Ends, after: int, heard: list[int | str]
) -> None:
    watcher = Watcher(trimmed.watch(after))
    assert await watcher.until(42) == heard
    await watcher.end()


@pytest.mark.usefixtures("quick_looks")
async def test_who_watches_from_now_on_has_missed_nothing(ends: Ends) -> None:
    """Also where nothing at all is left of the log."""
    await ends.append(1, 2, 3)
    await ends.store.trim(AGENT, 4)
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.say(4)
    assert await watcher.until(4) == [4]
    await watcher.end()


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.parametrize(("after", "heard"), [(3, [4]), (2, ["reset 4", 4]), (0, ["reset 4", 4])])
async def test_a_log_of_which_nothing_is_left_tells_by_its_next_event(
    ends: Ends, after: int, heard: list[int | str]
) -> None:
    await ends.append(1, 2, 3)
    await ends.store.trim(AGENT, 4)
    watcher = await Watcher(ends.watch(after)).begun(ends)
    await ends.append(4)
    assert await watcher.until(4) == heard
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
async def test_who_was_too_slow_for_the_trimming_is_told_so(memory: Ends) -> None:
    watcher = await Watcher(memory.watch(after=0)).begun(memory)
    await memory.say(1)
    await watcher.until(1)
    await memory.append(*range(2, 40))
    await memory.store.trim(AGENT, 30)
    await memory.say(40)
    assert await watcher.until(40) == [1, "reset 30", *range(30, 41)]
    await watcher.end()


class Holes(MemoryStore):
    """A store from whose log a TTL has removed events in the order that it liked."""

    gone: frozenset[int] = frozenset()

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        there = [one for one in await super().events(agent_id, after) if one.id not in self.gone]
        return tuple(there[:limit])


@pytest.mark.parametrize(
    ("after", "heard"),
    [(0, [1, 3, 6]), (1, [3, 6]), (2, [3, 6]), (3, [6]), (4, ["reset 6", 6]), (5, [6])],
)
async def test_a_hole_amid_a_log_is_passed_over(memory: Ends, after: int, heard: list[int | str]) -> None:
    """DynamoDB's TTL removes in any order: only what is gone at the beginning is a trim."""
    store = Holes()
    ends = memory._replace(store=store)
    await ends.append(*range(1, 7))
    store.gone = frozenset({2, 4, 5})
    watcher = Watcher(ends.watch(after))
    assert await watcher.until(6) == heard
    await watcher.end()


async def test_the_reset_says_what_is_now(trimmed: Ends) -> None:
    row = DisplayMessage(id="row-1", message_type=MessageType.USER, content={"text": "Hello"}, at=NOW)
    news = News(slot="row:row-1:completed", event=an_event("display_message_saved", 43), row=row)
    await trimmed.store.append(AGENT, [news], "workflow-run-1")
    watcher = Watcher(trimmed.watch(after=3))
    await watcher.until(43)
    await watcher.end()
    told = watcher.events[0]
    assert (told.type, told.id, told.agent_id) == ("reset", None, AGENT)
    reset = Reset.model_validate(told.data)
    assert (reset.first, reset.snapshot.position) == (40, 43)
    assert reset.snapshot.status is Status.NOT_RUNNING
    assert [(row.id, row.number) for row in reset.snapshot.rows] == [("row-1", 43)]


@pytest.mark.usefixtures("quick_looks")
async def test_a_snapshot_that_cannot_be_taken_now_is_taken_later(memory: Ends) -> None:
    """And nothing is told before it."""
    looks: list[int] = []

    async def look(position: int) -> Snapshot:
        looks.append(position)
        if len(looks) == 1:
            raise StoreUnavailable("gone for a moment")
        return Snapshot(position=position, status=Status.IDLE)

    watcher = await Watcher(watch(memory.store, memory.out, AGENT, 0, look)).begun(memory)
    await memory.say(1)
    await watcher.until(1)
    await memory.append(2, 3, 4)
    await memory.store.trim(AGENT, 4)
    assert await watcher.until(4) == [1, "reset 4", 4]
    assert looks == [4, 4]
    await watcher.end()


async def test_a_snapshot_that_cannot_be_taken_at_the_start_says_so(trimmed: Ends) -> None:
    async def look(_: int) -> Snapshot:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        await anext(watch(trimmed.store, trimmed.out, AGENT, 3, look))


# Another life


async def another_life(ends: Ends, *numbers: int) -> None:
    """The agent is deleted and begins anew, a minute later."""
    await ends.store.delete(AGENT)
    await ends.store.take_over(AGENT, "another", 0)
    later = [an_event("said", n).but(at=datetime.now(UTC) + timedelta(minutes=1)) for n in numbers]
    news = [News(slot=f"slot-{n}", event=event) for n, event in zip(numbers, later, strict=True)]
    await ends.tell(*await ends.store.append(AGENT, news, "another"))


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
async def test_a_new_life_under_an_old_id_is_told_from_its_beginning(memory: Ends, length: int) -> None:
    """However long it is when the watcher hears of it: ids alone do not tell."""
    watcher = await Watcher(memory.watch(after=0)).begun(memory)
    await memory.say(1, 2, 3)
    await watcher.until(3)
    await another_life(memory, *range(1, length + 1))
    await watcher.wait_for(lambda: watcher.heard.count(length) == (2 if length <= 3 else 1))
    assert [one for one in watcher.heard if one != "d-1"] == [1, 2, 3, "reset 1", *range(1, length + 1)]
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("after", [3, None])
@pytest.mark.parametrize("length", [2, 3, 4, 9])
async def test_a_new_life_is_told_to_who_has_heard_nothing_of_the_old_one(
    memory: Ends, after: int | None, length: int
) -> None:
    """A watcher that has begun behind the last event knows it by its place."""
    await memory.append(1, 2, 3)
    watcher = await Watcher(memory.watch(after)).begun(memory)
    await another_life(memory, *range(1, length + 1))
    await watcher.wait_for(lambda: watcher.heard.count(length) == 1)
    assert [one for one in watcher.heard if one != "d-1"] == ["reset 1", *range(1, length + 1)]
    await watcher.end()


async def test_an_id_that_the_log_has_not_come_to_is_of_another_life(memory: Ends) -> None:
    await memory.append(1, 2)
    watcher = Watcher(memory.watch(after=17))
    assert await watcher.until(2) == ["reset 1", 1, 2]
    await watcher.end()
