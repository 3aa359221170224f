"""A SQLite file that several processes use at once; in each of them, one thread with one connection."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from sagents.errors import StoreUnavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Migrations = Sequence[Sequence[str]]
"""The statements that lead from one `user_version` to the next. Only ever append."""

DAMAGE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class SqliteFile:
    """Runs work against the file. Calls may come from any event loop; they are done in order, on one thread.

    Every error that an operator can mend (locked, full, not writable, damaged) is `StoreUnavailable`, a damaged
    file too: an agent has to wait until the file is restored, never to start afresh. The connection is opened
    by the first call and anew after an error.
    """

    def __init__(self, path: Path, migrations: Migrations, busy: timedelta) -> None:
        self.path, self._migrations, self._busy = path, migrations, busy
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite {path.name}")

    async def read(self, work: Work[T]) -> T:
        return await asyncio.wrap_future(self.submit(work))

    async def write(self, work: Work[T]) -> T:
        """Do `work` in one transaction: all of it or, when it raises, nothing."""
        return await asyncio.wrap_future(self.submit(lambda db: _in_transaction(db, work)))

    def submit(self, work: Work[T]) -> Future[T]:
        return self._thread.submit(self._do, work)

    def close(self) -> None:
        """Finish what was asked for and close the connection."""
        self._thread.shutdown()
        self._disconnect()

    def _do(self, work: Work[T]) -> T:
        try:
            if self._connection is None:
                self._connection = _connect(self.path, self._migrations, self._busy)
            return work(self._connection)
        except (sqlite3.DatabaseError, OSError) as error:
            self._disconnect()
            if (why := _why(error)) is not None:
                raise StoreUnavailable(f"{self.path} {why}") from error
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _in_transaction(db: sqlite3.Connection, work: Work[T]) -> T:
    with transaction(db):
        return work(db)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Hold the file's one write lock from the start: a lock asked for later cannot wait its turn."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _connect(path: Path, migrations: Migrations, busy: timedelta) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=busy.total_seconds(), isolation_level=None, check_same_thread=False)
    try:
        _use_write_ahead_log(db, busy)
        db.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing; a power cut the last moments
        _migrate(path, db, migrations)
    except BaseException:
        db.close()
        raise
    return db


def _use_write_ahead_log(db: sqlite3.Connection, busy: timedelta) -> None:
    """So that readers do not wait for a writer. When two processes switch a new file at once, SQLite does not wait."""
    deadline = time.monotonic() + busy.total_seconds()
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(path: Path, db: sqlite3.Connection, migrations: Migrations) -> None:
    if _version(db) == len(migrations):
        return
    with transaction(db):
        version = _version(db)
        if version > len(migrations):
            raise StoreUnavailable(
                f"{path} was written by a newer Sagents (schema {version}, this one knows {len(migrations)}); upgrade."
            )
        for statements in migrations[version:]:
            for statement in statements:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={len(migrations)}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _why(error: sqlite3.DatabaseError | OSError) -> str | None:
    """What an operator can do about it; None for a bug of ours."""
    if isinstance(error, sqlite3.OperationalError | OSError):
        return f"is out of reach: {error}. Look for a full disk, missing rights or a program that holds the file."
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
        return f"is damaged or no SQLite file: {error}. Restore it from a backup, or move it away to start anew."
    return None
