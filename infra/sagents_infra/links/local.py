"""Links' rows in one SQLite file, shared by the processes of one machine."""

import time
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection as Database

from sagents_infra.links.book import Change, LinkRow
from sagents_infra.sqlite_file import SqliteFile

BUSY = timedelta(seconds=2)
KEPT_FOR = 86_400
"""Seconds that a row stays after its link has ended, for clocks that differ."""

MIGRATIONS = (
    (
        "CREATE TABLE links (id TEXT PRIMARY KEY, ends REAL NOT NULL, kept TEXT NOT NULL)",
        "CREATE INDEX links_ends ON links (ends)",
    ),
)


class LocalLinkBook:
    """A `LinkBook` on a local disk. Call `close` when done."""

    def __init__(self, path: Path | str, busy: timedelta = BUSY) -> None:
        self._file = SqliteFile(Path(path), MIGRATIONS, busy)

    async def get(self, link_id: str) -> LinkRow | None:
        return await self._file.read(lambda db: _row(db, link_id))

    async def change(self, new: LinkRow, change: Change) -> LinkRow:
        return await self._file.write(lambda db: _changed(db, new, change))

    def close(self) -> None:
        self._file.close()


def _row(db: Database, link_id: str) -> LinkRow | None:
    found = db.execute("SELECT kept FROM links WHERE id = ?", (link_id,)).fetchone()
    return None if found is None else LinkRow.model_validate_json(found[0])


def _changed(db: Database, new: LinkRow, change: Change) -> LinkRow:
    db.execute("DELETE FROM links WHERE ends < ?", (time.time() - KEPT_FOR,))  # nobody else sweeps
    row = change(_row(db, new.id) or new)
    db.execute(
        "INSERT OR REPLACE INTO links (id, ends, kept) VALUES (?, ?, ?)",
        (row.id, row.until.timestamp(), row.model_dump_json()),
    )
    return row
