"""Presence in one SQLite file, shared by the processes of one machine: doors write it, workers ask it."""

from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection

from sagents.viewers import Viewer, Viewers
from sagents_infra.presence.tracked import Clock, Tracked, check, joined, present, utc_now
from sagents_infra.sqlite_file import SqliteFile

BUSY = timedelta(seconds=2)

MIGRATIONS = (
    (
        """CREATE TABLE presence (
            topic TEXT NOT NULL, viewer TEXT NOT NULL, until REAL, tracked TEXT NOT NULL,
            PRIMARY KEY (topic, viewer))""",
        "CREATE INDEX presence_until ON presence (until) WHERE until IS NOT NULL",
    ),
)


class LocalPresence:
    """A `Presence` on a local disk. Call `close` when done."""

    def __init__(self, path: Path | str, clock: Clock = utc_now, busy: timedelta = BUSY) -> None:
        self._clock = clock
        self._file = SqliteFile(Path(path), MIGRATIONS, busy)

    async def join(self, topic: str, viewer: Viewer) -> None:
        check(topic, viewer.viewer, viewer.joined_at, viewer.until)
        await self._file.write(lambda db: self._join(db, topic, viewer))

    async def leave(self, topic: str, viewer: str, connection: str | None = None) -> None:
        check(topic, viewer)
        await self._file.write(lambda db: self._leave(db, topic, viewer, connection))

    async def viewers(self, topic: str) -> Viewers:
        return present(await self._file.read(lambda db: _at(db, topic)), self._clock())

    def close(self) -> None:
        self._file.close()

    def _join(self, db: Connection, topic: str, viewer: Viewer) -> None:
        now = self._clock()
        db.execute("DELETE FROM presence WHERE until <= ?", (now.timestamp(),))  # nobody else sweeps
        _keep(db, topic, joined(_known(db, topic, viewer.viewer), viewer, now))

    def _leave(self, db: Connection, topic: str, viewer: str, connection: str | None) -> None:
        known = _known(db, topic, viewer)
        if known is not None:
            _keep(db, topic, known.left(connection))


def _known(db: Connection, topic: str, viewer: str) -> Tracked | None:
    query = "SELECT tracked FROM presence WHERE topic = ? AND viewer = ?"
    row = db.execute(query, (topic, viewer)).fetchone()
    return None if row is None else Tracked.model_validate_json(row[0])


def _at(db: Connection, topic: str) -> list[Tracked]:
    rows = db.execute("SELECT tracked FROM presence WHERE topic = ?", (topic,))
    return [Tracked.model_validate_json(tracked) for (tracked,) in rows]


def _keep(db: Connection, topic: str, changed: Tracked) -> None:
    if not changed.is_there:
        db.execute("DELETE FROM presence WHERE topic = ? AND viewer = ?", (topic, changed.viewer))
        return
    until = changed.until.timestamp() if changed.until else None
    row = (topic, changed.viewer, until, changed.model_dump_json())
    db.execute("INSERT OR REPLACE INTO presence (topic, viewer, until, tracked) VALUES (?, ?, ?, ?)", row)
