"""Watching an agent through any channel: every stored event once and in order, whatever becomes of the channel."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from sagents.client import watching
from sagents.ports import Store
from sagents_infra.channels import LocalChannel, MemoryChannel
from sagents_infra.channels.api_gateway import ApiGatewayChannel, api_gateway_client
from sagents_infra.channels.redis_streams import RedisChannel
from sagents_infra.connections import MemoryConnections
from sagents_infra.stores import SqliteStore
from tests.support.api_gateway import ApiGateway
from tests.support.redis_server import RedisServer
from tests.support.watching import Ends, Watcher


class Stage(NamedTuple):
    """A store and a channel with two ends. `is_heard` where the channel reaches processes that watch."""

    ends: Ends
    is_heard: bool = True
    trouble: Callable[[], object] = bool
    """Breaks the channel for a moment."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A log that watchers look at often."""
    monkeypatch.setattr(watching, "SOON", timedelta(milliseconds=20))
    monkeypatch.setattr(watching, "SELDOM", timedelta(milliseconds=100))
    store = SqliteStore(tmp_path / "store.db")
    yield store
    store.close()


@pytest.fixture(params=["memory", "local", "redis", "api gateway"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Iterator[Stage]:
    match request.param:
        case "memory":
            channel = MemoryChannel()
            yield Stage(Ends(store, channel, channel))
        case "local":
            with closing(LocalChannel(tmp_path / "a.db")) as into, closing(LocalChannel(tmp_path / "a.db")) as out:
                yield Stage(Ends(store, into, out))
        case "redis":
            server: RedisServer = request.getfixturevalue("own_redis")
            with closing(RedisChannel(server.url)) as writing, closing(RedisChannel(server.url)) as reading:
                yield Stage(Ends(store, writing, reading), trouble=server.restart)
        case _:
            gateway: ApiGateway = request.getfixturevalue("gateway")
            with closing(ApiGatewayChannel(api_gateway_client(gateway.url), MemoryConnections())) as pushing:
                yield Stage(Ends(store, pushing, pushing), is_heard=False)


@pytest.mark.asyncio
async def test_each_stored_event_is_told_once_and_in_order_through_any_channel(stage: Stage) -> None:
    """No gap and no repeat, whoever is slow, late, killed or asleep."""
    ends = stage.ends
    await ends.say(1, 2, 3, 4, 5)
    watcher = Watcher(ends.watch(after=2))
    if stage.is_heard:
        await watcher.begun(ends)
    await watcher.until(5)
    await ends.say(6, 7)
    await ends.say(6, 7)  # a retry
    one, two, three = await ends.append(8, 9, 10)
    for event in (three, one, two):  # calls that end out of order
        await ends.tell(event)
    await ends.delta(100)
    if stage.is_heard:
        await watcher.until("d100")
    await ends.append(11)  # a worker that is killed before it announces
    await ends.say(12, run="after a sleep")
    await asyncio.to_thread(stage.trouble)
    await ends.say(13, 14, run="after a sleep")
    await ends.say(15, run="after a sleep")
    heard = await watcher.until(15)
    assert [one for one in heard if isinstance(one, int)] == list(range(3, 16))
    await watcher.end()


@pytest.mark.asyncio
async def test_watchers_cut_off_anywhere_go_on_with_the_next_event_through_any_channel(stage: Stage) -> None:
    ends, heard = stage.ends, list[int]()

    async def tell() -> None:
        for number in range(1, 31):
            await ends.say(number)

    telling = asyncio.create_task(tell())
    for until in (1, 2, 7, 19, 30):
        watcher = Watcher(ends.watch(after=heard[-1] if heard else 0))
        heard += [one for one in await watcher.until(until) if isinstance(one, int) and one <= until]
        await watcher.end()
    await telling
    assert heard == list(range(1, 31))
