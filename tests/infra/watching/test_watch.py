"""Watching: stored events after an id, then live ones, no gap and no repeat, whatever channel and store do."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client

from sagents.client import AgentServer
from sagents.client.watching import end_of_log, watch
from sagents.errors import InvalidInput, StoreUnavailable
from sagents.events import Event
from sagents.ports import Channel
from sagents_infra.channels import LocalChannel, MemoryChannel
from sagents_infra.channels.listeners import MOST_WAITING
from sagents_infra.stores import MemoryStore
from tests.support.watching import AGENT, Ends, Watcher


class ShakyStore(MemoryStore):
    """A store that can go away, and counts how often it was asked for events."""

    away = False
    asked = 0

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("gone for a moment")
        return await super().events(agent_id, after, limit)


@pytest.fixture
def shaky(memory: Ends) -> Ends:
    return memory._replace(store=ShakyStore())


def shake(ends: Ends, *, away: bool) -> None:
    cast(ShakyStore, ends.store).away = away


# From where


@pytest.mark.usefixtures("no_looks")
@pytest.mark.asyncio
async def test_stored_events_come_first_then_live_ones_with_their_deltas_in_between(ends: Ends) -> None:
    await ends.say(1, 2, 3)
    watcher = await Watcher(ends.watch(after=0)).begun(ends)
    await ends.say(4, 5)
    await ends.delta(50, 51)
    await ends.say(6)
    assert await watcher.until(6) == [1, 2, 3, 4, 5, "d50", "d51", 6]
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("after", [0, 1, 3, 600])
@pytest.mark.asyncio
async def test_who_was_there_before_goes_on_after_any_id(ends: Ends, after: int) -> None:
    """A browser that reconnects misses nothing."""
    await ends.append(*range(1200))
    watcher = await Watcher(ends.watch(after)).begun(ends)
    await ends.say(1200)
    assert await watcher.until(1201) == list(range(after + 1, 1202))
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
@pytest.mark.asyncio
async def test_who_names_no_id_hears_what_happens_from_now_on(ends: Ends) -> None:
    await ends.say(*range(37))
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.say(37, 38)
    assert await watcher.until(39) == [38, 39]
    await watcher.end()


@pytest.mark.asyncio
async def test_who_watches_before_the_agent_starts_misses_not_even_the_first_event(ends: Ends) -> None:
    """L-13."""
    watcher = await Watcher(ends.watch(after=0)).begun(ends)
    await ends.say(1)
    assert await watcher.until(1) == [1]
    await watcher.end()


@pytest.mark.asyncio
async def test_who_watches_stays_while_the_agent_leaves_and_comes_back(ends: Ends) -> None:
    """E-54: not running is waiting, a restart needs no new subscription."""
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.say(1, run="before it left")
    await ends.say(2, run="after it came back")
    assert await watcher.until(2) == [1, 2]
    await watcher.end()


@pytest.mark.parametrize("after", [-1, 2**63])
@pytest.mark.asyncio
async def test_what_is_no_id_of_an_event_is_refused(memory: Ends, after: int) -> None:
    with pytest.raises(InvalidInput, match="id of an event"):
        await anext(memory.watch(after))


@pytest.mark.parametrize("length", [*range(34), 1000])
@pytest.mark.asyncio
async def test_the_end_of_a_log_is_found_in_few_steps(shaky: Ends, length: int) -> None:
    await shaky.append(*range(length))
    assert await end_of_log(shaky.store, AGENT) == length
    assert cast(ShakyStore, shaky.store).asked <= 2 * math.log2(length + 1) + 1


# What channels do


@pytest.mark.usefixtures("no_looks")
@pytest.mark.asyncio
async def test_an_event_announced_again_by_a_retry_is_heard_once(ends: Ends) -> None:
    """E-42: what comes late is dropped by its id."""
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.say(1, 2)
    await ends.say(1, 2, 3)
    await ends.say(2)
    await ends.delta(9)
    assert await watcher.until("d9") == [1, 2, 3, "d9"]
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
@pytest.mark.asyncio
async def test_parallel_calls_that_announce_out_of_order_are_heard_in_order(ends: Ends) -> None:
    watcher = await Watcher(ends.watch()).begun(ends)
    one, two, three = await ends.append(1, 2, 3)
    for event in (three, one, two):
        await ends.tell(event)
    await ends.delta(9)
    assert await watcher.until("d9") == [1, 2, 3, "d9"]
    await watcher.end()


@pytest.mark.usefixtures("no_looks")
@pytest.mark.asyncio
async def test_what_the_channel_lost_is_read_from_the_log_as_soon_as_a_later_event_is_heard(ends: Ends) -> None:
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.append(*range(1, 1200))
    await ends.say(1200)
    assert await watcher.until(1200) == list(range(1, 1201))
    await watcher.end()


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.asyncio
async def test_what_a_killed_worker_never_announced_is_found_in_the_log(ends: Ends) -> None:
    watcher = await Watcher(ends.watch()).begun(ends)
    await ends.append(1)
    assert await watcher.until(1) == [1]
    await watcher.end()


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.asyncio
async def test_deltas_that_pour_in_do_not_put_off_a_look_at_the_log(memory: Ends) -> None:
    watcher = await Watcher(memory.watch()).begun(memory)

    async def pour() -> None:
        while True:
            await memory.delta(0)
            await asyncio.sleep(0)

    pouring = asyncio.create_task(pour())
    await memory.append(1)
    assert 1 in await watcher.until(1)
    pouring.cancel()
    await watcher.end()


@pytest.mark.asyncio
async def test_who_is_much_too_slow_loses_deltas_but_no_event(memory: Ends) -> None:
    """And nothing grows meanwhile: what waits, waits in the channel, which keeps so many."""
    many = MOST_WAITING + 500
    events = memory.watch(after=0)
    await memory.say(0)
    assert (await anext(events)).id == 1
    for start in range(1, many, 1000):
        numbers = range(start, min(start + 1000, many))
        await memory.say(*numbers)
        await memory.delta(*numbers)
    async with asyncio.timeout(60), aclosing(events):
        heard = [event async for event in _until(events, many)]
    assert [event.id for event in heard if event.id] == list(range(2, many + 1))


async def _until(events: AsyncGenerator[Event, None], last: int) -> AsyncGenerator[Event, None]:
    async for event in events:
        yield event
        if event.id == last:
            return


# What stores do


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.asyncio
async def test_a_store_that_goes_away_delays_what_is_missing_and_nothing_else(shaky: Ends) -> None:
    # heard       1      δ δ          2 3 4
    # store       there  away         back
    watcher = await Watcher(shaky.watch()).begun(shaky)
    await shaky.say(1)
    await watcher.until(1)
    shake(shaky, away=True)
    await shaky.append(2)
    await shaky.say(3)
    await shaky.delta(7, 8)
    assert await watcher.until("d8") == [1, "d7", "d8"]
    shake(shaky, away=False)
    await shaky.say(4)
    assert await watcher.until(4) == [1, "d7", "d8", 2, 3, 4]
    await watcher.end()


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.asyncio
async def test_live_events_go_on_while_the_store_cannot_be_read(shaky: Ends) -> None:
    watcher = await Watcher(shaky.watch()).begun(shaky)
    shake(shaky, away=True)
    await shaky.say(1, 2)
    assert await watcher.until(2) == [1, 2]
    await watcher.end()


@pytest.mark.parametrize("after", [0, None])
@pytest.mark.asyncio
async def test_a_store_that_is_away_at_the_start_says_so(shaky: Ends, after: int | None) -> None:
    shake(shaky, away=True)
    with pytest.raises(StoreUnavailable):
        await anext(shaky.watch(after))
    assert not cast(MemoryChannel, shaky.out)._listeners


@pytest.mark.asyncio
async def test_a_channel_that_cannot_be_heard_says_so(memory: Ends, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    channel = LocalChannel(tmp_path / "file" / "channel.db")
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await anext(watch(memory.store, channel, AGENT))
    channel.close()


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.asyncio
async def test_an_agent_that_was_deleted_and_starts_anew_is_heard_from_its_new_beginning(ends: Ends) -> None:
    await ends.say(1, 2, 3)
    watcher = await Watcher(ends.watch(after=0)).begun(ends)
    await watcher.until(3)
    await ends.store.delete(AGENT)
    await ends.say(1, 2)
    await watcher.wait_for(lambda: watcher.heard.count(2) == 2)
    assert await watcher.until(3) == [1, 2, 3, "reset 1", 1, 2]
    await watcher.end()


# Who watches


@pytest.mark.asyncio
async def test_two_who_watch_hear_everything_once_each_and_the_one_who_stays_goes_on(ends: Ends) -> None:
    """E-55, E-42: subscribing twice, and a subscriber that is gone, disturb nobody."""
    leaving, staying = [await Watcher(ends.watch()).begun(ends) for _ in range(2)]
    await ends.say(1)
    assert await leaving.until(1) == await staying.until(1) == [1]
    await leaving.end()
    await ends.say(2)
    assert await staying.until(2) == [1, 2]
    assert leaving.heard.count(2) == 0
    await staying.end()


@pytest.mark.asyncio
async def test_a_watch_that_is_closed_listens_no_more(memory: Ends) -> None:
    channel = cast(MemoryChannel, memory.out)
    events = memory.watch(after=0)
    await memory.say(1)
    await anext(events)
    assert channel._listeners
    await events.aclose()
    assert not channel._listeners
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@pytest.mark.asyncio
async def test_a_watch_that_is_cancelled_while_it_waits_listens_no_more(memory: Ends) -> None:
    channel = cast(MemoryChannel, memory.out)
    watcher = await Watcher(memory.watch()).begun(memory)
    assert channel._listeners
    await watcher.end()
    assert not channel._listeners


@pytest.mark.asyncio
async def test_a_watch_that_never_began_is_closed_without_harm(memory: Ends) -> None:
    await memory.watch().aclose()


@pytest.mark.asyncio
async def test_a_watch_ends_when_its_channel_does_and_not_before_it_has_read_the_log(memory: Ends) -> None:
    class Ending:
        publish: Any = None

        async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
            (event,) = await memory.append(1)
            yield event
            await memory.append(2)

    events = watch(memory.store, cast(Channel, Ending()), AGENT, after=0)
    assert [event.id async for event in events] == [1, 2]


@pytest.mark.asyncio
async def test_an_agent_server_watches_by_either_name(memory: Ends) -> None:
    """L-60."""
    server = AgentServer(cast(Client, None), store=memory.store, channel=memory.out)
    await memory.say(1, 2)
    for name in (server.watch, server.subscribe):
        async with aclosing(name(AGENT, after=1)) as events:
            assert (await anext(events)).id == 2
    with pytest.raises(InvalidInput):
        server.watch("no id: it has spaces and slashes /")
