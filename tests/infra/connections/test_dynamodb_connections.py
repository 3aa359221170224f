"""Connections in a table: what stays there, who writes at once, and when it is out of reach."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents.connections import Connection
from sagents.errors import StoreUnavailable
from sagents.principal import Principal
from sagents_infra.connections.dynamodb import LONG_GONE, DynamoDBConnections
from sagents_infra.stores.dynamodb import dynamodb_client
from tests.support.tables import Place

AGENT = "acme:conversation-1"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE, TOKEN = NOON + timedelta(seconds=60), NOON + timedelta(hours=1)


def a_connection(id: str) -> Connection:
    return Connection(id=id, who=Principal("ada", tenant="acme", expires_at=TOKEN), until=LEASE)


def kept(place: Place) -> dict[str, dict[str, Any]]:
    """The rows of connections and pointers, by their keys."""
    items = place.client.scan(TableName=place.table)["Items"]
    return {f"{item['pk']['S']} {item['sk']['S']}": item for item in items if item["pk"]["S"] != "schema"}


@pytest.mark.asyncio
async def test_rows_go_with_what_they_are_for_and_say_when_dynamodb_may_remove_them(place: Place) -> None:
    connections = DynamoDBConnections(place.client, place.table, lambda: NOON)
    await connections.open(a_connection("c1"))
    await connections.subscribe("c1", AGENT, 0, "acme")
    expire = {key: int(row["expires"]["N"]) for key, row in kept(place).items()}
    assert expire == {
        "connection#c1 connection": LEASE.timestamp(),
        f"watchers#{AGENT} c1": TOKEN.timestamp(),
    }
    await connections.subscribe("c1", "acme:other", 0, "acme")
    await connections.unsubscribe("c1", AGENT)
    assert sorted(kept(place)) == ["connection#c1 connection", "watchers#acme:other c1"]
    await connections.close("c1")
    assert kept(place) == {}
    connections.release()


@pytest.mark.asyncio
async def test_what_lost_disconnects_left_behind_goes_when_somebody_looks(place: Place) -> None:
    now = NOON
    connections = DynamoDBConnections(place.client, place.table, lambda: now)
    for id in ("ended", "removed", "holds"):
        await connections.open(a_connection(id))
        await connections.subscribe(id, AGENT, 0, "acme")
    await connections.renew("holds", TOKEN)
    place.client.delete_item(TableName=place.table, Key={"pk": {"S": "connection#removed"}, "sk": {"S": "connection"}})
    now = LEASE  # a door whose clock is behind may renew it still
    assert [one.id for one in await connections.watching(AGENT)] == ["holds"]
    assert f"watchers#{AGENT} ended" in kept(place)
    assert f"watchers#{AGENT} removed" not in kept(place)
    now = LEASE + LONG_GONE
    assert [one.id for one in await connections.watching(AGENT)] == ["holds"]
    assert [key for key in kept(place) if key.startswith("watchers")] == [f"watchers#{AGENT} holds"]
    connections.release()


@pytest.mark.asyncio
async def test_doors_that_write_one_connection_at_once_lose_nothing(place: Place) -> None:
    doors = [DynamoDBConnections(place.client, place.table, lambda: NOON) for _ in range(3)]
    await doors[0].open(a_connection("c1"))
    work = [door.subscribe("c1", f"acme:{at}-{n}", 0, "acme") for at, door in enumerate(doors) for n in range(3)]
    await asyncio.gather(*work, *(door.renew("c1", LEASE + timedelta(seconds=at)) for at, door in enumerate(doors)))
    found = await doors[0].get("c1")
    assert found is not None
    assert sorted(found.watches) == [f"acme:{at}-{n}" for at in range(3) for n in range(3)]
    assert found.until == LEASE + timedelta(seconds=2)
    for door in doors:
        door.release()


@pytest.mark.asyncio
async def test_a_table_out_of_reach_says_so(place: Place) -> None:
    for client, table in (
        (place.client, "no-such-table"),
        (dynamodb_client("us-east-1", "http://127.0.0.1:9"), "agents"),
    ):
        connections = DynamoDBConnections(client, table, patience=timedelta(milliseconds=50))
        with pytest.raises(StoreUnavailable, match="out of reach"):
            await connections.watching(AGENT)
        with pytest.raises(StoreUnavailable, match="out of reach"):
            await connections.open(a_connection("c1"))
        connections.release()
