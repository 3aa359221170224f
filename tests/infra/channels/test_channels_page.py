"""What docs/channels.md says of messages, keys and bounds is what the adapters do."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sagents.connections import MOST_WATCHED, Connection
from sagents.events import Event
from sagents.principal import Principal
from sagents.viewers import Viewer
from sagents_infra.channels import redis_streams
from sagents_infra.channels.api_gateway_address import OPTIONS
from sagents_infra.channels.frames import LONGEST, frames
from sagents_infra.connections.dynamodb import DynamoDBConnections
from sagents_infra.presence.dynamodb import DynamoDBPresence
from tests.support.tables import Place

PAGE = (Path(__file__).resolve().parents[3] / "docs/channels.md").read_text(encoding="utf-8")


def test_messages_for_browsers_are_those_of_the_page() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    told, fetch = (json.loads(line) for line in block.splitlines())
    (event,) = (Event.model_validate(event) for event in told["events"])
    assert [json.loads(frame.data) for frame in frames([event])] == [told]
    long = event.but(id=fetch["id"], data={"text": "x" * LONGEST})
    assert [json.loads(frame.data) for frame in frames([long])] == [fetch]


@pytest.mark.asyncio
async def test_rows_in_the_table_are_those_of_the_page(place: Place) -> None:
    now = datetime.now(UTC)
    connections, presence = DynamoDBConnections(place.client, place.table), DynamoDBPresence(place.client, place.table)
    until = datetime(2999, 1, 1, tzinfo=UTC)
    await connections.open(Connection(id="<id>", who=Principal("ada", expires_at=until), until=until))
    await connections.subscribe("<id>", "<agent id>", 0)
    await presence.join("<topic>", Viewer(viewer="<viewer>", connections=("tab",), joined_at=now, until=until))
    await connections.spend("<ticket id>", "<id>", until)
    kept = [item for item in place.client.scan(TableName=place.table)["Items"] if item["pk"]["S"] != "schema"]
    said = set(re.findall(r"^\| `(\S+#<.+?>)` \| `(.+?)` \|", PAGE, re.MULTILINE))
    assert said == {(item["pk"]["S"], item["sk"]["S"].replace("<id>", "<connection id>")) for item in kept}
    assert all("expires" in item for item in kept)
    connections.release()
    presence.close()


def test_bounds_and_options_are_those_of_the_page() -> None:
    assert f"{MOST_WATCHED}\nagents that it watches" in PAGE
    assert f"`{redis_streams.PREFIX}<agent id>`" in PAGE
    assert f"newest {redis_streams.MOST_KEPT:,} batches" in PAGE
    assert f"{redis_streams.KEEP.total_seconds():g} seconds" in PAGE
    assert [option for option in OPTIONS if f"`{option}=" not in PAGE] == []
