"""The other end of a channel to browsers, as a `Channel`: each listener is a WebSocket that watches one agent."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sagents.connections import Connection, Connections
from sagents.events import Event
from sagents.ports import Channel
from sagents.principal import Principal
from sagents_infra.channels.listeners import Listener
from tests.support.api_gateway import ApiGateway


class Browsers:
    """Hears what is posted to its sockets; publishes by the channel that posts."""

    def __init__(self, gateway: ApiGateway, connections: Connections, into: Channel) -> None:
        self._gateway, self._connections, self._into = gateway, connections, into

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        await self._into.publish(agent_id, events)

    async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
        listener, connection_id = Listener(agent_id), f"{uuid4().hex}="

        def receive(message: dict[str, Any]) -> None:
            assert message["type"] == "events"
            listener.tell([Event.model_validate(event) for event in message["events"]])

        self._gateway.connect(connection_id, receive)
        await self._connections.open(a_connection(connection_id))
        await self._connections.subscribe(connection_id, agent_id, 0)
        try:
            async for event in listener.hear():
                yield event
        finally:
            self._gateway.disconnect(connection_id)
            await self._connections.close(connection_id)


def a_connection(id: str, lease: float = 600, token: float | None = None) -> Connection:
    """Of somebody without a tenant; its lease and its token end so many seconds from now."""
    now = datetime.now(UTC)
    ends = None if token is None else now + timedelta(seconds=token)
    return Connection(id=id, who=Principal("ada", expires_at=ends), until=now + timedelta(seconds=lease))
