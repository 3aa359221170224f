"""What carries live events and where it is kept who looks, by `SAGENTS_CHANNEL` and `SAGENTS_PRESENCE`."""

import subprocess
import sys
from pathlib import Path

import pytest

from sagents.errors import InvalidInput
from sagents_infra.channels import LocalChannel
from sagents_infra.channels.api_gateway import ApiGatewayChannel
from sagents_infra.channels.redis_streams import RedisChannel
from sagents_infra.connections import LocalConnections, MemoryConnections
from sagents_infra.connections.dynamodb import DynamoDBConnections
from sagents_infra.live import live_channel, people
from sagents_infra.presence import LocalPresence
from sagents_infra.presence.dynamodb import DynamoDBPresence
from sagents_infra.settings import Settings
from tests.support.api_gateway import ApiGateway
from tests.support.tables import Place


def test_a_file_carries_events_unless_said_otherwise(tmp_path: Path) -> None:
    channel = live_channel(Settings(home=tmp_path), MemoryConnections())
    assert isinstance(channel, LocalChannel)
    channel.close()


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_an_address_names_a_redis(scheme: str) -> None:
    channel = live_channel(Settings(channel=f"{scheme}://:secret@redis.internal:6380/3"), MemoryConnections())
    assert isinstance(channel, RedisChannel)
    options = channel._writer.connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("redis.internal", 6380, 3)
    channel.close()


@pytest.mark.parametrize(
    ("address", "endpoint", "region"),
    [
        (
            "a1b2.execute-api.eu-west-1.amazonaws.com/live",
            "https://a1b2.execute-api.eu-west-1.amazonaws.com/live",
            "eu-west-1",
        ),
        ("push.example.com/?region=eu-west-1", "https://push.example.com", "eu-west-1"),
        ("local?endpoint=http://127.0.0.1:4566/live", "http://127.0.0.1:4566/live", "us-east-1"),
    ],
    ids=["as AWS names it", "a domain of one's own", "an emulator"],
)
def test_an_address_names_an_api_of_websockets(gateway: ApiGateway, address: str, endpoint: str, region: str) -> None:
    channel = live_channel(Settings(channel=f"apigateway://{address}"), MemoryConnections())
    assert isinstance(channel, ApiGatewayChannel)
    assert (channel._client.meta.endpoint_url, channel._client.meta.region_name) == (endpoint, region)
    channel.close()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("kafka://somewhere", "has to be local, redis"),
        ("remote", "has to be local, redis"),
        ("local://", "has to be local, redis"),
        ("apigateway://", "names no API"),
        ("apigateway://api/live?zone=a", "'zone' is no option"),
    ],
)
def test_a_channel_that_is_none_is_refused_with_the_reason(address: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        live_channel(Settings(channel=address), MemoryConnections())


def test_a_refusal_does_not_show_a_password() -> None:
    with pytest.raises(InvalidInput) as refused:
        live_channel(Settings(channel="redist://:secret@host"), MemoryConnections())
    assert "secret" not in str(refused.value)


def test_who_looks_is_kept_with_the_agents(tmp_path: Path, place: Place) -> None:
    presence, connections = people(Settings(home=tmp_path))
    assert isinstance(presence, LocalPresence)
    assert isinstance(connections, LocalConnections)
    presence, connections = people(Settings(store=f"dynamodb://{place.table}?region=us-east-1&endpoint={place.url}"))
    assert isinstance(presence, DynamoDBPresence)
    assert isinstance(connections, DynamoDBConnections)


@pytest.mark.asyncio
async def test_who_looks_may_be_kept_elsewhere(tmp_path: Path, place: Place) -> None:
    address = f"dynamodb://{place.table}?region=us-east-1&endpoint={place.url}"
    _, connections = people(Settings(home=tmp_path, presence=address))
    assert isinstance(connections, DynamoDBConnections)
    assert await connections.watching("a") == ()
    connections.release()
    presence, _ = people(Settings(home=tmp_path, store=address, presence="local"))
    assert isinstance(presence, LocalPresence)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("redis://somewhere", "SAGENTS_PRESENCE is 'redis"),
        ("dynamodb://a", "SAGENTS_PRESENCE: 'a' is no name of a table"),
    ],
)
def test_a_place_that_is_none_is_refused_with_the_reason(address: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        people(Settings(presence=address))


def test_sdks_are_imported_by_nobody_who_does_not_ask_for_them(tmp_path: Path) -> None:
    program = (
        "import sys, sagents_infra.channels, sagents_infra.connections, sagents_infra.presence, sagents_infra.wiring;"
        f"import sagents_infra.live as l, sagents_infra.settings as s; settings = s.Settings(home={str(tmp_path)!r});"
        "l.live_channel(settings, l.people(settings)[1]).close();"
        "print(sorted({'boto3', 'botocore', 'redis'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_without_its_extra_redis_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['redis'] = None\n"
        "import sagents_infra.live as l, sagents_infra.settings as s\n"
        "try: l.live_channel(s.Settings(channel='redis://a'), l.people(s.Settings())[1])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("InvalidInput SAGENTS_CHANNEL needs Redis's client: pip install 'sagents[redis]'")
