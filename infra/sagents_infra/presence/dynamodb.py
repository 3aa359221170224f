"""Presence in the store's table of DynamoDB: a row per person at a topic, all of one topic together. Imports boto3."""

from datetime import timedelta
from typing import Any

from sagents.viewers import Viewer, Viewers
from sagents_infra.presence.tracked import Clock, Tracked, check, joined, present, utc_now
from sagents_infra.stores.dynamodb_beside import PATIENCE, Beside, put, removed
from sagents_infra.stores.dynamodb_rows import Key, Row, named
from sagents_infra.stores.dynamodb_table import Table


class DynamoDBPresence:
    """A `Presence` in a table. DynamoDB removes who has no lease any more, some time later. Call `close` when done."""

    def __init__(self, client: Any, table: str, clock: Clock = utc_now, patience: timedelta = PATIENCE) -> None:
        self._clock = clock
        self._beside = Beside(client, table, patience)

    async def join(self, topic: str, viewer: Viewer) -> None:
        check(topic, viewer.viewer, viewer.joined_at, viewer.until)
        await self._beside.settle(lambda table: self._join(table, topic, viewer))

    async def leave(self, topic: str, viewer: str, connection: str | None = None) -> None:
        check(topic, viewer)
        await self._beside.settle(lambda table: _leave(table, _key(topic, viewer), connection))

    async def viewers(self, topic: str) -> Viewers:
        if not topic:
            return Viewers()
        found = await self._beside.settle(lambda table: [_of(row) for row in table.query(_at(topic))])
        return present(found, self._clock())

    def close(self) -> None:
        """Finish what was asked for."""
        self._beside.release()

    def _join(self, table: Table, topic: str, viewer: Viewer) -> None:
        key = _key(topic, viewer.viewer)
        before = table.one(key)
        known = None if before is None else _of(before)
        _keep(table, key, before, joined(known, viewer, self._clock()))


def _leave(table: Table, key: Key, connection: str | None) -> None:
    before = table.one(key)
    if before is not None:
        _keep(table, key, before, _of(before).left(connection))


def _keep(table: Table, key: Key, before: Row | None, changed: Tracked) -> None:
    if changed.is_there:
        table.write([put(key, before, changed.model_dump_json(), changed.until)])
    elif before is not None:
        table.write([removed(key, before)])


def _of(row: Row) -> Tracked:
    return Tracked.model_validate_json(row["text"])


def _at(topic: str) -> str:
    return f"topic{named(topic)}"


def _key(topic: str, viewer: str) -> Key:
    return Key(_at(topic), f"viewer{named(viewer)}")
