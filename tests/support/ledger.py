"""What happened, in order, in a file that outlives every process: a bank's book, and a witness's notes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

TABLES = """
    CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, what TEXT);
    CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, amount INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Ledger:
    """Each note and each effect is on disk before its call returns."""

    path: Path

    def note(self, kind: str, what: str) -> None:
        with self._open() as db:
            db.execute("INSERT INTO notes (kind, what) VALUES (?, ?)", (kind, what))

    def apply(self, key: str, amount: int) -> None:
        """Once per key, as banks do it."""
        with self._open() as db:
            db.execute("INSERT INTO effects (key, amount) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, amount))

    def notes(self, *kinds: str) -> list[tuple[str, str]]:
        with self._open() as db:
            rows = db.execute("SELECT kind, what FROM notes ORDER BY number").fetchall()
        return [(kind, what) for kind, what in rows if not kinds or kind in kinds]

    def amounts(self) -> list[int]:
        with self._open() as db:
            return [amount for (amount,) in db.execute("SELECT amount FROM effects ORDER BY amount")]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as db, db:
            db.executescript(TABLES)
            yield db
