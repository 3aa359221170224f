"""A connection is somebody who looks (DESIGN section 7): joined by subscribing, renewed by pings, gone with its lease.

subscribe   presence ◀─ lease     agent ◀─ viewer_joined
ping        presence ◀─ lease     nothing: no history grows, no worker wakes
disconnect  presence ◀─ left      agent ◀─ viewer_left
lost        the lease ends, which the agent's worker sees when it asks whether to stay
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from sagents.connections import Connection, Connections
from sagents.errors import SagentsError
from sagents.viewers import Viewer
from sagents_infra.http.desk import Desk

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""How long a connection counts after its last ping; browsers ping three times as often."""


@dataclass(frozen=True)
class Viewing:
    """Says who looks. That it cannot be said now keeps nobody from reading or writing."""

    desk: Desk
    connections: Connections
    lease: timedelta

    async def join(self, connection: Connection, agent_id: str) -> None:
        """Somebody looks at an agent; what exactly they look at is kept with the connection, for pings."""
        await _tried(agent_id, self._join(connection, agent_id))

    async def renew(self, connection: Connection) -> datetime:
        """Let leases go on, in the store alone. When the connection ends now."""
        until = datetime.now(UTC) + self.lease
        renewed = await self.connections.renew(connection.id, until) or connection
        viewer = Viewer(viewer=connection.who.subject, connections=(connection.id,), until=until)
        joins = [self.desk.outside.presence.join(topic, viewer) for topic in {*connection.topics.values()}]
        await asyncio.gather(*joins)
        return renewed.ends_at

    async def leave(self, connection: Connection, agent_id: str) -> None:
        """They look at this agent no more, not by this connection."""
        if agent_id in connection.watches:
            await _tried(agent_id, self._leave(connection, agent_id))

    async def leave_all(self, connection: Connection) -> None:
        await asyncio.gather(*(self.leave(connection, agent_id) for agent_id in connection.watches))

    async def _join(self, connection: Connection, agent_id: str) -> None:
        topic = await self.desk.server.topic(agent_id)
        await self.connections.subscribe(
            connection.id, agent_id, connection.watches[agent_id], connection.who.tenant, topic
        )
        subject = connection.who.subject
        await self.desk.server.join(agent_id, subject, connection=connection.id, lease=self.lease, topic=topic)

    async def _leave(self, connection: Connection, agent_id: str) -> None:
        topic = connection.topics.get(agent_id)
        await self.desk.server.leave(agent_id, connection.who.subject, connection=connection.id, topic=topic)


async def _tried(agent_id: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except SagentsError as error:
        log.warning("viewers not told", agent_id=agent_id, why=str(error))
