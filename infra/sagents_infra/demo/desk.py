"""The desk that the demo's agent works at: files, and a ledger that takes each entry once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

SALES = {"north.csv": (120, 80, 310), "south.csv": (75, 240, 60), "west.csv": (410, 95, 155)}
MONTHS = ("January", "February", "March")


@dataclass(frozen=True)
class Desk:
    """A folder with the sales of three regions."""

    folder: Path

    @property
    def published(self) -> Path:
        """Where the report is once it is published."""
        return self.folder / "published" / "report.md"

    @property
    def questions(self) -> Path:
        """Where a scripted model notes what it was asked."""
        return self.folder / "questions.log"

    def set(self) -> None:
        """Put the files there."""
        self.published.parent.mkdir(parents=True)
        for name, figures in SALES.items():
            rows = [f"{month},{amount}" for month, amount in zip(MONTHS, figures, strict=True)]
            (self.folder / name).write_text("\n".join(["month,amount", *rows, ""]))
        with self._ledger() as db:
            db.execute("CREATE TABLE attempts (key TEXT, file TEXT)")
            db.execute("CREATE TABLE entries (key TEXT PRIMARY KEY, file TEXT, total INTEGER)")

    def file(self, name: str) -> Path:
        """A file of this desk, and of no other folder."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"{name!r} is not on the desk")
        return path

    def begin(self, key: str, file: str) -> None:
        """Note that somebody starts to count."""
        with self._ledger() as db:
            db.execute("INSERT INTO attempts VALUES (?, ?)", (key, file))

    def enter(self, key: str, file: str, total: int) -> None:
        """Enter a total; a second attempt of the same call finds its own entry."""
        with self._ledger() as db:
            db.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", (key, file, total))

    def count(self, table: str) -> int:
        with self._ledger() as db:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def totals(self) -> dict[str, int]:
        with self._ledger() as db:
            return dict(db.execute("SELECT file, total FROM entries").fetchall())

    @contextmanager
    def _ledger(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.folder / "ledger.db", timeout=10)) as db, db:
            yield db
