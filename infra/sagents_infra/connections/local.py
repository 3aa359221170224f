"""Connections in one SQLite file, shared by the processes of one machine."""

from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection as Database

from sagents.connections import Connection
from sagents_infra.connections.changing import Change, Changing, check, holding
from sagents_infra.presence.tracked import Clock, utc_now
from sagents_infra.sqlite_file import SqliteFile

BUSY = timedelta(seconds=2)

MIGRATIONS = (
    (
        "CREATE TABLE connections (id TEXT PRIMARY KEY, ends REAL NOT NULL, kept TEXT NOT NULL)",
        "CREATE INDEX connections_ends ON connections (ends)",
        """CREATE TABLE watches (
            agent_id TEXT NOT NULL, connection TEXT NOT NULL, PRIMARY KEY (agent_id, connection)) WITHOUT ROWID""",
        "CREATE INDEX watches_connection ON watches (connection)",
    ),
    ("CREATE TABLE spent (ticket TEXT PRIMARY KEY, connection TEXT NOT NULL, ends REAL NOT NULL) WITHOUT ROWID",),
)


class LocalConnections(Changing):
    """A `Connections` on a local disk. Call `release` when done: `close` is the port's."""

    def __init__(self, path: Path | str, clock: Clock = utc_now, busy: timedelta = BUSY) -> None:
        self._clock = clock
        self._file = SqliteFile(Path(path), MIGRATIONS, busy)

    async def open(self, connection: Connection) -> None:
        check(connection)
        await self._file.write(lambda db: self._open(db, connection))

    async def get(self, connection_id: str) -> Connection | None:
        return holding(await self._file.read(lambda db: _known(db, connection_id)), self._clock())

    async def close(self, connection_id: str) -> Connection | None:
        return await self._file.write(lambda db: _close(db, connection_id))

    async def watching(self, agent_id: str) -> tuple[Connection, ...]:
        found = await self._file.read(lambda db: _watching(db, agent_id))
        now = self._clock()
        return tuple(connection for connection in found if connection.holds(now))

    async def spend(self, ticket_id: str, connection_id: str, until: datetime) -> bool:
        return await self._file.write(lambda db: self._spend(db, ticket_id, connection_id, until))

    def release(self) -> None:
        self._file.close()

    async def _change(self, connection_id: str, change: Change) -> Connection | None:
        return await self._file.write(lambda db: self._changed(db, connection_id, change))

    def _open(self, db: Database, connection: Connection) -> None:
        db.execute("DELETE FROM watches WHERE connection IN (SELECT id FROM connections WHERE ends <= ?)", self._now)
        db.execute("DELETE FROM connections WHERE ends <= ?", self._now)  # nobody else sweeps
        if _known(db, connection.id) is None:
            _keep(db, connection.but(watches={}, topics={}))

    def _changed(self, db: Database, connection_id: str, change: Change) -> Connection | None:
        known = holding(_known(db, connection_id), self._clock())
        if known is not None:
            known = change(known)
            _keep(db, known)
        return known

    def _spend(self, db: Database, ticket_id: str, connection_id: str, until: datetime) -> bool:
        db.execute("DELETE FROM spent WHERE ends <= ?", self._now)
        db.execute("INSERT OR IGNORE INTO spent VALUES (?, ?, ?)", (ticket_id, connection_id, until.timestamp()))
        row = db.execute("SELECT connection FROM spent WHERE ticket = ?", (ticket_id,)).fetchone()
        return row is not None and row[0] == connection_id

    @property
    def _now(self) -> tuple[float]:
        return (self._clock().timestamp(),)


def _known(db: Database, connection_id: str) -> Connection | None:
    row = db.execute("SELECT kept FROM connections WHERE id = ?", (connection_id,)).fetchone()
    return None if row is None else Connection.model_validate_json(row[0])


def _keep(db: Database, connection: Connection) -> None:
    row = (connection.id, connection.ends_at.timestamp(), connection.model_dump_json())
    db.execute("INSERT OR REPLACE INTO connections (id, ends, kept) VALUES (?, ?, ?)", row)
    db.execute("DELETE FROM watches WHERE connection = ?", (connection.id,))
    pairs = [(agent_id, connection.id) for agent_id in connection.watches]
    db.executemany("INSERT INTO watches (agent_id, connection) VALUES (?, ?)", pairs)


def _close(db: Database, connection_id: str) -> Connection | None:
    known = _known(db, connection_id)
    db.execute("DELETE FROM watches WHERE connection = ?", (connection_id,))
    db.execute("DELETE FROM connections WHERE id = ?", (connection_id,))
    return known


def _watching(db: Database, agent_id: str) -> list[Connection]:
    query = "SELECT kept FROM watches JOIN connections ON id = connection WHERE agent_id = ? ORDER BY id"
    return [Connection.model_validate_json(kept) for (kept,) in db.execute(query, (agent_id,))]
