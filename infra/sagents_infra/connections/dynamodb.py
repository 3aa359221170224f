"""Connections in the store's table of DynamoDB: a row each, and a pointer under each agent it watches. Imports boto3.

    connection#<id>      connection     whose it is, its lease, what it watches
    watchers#<agent>     <id>           only where to look: the row of the connection decides
    ticket#<id>          ticket         which connection has come by a ticket

So a ping replaces one row, whatever is watched. Pointers whose connection has been gone for a while are removed by
whoever meets them; where a token has an end, by DynamoDB, too.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sagents.connections import Connection
from sagents.errors import StoreUnavailable
from sagents_infra.connections.changing import Change, Changing, check, holding
from sagents_infra.presence.tracked import Clock, utc_now
from sagents_infra.stores.dynamodb_beside import PATIENCE, Beside, expiring, put, removed
from sagents_infra.stores.dynamodb_calls import Raced
from sagents_infra.stores.dynamodb_rows import Key, Row, named
from sagents_infra.stores.dynamodb_table import Table, Write

LONG_GONE = timedelta(minutes=1)
"""How long ago a lease has ended by this process's clock when by no door's clock it can still be renewed."""


class DynamoDBConnections(Changing):
    """A `Connections` in a table. Call `release` when done: `close` is the port's."""

    def __init__(self, client: Any, table: str, clock: Clock = utc_now, patience: timedelta = PATIENCE) -> None:
        self._clock = clock
        self._beside = Beside(client, table, patience)

    async def open(self, connection: Connection) -> None:
        check(connection)
        await self._beside.settle(lambda table: self._open(table, connection.but(watches={}, topics={})))

    async def get(self, connection_id: str) -> Connection | None:
        return holding(await self._beside.settle(lambda table: _of(_row(table, connection_id))), self._clock())

    async def close(self, connection_id: str) -> Connection | None:
        return await self._beside.settle(lambda table: _close(table, connection_id))

    async def watching(self, agent_id: str) -> tuple[Connection, ...]:
        return await self._beside.settle(lambda table: self._watching(table, agent_id))

    async def spend(self, ticket_id: str, connection_id: str, until: datetime) -> bool:
        return await self._beside.settle(lambda table: _spend(table, ticket_id, connection_id, until))

    def release(self) -> None:
        """Finish what was asked for."""
        self._beside.release()

    async def _change(self, connection_id: str, change: Change) -> Connection | None:
        return await self._beside.settle(lambda table: self._changed(table, connection_id, change))

    def _open(self, table: Table, connection: Connection) -> None:
        before = _row(table, connection.id)
        if holding(_of(before), self._clock()) is None:
            table.write([_put(connection, before)])

    def _changed(self, table: Table, connection_id: str, change: Change) -> Connection | None:
        before = _row(table, connection_id)
        known = holding(_of(before), self._clock())
        if known is None:
            return None
        changed = change(known)
        begun, ended = changed.watches.keys() - known.watches.keys(), known.watches.keys() - changed.watches.keys()
        pointers = [Write({**_pointer(agent_id, known).row, **expiring(known.who.expires_at)}) for agent_id in begun]
        table.write([_put(changed, before), *pointers, *_gone(ended, known)])
        return changed

    def _watching(self, table: Table, agent_id: str) -> tuple[Connection, ...]:
        pointers = {_key(row["sk"]): Key.of(row) for row in table.query(_watchers(agent_id))}
        found = {key: _of(row) for key, row in table.get(list(pointers)).items()}
        now = self._clock()
        _forget(table, [pointer for key, pointer in pointers.items() if _is_long_gone(found.get(key), now)])
        there = (holding(connection, now) for connection in found.values())
        watching = [one for one in there if one is not None and agent_id in one.watches]
        return tuple(sorted(watching, key=lambda one: one.id))


def _close(table: Table, connection_id: str) -> Connection | None:
    before = _row(table, connection_id)
    known = _of(before)
    if before is not None and known is not None:
        table.write([removed(_key(connection_id), before), *_gone(known.watches, known)])
    return known


def _spend(table: Table, ticket_id: str, connection_id: str, until: datetime) -> bool:
    """Put the row, once. Whose answer was lost comes again and finds its own."""
    key = Key(f"ticket{named(ticket_id)}", "ticket")
    before = table.one(key)
    if before is not None:
        return bool(before["text"] == connection_id)
    table.write([put(key, None, connection_id, until)])
    return True


def _is_long_gone(connection: Connection | None, now: datetime) -> bool:
    """Whether nobody can renew it any more; ids of connections are never used again."""
    return connection is None or not connection.holds(now - LONG_GONE)


def _forget(table: Table, pointers: Sequence[Key]) -> None:
    if pointers:
        with suppress(StoreUnavailable, Raced):  # then whoever comes next does
            table.delete(pointers)


def _row(table: Table, connection_id: str) -> Row | None:
    return table.one(_key(connection_id))


def _of(row: Row | None) -> Connection | None:
    return None if row is None else Connection.model_validate_json(row["text"])


def _put(connection: Connection, before: Row | None) -> Write:
    return put(_key(connection.id), before, connection.model_dump_json(), connection.ends_at)


def _gone(agent_ids: Iterable[str], connection: Connection) -> list[Write]:
    return [Write(_pointer(agent_id, connection).row, action="Delete") for agent_id in agent_ids]


def _key(connection_id: str) -> Key:
    return Key(f"connection{named(connection_id)}", "connection")


def _watchers(agent_id: str) -> str:
    return f"watchers{named(agent_id)}"


def _pointer(agent_id: str, connection: Connection) -> Key:
    return Key(_watchers(agent_id), connection.id)
