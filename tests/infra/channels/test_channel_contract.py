"""What every `Channel` promises: live events reach whoever listens, in order, and nobody else."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
from botocore.config import Config

from sagents.events import Event
from sagents.ports import Channel
from sagents_infra.channels import LocalChannel, MemoryChannel, api_gateway
from sagents_infra.channels.api_gateway import ApiGatewayChannel
from sagents_infra.channels.listeners import MOST_WAITING
from sagents_infra.channels.redis_streams import RedisChannel
from sagents_infra.connections import MemoryConnections
from tests.infra.channels.browsers import Browsers
from tests.support.api_gateway import ApiGateway
from tests.support.redis_server import RedisServer

AGENT = "conversation-1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Ends(NamedTuple):
    """Where events go in and where they come out: two ends, as in two processes, where a channel can have two."""

    into: Channel
    out: Channel


@pytest.fixture(params=["memory", "local", "local, two ends", "redis", "redis, two ends", "api gateway"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    kind, _, two = str(request.param).partition(", ")
    if kind == "memory":
        channel = MemoryChannel()
        yield Ends(channel, channel)
        return
    if kind == "api gateway":
        request.getfixturevalue("monkeypatch").setattr(api_gateway, "FRESH", timedelta(milliseconds=20))
        yield from _browsers(request.getfixturevalue("gateway"))
        return
    make = _local(tmp_path) if kind == "local" else _redis(request.getfixturevalue("redis_server"))
    into = make()
    out = make() if two else into
    yield Ends(into, out)
    into.close()
    out.close()


def _local(folder: Path) -> Callable[[], LocalChannel | RedisChannel]:
    return lambda: LocalChannel(folder / "channel.sqlite")


def _redis(server: RedisServer) -> Callable[[], LocalChannel | RedisChannel]:
    return lambda: RedisChannel(server.url)


def _browsers(gateway: ApiGateway) -> Iterator[Ends]:
    """Where the other end is the browsers that are posted to."""
    connections, as_long_as_it_takes = MemoryConnections(), Config(read_timeout=60, retries={"total_max_attempts": 1})
    client = boto3.client("apigatewaymanagementapi", endpoint_url=gateway.url, config=as_long_as_it_takes)
    into = ApiGatewayChannel(client, connections, timedelta(seconds=20))
    yield Ends(into, Browsers(gateway, connections, into))
    into.close()


def an_event(n: int, agent_id: str = AGENT) -> Event:
    return Event(agent_id=agent_id, type="delta", at=NOW, data={"n": n})


def numbers(events: Sequence[Event]) -> list[object]:
    return [event.data["n"] for event in events]


class Ear:
    """Keeps what one listener heard. `begun` returns when it certainly listens: a first event has arrived."""

    def __init__(self, ends: Ends, agent_id: str = AGENT) -> None:
        self.ends, self.agent_id, self.heard = ends, agent_id, list[Event]()
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async with aclosing(self.ends.out.listen(self.agent_id)) as events:
            async for event in events:
                async with self._changed:
                    self.heard.append(event)
                    self._changed.notify_all()

    async def begun(self) -> "Ear":
        async with asyncio.timeout(30):
            while not self.heard:
                await self.ends.into.publish(self.agent_id, [an_event(-1, self.agent_id)])
                await asyncio.sleep(0.02)
        return self

    async def until(self, number: int) -> list[object]:
        """The numbers heard up to this one, without those of `begun`."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: number in numbers(self.heard))
        return [n for n in numbers(self.heard) if n != -1]

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.mark.asyncio
async def test_events_arrive_whole_and_in_the_order_they_were_published(ends: Ends) -> None:
    ear = await Ear(ends).begun()
    whole = an_event(0).but(data={"n": 0, "text": "ü🌍\n"}, id=7, run_id="run", path=("researcher",))
    await ends.into.publish(AGENT, [whole, an_event(1)])
    for n in range(2, 200):
        await ends.into.publish(AGENT, [an_event(n)])
    assert await ear.until(199) == list(range(200))
    assert whole in ear.heard
    await ear.end()


@pytest.mark.asyncio
async def test_each_listener_hears_everything(ends: Ends) -> None:
    ears = [await Ear(ends).begun() for _ in range(5)]
    await ends.into.publish(AGENT, [an_event(n) for n in range(3)])
    for ear in ears:
        assert await ear.until(2) == [0, 1, 2]
        await ear.end()


@pytest.mark.asyncio
async def test_a_listener_hears_only_its_agent(ends: Ends) -> None:
    other = "conversation-11"
    ear, neighbour = await Ear(ends).begun(), await Ear(ends, other).begun()
    await ends.into.publish(other, [an_event(1, other)])
    await ends.into.publish(AGENT, [an_event(2)])
    assert await neighbour.until(1) == [1]
    assert await ear.until(2) == [2]
    await ear.end()
    await neighbour.end()


@pytest.mark.asyncio
async def test_who_listens_late_has_missed_it(ends: Ends) -> None:
    await ends.into.publish(AGENT, [an_event(n) for n in range(50)])
    first = await Ear(ends).begun()
    await ends.into.publish(AGENT, [an_event(50)])
    second = await Ear(ends).begun()
    await ends.into.publish(AGENT, [an_event(51)])
    assert await first.until(51) == [50, 51]
    assert await second.until(51) == [51]
    await first.end()
    await second.end()


@pytest.mark.asyncio
async def test_what_is_published_after_the_first_anext_is_heard(ends: Ends) -> None:
    """For the process that listens; for others it may take a moment until a listener has begun."""
    events = ends.out.listen(AGENT)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    await ends.out.publish(AGENT, [an_event(1)])
    assert await asyncio.wait_for(first, 30) == an_event(1)
    await events.aclose()


@pytest.mark.asyncio
async def test_a_listener_that_closed_hears_no_more_and_the_others_go_on(ends: Ends) -> None:
    leaving, staying = await Ear(ends).begun(), await Ear(ends).begun()
    await leaving.end()
    before = list(leaving.heard)
    await ends.into.publish(AGENT, [an_event(1)])
    assert await staying.until(1) == [1]
    assert leaving.heard == before
    await staying.end()
    again = await Ear(ends).begun()
    await ends.into.publish(AGENT, [an_event(2)])
    assert await again.until(2) == [2]
    await again.end()


@pytest.mark.asyncio
async def test_publishing_nothing_or_to_nobody_is_fine(ends: Ends) -> None:
    await ends.into.publish(AGENT, [])
    await ends.into.publish("nobody listens", [an_event(1)])


@pytest.mark.asyncio
async def test_publishers_at_once_keep_the_order_of_each_agent(ends: Ends) -> None:
    agents = [f"agent-{n}" for n in range(8)]
    ears = [await Ear(ends, agent).begun() for agent in agents]

    async def announce(agent: str) -> None:
        for n in range(50):
            await ends.into.publish(agent, [an_event(n, agent)])

    await asyncio.gather(*map(announce, agents))
    for ear in ears:
        assert await ear.until(49) == list(range(50))
        await ear.end()


@pytest.mark.asyncio
async def test_a_loop_in_another_thread_hears_and_publishes(ends: Ends) -> None:
    ear = await Ear(ends).begun()

    def elsewhere(work: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    async def echo() -> None:
        there = await Ear(ends, "there").begun()
        await ends.into.publish(AGENT, [an_event(1)])
        await there.until(2)
        await there.end()
        await ends.into.publish(AGENT, [an_event(3)])

    thread = elsewhere(lambda: asyncio.run(echo()))
    await ear.until(1)
    await ends.into.publish("there", [an_event(2, "there")])
    assert await ear.until(3) == [1, 3]
    await asyncio.to_thread(thread.join)
    await ear.end()


@pytest.mark.asyncio
async def test_a_listener_that_stands_still_loses_the_oldest_and_blocks_nobody(ends: Ends) -> None:
    events = ends.out.listen(AGENT)
    first = asyncio.ensure_future(anext(events))
    ear = await Ear(ends).begun()
    await asyncio.wait_for(first, 30)
    too_many = MOST_WAITING + 500
    for start in range(0, too_many, 1000):
        await ends.into.publish(AGENT, [an_event(n) for n in range(start, min(start + 1000, too_many))])
    assert (await ear.until(too_many - 1))[-3:] == [too_many - 3, too_many - 2, too_many - 1]
    assert (await anext(events)).data["n"] == too_many - MOST_WAITING
    await events.aclose()
    await ear.end()
