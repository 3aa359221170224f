"""Pushing to browsers: who is gone, who is too slow, what is too long, and that the agent goes on."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from structlog.testing import capture_logs

from sagents.connections import Connection
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents_infra.channels.api_gateway import ApiGatewayChannel, api_gateway_client
from sagents_infra.channels.frames import LONGEST
from sagents_infra.connections import MemoryConnections
from sagents_infra.connections.dynamodb import DynamoDBConnections
from sagents_infra.stores import MemoryStore
from tests.infra.channels.browsers import a_connection
from tests.support.api_gateway import ApiGateway
from tests.support.tables import Place
from tests.support.watching import AGENT, Ends

LONG = timedelta(seconds=20)
"""Patience that a busy machine does not use up."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def connections() -> MemoryConnections:
    return MemoryConnections()


@pytest.fixture
def channel(gateway: ApiGateway, connections: MemoryConnections) -> Iterator[ApiGatewayChannel]:
    channel = ApiGatewayChannel(api_gateway_client(gateway.url), connections, LONG)
    yield channel
    channel.close()


class Browser:
    """A WebSocket that watches the agent; `heard` are ids of stored events, the text of tokens, and what to fetch."""

    def __init__(self, gateway: ApiGateway, id: str = "c1=") -> None:
        self.id, self.gateway = id, gateway
        self.heard: list[object] = []
        gateway.connect(id, self._receive)

    def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "fetch":
            self.heard.append(("fetch", message["id"]))
        for event in message.get("events", ()):
            self.heard.append(event.get("id") or event["data"]["text"])

    async def watching(self, connections: MemoryConnections, **fields: float) -> "Browser":
        await connections.open(a_connection(self.id, **fields))
        await connections.subscribe(self.id, AGENT, 0)
        return self


def an_event(id: int, text: str = "") -> Event:
    return Event(agent_id=AGENT, type="said", at=NOW, data={"text": text}, id=id)


def token(text: str) -> Event:
    return Event(agent_id=AGENT, type="llm_deltas", at=NOW, data={"text": text})


@pytest.mark.asyncio
async def test_who_watches_gets_events_and_tokens_and_who_does_not_nothing(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    ada, ben = await Browser(gateway).watching(connections), await Browser(gateway, "c2").watching(connections)
    other = Browser(gateway, "c3")
    await connections.open(a_connection("c3"))
    await channel.publish(AGENT, [an_event(1), token("a"), an_event(2)])
    await connections.unsubscribe("c2", AGENT)
    await channel.publish(AGENT, [an_event(3, "x" * LONGEST)])
    assert ada.heard == [1, "a", 2, ("fetch", 3)]
    assert (ben.heard, other.heard) == ([1, "a", 2], [])


@pytest.mark.asyncio
async def test_a_connection_that_is_gone_is_forgotten_and_the_others_hear(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    lost, stays = await Browser(gateway).watching(connections), await Browser(gateway, "c2").watching(connections)
    gateway.disconnect(lost.id)
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1)])
        await channel.publish(AGENT, [token("a")])
    assert await connections.get(lost.id) is None
    assert gateway.posts.count(lost.id) == 1
    assert (stays.heard, lost.heard, logs) == ([1, "a"], [], [])


@pytest.mark.asyncio
async def test_a_gone_connection_is_forgotten_in_the_table(
    gateway: ApiGateway, connections: MemoryConnections, place: Place
) -> None:
    table = DynamoDBConnections(place.client, place.table)
    channel = ApiGatewayChannel(api_gateway_client(gateway.url), table, LONG)
    for id in ("c1=", "c2="):
        await table.open(a_connection(id))
        await table.subscribe(id, AGENT, 0)
    there = Browser(gateway, "c2=")
    await channel.publish(AGENT, [an_event(1)])
    assert [one.id for one in await table.watching(AGENT)] == ["c2="]
    assert there.heard == [1]
    channel.close()
    table.release()


@pytest.mark.asyncio
async def test_throttling_and_trouble_pass(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    browser = await Browser(gateway).watching(connections)
    gateway.answers += [429, 500, 429]
    await channel.publish(AGENT, [an_event(1)])
    gateway.answers += [429]
    await channel.publish(AGENT, [token("a")])
    assert browser.heard == [1, "a"]


@pytest.mark.asyncio
async def test_tokens_that_may_have_arrived_are_not_sent_again(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    """Twice the same text would be shown; the message that follows the tokens has all of it."""
    browser = await Browser(gateway).watching(connections)
    gateway.answers += [500]
    with capture_logs() as logs:
        await channel.publish(AGENT, [token("a")])
        await channel.publish(AGENT, [token("b"), an_event(1)])
    assert browser.heard == ["b", 1]
    assert [(line["event"], line["connections"]) for line in logs] == [("events not pushed", 1)]


@pytest.mark.asyncio
async def test_what_is_refused_is_not_tried_again_and_said(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    await Browser(gateway).watching(connections)
    gateway.answers += [403] * 9
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1)])
    assert len(gateway.posts) == 1
    assert "ForbiddenException" in logs[0]["error"]


@pytest.mark.asyncio
async def test_nobody_waits_long_while_an_api_is_asked_for_too_much(
    gateway: ApiGateway, connections: MemoryConnections
) -> None:
    await Browser(gateway).watching(connections)
    channel = ApiGatewayChannel(api_gateway_client(gateway.url), connections, timedelta(milliseconds=200))
    gateway.answers += [429] * 200
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            await channel.publish(AGENT, [an_event(1)])
    assert [line["event"] for line in logs] == ["events not pushed"]
    channel.close()
    assert len(gateway.posts) < 50


@pytest.mark.asyncio
async def test_nobody_waits_long_for_an_api_that_says_nothing(
    gateway: ApiGateway, connections: MemoryConnections
) -> None:
    await Browser(gateway).watching(connections)
    client = boto3.client("apigatewaymanagementapi", endpoint_url=gateway.url, config=Config(read_timeout=60))
    channel = ApiGatewayChannel(client, connections, timedelta(milliseconds=200))
    gateway.is_open.clear()
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            await channel.publish(AGENT, [an_event(1)])
    assert [line["error"] for line in logs] == ["TimeoutError()"]
    gateway.is_open.set()
    channel.close()


@pytest.mark.asyncio
async def test_many_connections_hear_in_order_however_many_publish_at_once(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    browsers = [await Browser(gateway, f"c{number}").watching(connections) for number in range(8)]
    await asyncio.gather(*(channel.publish(AGENT, [an_event(number)]) for number in range(1, 11)))
    assert [browser.heard for browser in browsers] == [list(range(1, 11))] * 8


@pytest.mark.asyncio
async def test_nothing_is_pushed_after_the_end_of_a_token(gateway: ApiGateway, connections: MemoryConnections) -> None:
    """Not even to somebody who is remembered, while their lease goes on."""
    now = datetime.now(UTC)
    channel = ApiGatewayChannel(api_gateway_client(gateway.url), connections, LONG, lambda: now)
    browser = await Browser(gateway).watching(connections, token=30)
    await channel.publish(AGENT, [token("a")])
    now += timedelta(seconds=31)
    await channel.publish(AGENT, [token("b")])
    await channel.publish(AGENT, [an_event(1)])
    assert browser.heard == ["a"]
    assert gateway.posts == [browser.id]
    channel.close()


@pytest.mark.asyncio
async def test_who_has_just_subscribed_is_known_to_the_next_stored_event(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections
) -> None:
    """Tokens may believe for a second who watches; events do not."""
    await channel.publish(AGENT, [token("a")])
    browser = await Browser(gateway).watching(connections)
    await channel.publish(AGENT, [token("b"), an_event(1)])
    assert browser.heard == ["b", 1]


@pytest.mark.parametrize("subscribing_after", range(0, 40, 4))
@pytest.mark.asyncio
async def test_who_subscribes_and_then_reads_the_log_misses_nothing(
    gateway: ApiGateway, channel: ApiGatewayChannel, connections: MemoryConnections, subscribing_after: int
) -> None:
    ends = Ends(MemoryStore(), channel, channel)
    browser = Browser(gateway)
    read: list[int] = []

    async def come() -> None:
        for _ in range(subscribing_after):
            await asyncio.sleep(0)
        await browser.watching(connections)
        read.extend(event.id or 0 for event in await ends.store.events(AGENT))

    coming = asyncio.create_task(come())
    for number in range(1, 21):
        await ends.say(number)
    await coming
    assert {*read, *browser.heard} == {*range(1, 21)}


@pytest.mark.asyncio
async def test_an_agent_goes_on_when_nobody_can_say_who_watches(gateway: ApiGateway) -> None:
    class Away(MemoryConnections):
        async def watching(self, agent_id: str) -> tuple[Connection, ...]:
            raise StoreUnavailable("the table is out of reach")

    channel = ApiGatewayChannel(api_gateway_client(gateway.url), Away())
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1)])
    assert [(line["agent_id"], line["error"]) for line in logs] == [(AGENT, "the table is out of reach")]
    channel.close()


@pytest.mark.asyncio
async def test_an_agent_goes_on_when_the_api_is_not_there(gateway: ApiGateway, connections: MemoryConnections) -> None:
    channel = ApiGatewayChannel(api_gateway_client("http://127.0.0.1:9/live"), connections, timedelta(milliseconds=300))
    await Browser(gateway).watching(connections)
    with capture_logs() as logs:
        await channel.publish(AGENT, [token("a")])
    assert [line["event"] for line in logs] == ["events not pushed"]
    channel.close()


@pytest.mark.asyncio
async def test_nobody_hears_in_a_process(channel: ApiGatewayChannel) -> None:
    events = channel.listen(AGENT)
    first = asyncio.ensure_future(anext(events))
    await channel.publish(AGENT, [an_event(1)])
    assert not first.done()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await events.aclose()
