"""What people see live, put together from settings: the channel, who looks, and who holds a connection.

SDKs are imported only for who asks for them.
"""

from sagents.connections import Connections
from sagents.errors import InvalidInput
from sagents.ports import Channel, Presence
from sagents_infra.channels.local import LocalChannel
from sagents_infra.connections import LocalConnections
from sagents_infra.presence import LocalPresence
from sagents_infra.settings import Settings


def live_channel(settings: Settings, connections: Connections) -> Channel:
    """What carries live events. Raises `InvalidInput` for what is no such thing."""
    scheme, mark, _ = settings.channel.partition("://")
    match scheme + mark:
        case "local":
            return LocalChannel(settings.channel_path)
        case "redis://" | "rediss://":
            return _redis(settings.channel)
        case "apigateway://":
            from sagents_infra.channels.api_gateway_address import api_gateway_channel

            return api_gateway_channel(settings.channel, connections)
        case _:
            raise InvalidInput(
                f"SAGENTS_CHANNEL is {scheme + mark!r}; it has to be local, redis://HOST:6379/0 or apigateway://API/STAGE."
            )


def people(settings: Settings) -> tuple[Presence, Connections]:
    """Who looks at which conversation, and by which connections; both are kept in one place."""
    place = settings.presence_place
    if place == "local":
        return LocalPresence(settings.presence_path), LocalConnections(settings.connections_path)
    if place.startswith("dynamodb://"):
        from sagents_infra.connections.dynamodb import DynamoDBConnections
        from sagents_infra.presence.dynamodb import DynamoDBPresence
        from sagents_infra.stores.dynamodb_address import dynamodb_place

        client, table = dynamodb_place(place, "SAGENTS_PRESENCE")
        return DynamoDBPresence(client, table), DynamoDBConnections(client, table)
    raise InvalidInput(f"SAGENTS_PRESENCE is {place!r}; it has to be local or dynamodb://TABLE.")


def _redis(address: str) -> Channel:
    try:
        from sagents_infra.channels.redis_streams import RedisChannel
    except ModuleNotFoundError as error:
        raise InvalidInput(f"SAGENTS_CHANNEL needs Redis's client: pip install 'sagents[redis]' ({error}).") from error
    return RedisChannel(address)
