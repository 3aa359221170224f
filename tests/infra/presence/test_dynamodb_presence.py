"""Presence in a table: what stays there, who writes at once, and when it is out of reach."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sagents.errors import StoreUnavailable
from sagents.viewers import Viewer
from sagents_infra.presence.dynamodb import DynamoDBPresence
from tests.support.tables import Place

TOPIC = "conversation:1"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
UNTIL = NOON + timedelta(seconds=60)


@pytest.mark.asyncio
async def test_rows_say_when_dynamodb_may_remove_them(place: Place) -> None:
    """E-56: entries cannot pile up."""
    presence = DynamoDBPresence(place.client, place.table, lambda: NOON)
    await presence.join(TOPIC, Viewer(viewer="ada", connections=("tab",), until=UNTIL))
    await presence.join(TOPIC, Viewer(viewer="cli"))
    items = [item for item in place.client.scan(TableName=place.table)["Items"] if item["pk"]["S"] != "schema"]
    expire = {(item["pk"]["S"], item["sk"]["S"]): item.get("expires", {}).get("N") for item in items}
    assert expire == {
        (f"topic#{TOPIC}", "viewer#ada"): str(int(UNTIL.timestamp())),
        (f"topic#{TOPIC}", "viewer#cli"): None,
    }
    presence.close()


@pytest.mark.asyncio
async def test_doors_that_track_one_person_at_once_lose_no_connection(place: Place) -> None:
    doors = [DynamoDBPresence(place.client, place.table, lambda: NOON) for _ in range(3)]
    joins = [
        door.join(TOPIC, Viewer(viewer="ada", connections=(f"{at}-{n}",)))
        for at, door in enumerate(doors)
        for n in range(3)
    ]
    await asyncio.gather(*joins)
    await asyncio.gather(*(door.leave(TOPIC, "ada", f"{at}-0") for at, door in enumerate(doors)))
    ada = (await doors[0].viewers(TOPIC)).get("ada")
    assert ada is not None
    assert set(ada.connections) == {f"{at}-{n}" for at in range(3) for n in (1, 2)}
    for door in doors:
        door.close()


@pytest.mark.asyncio
async def test_a_table_out_of_reach_says_so_and_says_nothing_about_viewers(place: Place) -> None:
    presence = DynamoDBPresence(place.client, "no-such-table")
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await presence.viewers(TOPIC)
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await presence.join(TOPIC, Viewer(viewer="ada"))
    presence.close()
