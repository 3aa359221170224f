"""WebSockets that doors hold open, as the store keeps them: whose each is, what it watches, how long it counts.

    door     ──open──subscribe(a)──ping──ping──x lost       its lease ends, and with it what it watches
    worker   ──────────────────watching(a)────────────────  to whom it pushes

Nothing is pushed after the end of the token by which a person came, however long the connection stays open.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, Self, TypeVar

from pydantic import AwareDatetime, Field

from sagents.errors import InvalidInput
from sagents.frozen import Frozen
from sagents.principal import Principal

T = TypeVar("T")

MOST_WATCHED = 50
"""Agents that one connection watches at a time."""


class Connection(Frozen):
    """A connection of `who`, whose identity ends at `who.expires_at`. Its lease ends `until`, unless pings renew it.

    `watches` are agents, each with the id of the last event that was known when watching began; `topics` what the
    viewers of some of them look at. `scopes` is what the token is good for.
    """

    id: str
    who: Principal
    scopes: tuple[str, ...] = ()
    until: AwareDatetime
    watches: Mapping[str, int] = Field(default_factory=dict)
    topics: Mapping[str, str] = Field(default_factory=dict)

    @property
    def ends_at(self) -> datetime:
        """The end of the lease or of the token, whichever comes first."""
        return min(self.until, self.who.expires_at or self.until)

    def holds(self, now: datetime) -> bool:
        """Whether anything may be pushed to it."""
        return now < self.ends_at

    def renewed(self, until: datetime) -> Self:
        """With a longer lease; a late ping shortens none."""
        return self.but(until=max(self.until, until))

    def subscribed(self, agent_id: str, after: int, topic: str = "") -> Self:
        """With one more agent. Raises `InvalidInput` where it watches too many."""
        watches = {**self.watches, agent_id: after}
        if len(watches) > MOST_WATCHED:
            raise InvalidInput(f"A connection watches {MOST_WATCHED} agents at most; leave one, or open another.")
        return self.but(watches=watches, topics={**self.topics, agent_id: topic} if topic else self.topics)

    def unsubscribed(self, agent_id: str) -> Self:
        return self.but(watches=_without(agent_id, self.watches), topics=_without(agent_id, self.topics))


def _without(agent_id: str, known: Mapping[str, T]) -> Mapping[str, T]:
    return {other: value for other, value in known.items() if other != agent_id}


class Connections(Protocol):
    """Where doors keep their connections, for workers to find. Pings come here only, never into a history.

    A connection that has ended, by its lease or its token, is not there any more: nothing renews it, and another one is
    opened under another id. `StoreUnavailable` where the storage is out of reach.
    `tests/infra/connections/test_contract.py` is the specification.
    """

    async def open(self, connection: Connection) -> None:
        """Keep a connection that watches nothing yet. One that is there stays as it is: a retry changes nothing."""

    async def get(self, connection_id: str) -> Connection | None:
        """The connection; None where it is not there."""

    async def renew(self, connection_id: str, until: datetime) -> Connection | None:
        """Let the lease end later. The connection as it is now; None where it is not there."""

    async def subscribe(
        self, connection_id: str, agent_id: str, after: int, tenant: str | None = None, topic: str = ""
    ) -> Connection | None:
        """Watch an agent of this `tenant`, from the event after `after` on; None where the connection is not there.

        A `topic` is kept, and stays where another call gives none.
        Raises `AgentNotFound` where the tenant is not the connection's. Whoever reads the log after this returned, and
        then hears what is pushed, misses no event.
        """

    async def unsubscribe(self, connection_id: str, agent_id: str) -> Connection | None:
        """Watch it no more. The connection as it is now; None where it is not there."""

    async def close(self, connection_id: str) -> Connection | None:
        """Forget a connection; what is known of it, with what it watched. None where nothing is."""

    async def watching(self, agent_id: str) -> tuple[Connection, ...]:
        """Who watches an agent and holds now, by id. It has every `subscribe` that has returned."""

    async def spend(self, ticket_id: str, connection_id: str, until: datetime) -> bool:
        """Whether a ticket opens this connection: no other one has come by it. Forgotten some time after `until`."""
