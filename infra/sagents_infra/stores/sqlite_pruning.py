"""Forgets old step records and events in the SQLite store, in small pieces between its other work.

    save ── look ──→ (not yet)      save ── look ──→ piece ── others' calls ── piece ── … ──→ nothing left

Whoever saves looks, so that nobody has to be told to; of all processes one begins. Agents that wait for a person, or
did within the period, keep their records, as do their sub-agents: a call approved late knows its arguments.
"""

from contextlib import suppress
from datetime import timedelta
from sqlite3 import Connection

import structlog

from sagents.errors import StoreUnavailable
from sagents_infra.sqlite_file import SqliteFile, transaction
from sagents_infra.stores.keeping import Keeping

EVERY = timedelta(hours=6).total_seconds()
PIECE = 200
"""Rows that are removed in one transaction, while others wait."""

log = structlog.get_logger(__name__)

ROOT = "substr(records.agent_id, 1, instr(records.agent_id || '/', '/') - 1)"
OLD_RECORDS = f"""
    SELECT rowid FROM records
    WHERE at < :since AND NOT EXISTS (
        SELECT 1 FROM waited WHERE (waited.at IS NULL OR waited.at >= :since) AND (
            waited.agent_id = {ROOT} OR (waited.agent_id > {ROOT} || '/' AND waited.agent_id < {ROOT} || '0')))
    ORDER BY at LIMIT :most"""
OLD_EVENTS = "SELECT rowid FROM events WHERE at < ? ORDER BY at, id LIMIT ?"


class Pruning:
    """Removes what is older than `keeping` says."""

    def __init__(self, file: SqliteFile, keeping: Keeping) -> None:
        self._file, self._keeping, self._next = file, keeping, 0.0

    def look(self) -> None:
        """Begin where it is time to; returns at once."""
        now = self._keeping.clock()
        if now >= self._next and (self._keeping.records or self._keeping.events):
            self._next = now + EVERY
            self._submit(is_first=True)

    def _submit(self, *, is_first: bool = False) -> None:
        with suppress(RuntimeError):  # the store is being closed
            self._file.submit(lambda db: self._work(db, is_first))

    def _work(self, db: Connection, is_first: bool) -> None:
        try:
            with transaction(db):
                more = (not is_first or self._is_due(db)) and self._piece(db)
        except (StoreUnavailable, OSError) as error:
            log.warning("old rows were not removed", store=str(self._file.path), error=str(error))
            return
        if more:
            self._submit()

    def _is_due(self, db: Connection) -> bool:
        """Whether no process has begun a short while ago."""
        now = self._keeping.clock()
        (last,) = db.execute("SELECT max(at) FROM pruned").fetchone()
        if last is not None and now < last + EVERY:
            return False
        db.execute("DELETE FROM pruned")
        db.execute("INSERT INTO pruned (at) VALUES (?)", (now,))
        return True

    def _piece(self, db: Connection) -> bool:
        """Whether there is more."""
        gone = 0
        if (since := self._keeping.records_since) is not None:
            gone += db.execute(
                f"DELETE FROM records WHERE rowid IN ({OLD_RECORDS})", {"since": since, "most": PIECE}
            ).rowcount
        if (since := self._keeping.events_since) is not None:
            _keep_count(db, since)
            gone += db.execute(f"DELETE FROM events WHERE rowid IN ({OLD_EVENTS})", (since, PIECE)).rowcount
        return gone > 0


def _keep_count(db: Connection, since: float) -> None:
    """Logs that lose events go on counting where they were."""
    agents = f"SELECT DISTINCT agent_id FROM events WHERE rowid IN ({OLD_EVENTS})"
    newest = f"SELECT agent_id, max(id) FROM events WHERE agent_id IN ({agents}) GROUP BY agent_id"
    known = "WHERE true ON CONFLICT (agent_id) DO UPDATE SET newest = max(newest, excluded.newest)"
    db.execute(f"INSERT INTO trimmed (agent_id, newest) SELECT * FROM ({newest}) {known}", (since, PIECE))
