"""What the calls of `Connections` do to a connection, the same for every adapter."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime

from sagents.connections import Connection
from sagents.errors import AgentNotFound, InvalidInput

Change = Callable[[Connection], Connection]

LONGEST_ID = 200


def check(connection: Connection) -> None:
    """What nobody could find, or what would never end, is not kept."""
    if not connection.id.strip() or len(connection.id) > LONGEST_ID:
        raise InvalidInput(f"A connection needs an id of up to {LONGEST_ID} characters; nothing was kept.")
    ends = connection.who.expires_at
    if ends is not None and ends.tzinfo is None:
        raise InvalidInput(f"A token ends at a time with a time zone, not at {ends.isoformat()}; nothing was kept.")


def renewing(until: datetime) -> Change:
    if until.tzinfo is None:
        raise InvalidInput(f"A lease ends at a time with a time zone, not at {until.isoformat()}; nothing was changed.")
    return lambda connection: connection.renewed(until)


def subscribing(agent_id: str, after: int, tenant: str | None, topic: str) -> Change:
    """Other tenants' agents are not there for a connection."""

    def subscribed(connection: Connection) -> Connection:
        if (connection.who.tenant or None) != (tenant or None):
            raise AgentNotFound(agent_id)
        return connection.subscribed(agent_id, after, topic)

    return subscribed


def unsubscribing(agent_id: str) -> Change:
    return lambda connection: connection.unsubscribed(agent_id)


def holding(connection: Connection | None, now: datetime) -> Connection | None:
    """The connection, unless it has ended."""
    return connection if connection is not None and connection.holds(now) else None


class Changing(ABC):
    """The calls of `Connections` that change one connection where it is kept; how, an adapter says."""

    async def renew(self, connection_id: str, until: datetime) -> Connection | None:
        return await self._change(connection_id, renewing(until))

    async def subscribe(
        self, connection_id: str, agent_id: str, after: int, tenant: str | None = None, topic: str = ""
    ) -> Connection | None:
        return await self._change(connection_id, subscribing(agent_id, after, tenant, topic))

    async def unsubscribe(self, connection_id: str, agent_id: str) -> Connection | None:
        return await self._change(connection_id, unsubscribing(agent_id))

    @abstractmethod
    async def _change(self, connection_id: str, change: Change) -> Connection | None:
        """The connection as it is now; None where it holds no more."""
