"""Connections in this process's memory, for tests and for a door that is its own worker."""

from datetime import datetime
from threading import Lock

from sagents.connections import Connection
from sagents_infra.connections.changing import Change, Changing, check, holding
from sagents_infra.presence.tracked import Clock, utc_now


class MemoryConnections(Changing):
    """A `Connections` that forgets with its process. Loops in several threads may share it."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, Connection] = {}
        self._spent: dict[str, tuple[str, datetime]] = {}

    async def open(self, connection: Connection) -> None:
        check(connection)
        with self._lock:
            now = self._clock()
            self._kept = {known.id: known for known in self._kept.values() if known.holds(now)}
            self._kept.setdefault(connection.id, connection.but(watches={}, topics={}))

    async def get(self, connection_id: str) -> Connection | None:
        with self._lock:
            return holding(self._kept.get(connection_id), self._clock())

    async def close(self, connection_id: str) -> Connection | None:
        with self._lock:
            return self._kept.pop(connection_id, None)

    async def watching(self, agent_id: str) -> tuple[Connection, ...]:
        with self._lock:
            now = self._clock()
            found = [known for known in self._kept.values() if agent_id in known.watches and known.holds(now)]
        return tuple(sorted(found, key=lambda known: known.id))

    async def spend(self, ticket_id: str, connection_id: str, until: datetime) -> bool:
        with self._lock:
            now = self._clock()
            self._spent = {known: spent for known, spent in self._spent.items() if now < spent[1]}
            return self._spent.setdefault(ticket_id, (connection_id, until))[0] == connection_id

    async def _change(self, connection_id: str, change: Change) -> Connection | None:
        with self._lock:
            known = holding(self._kept.get(connection_id), self._clock())
            if known is not None:
                known = self._kept[connection_id] = change(known)
            return known
