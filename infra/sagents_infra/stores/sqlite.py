"""A store in one SQLite file: the embedded default. Several processes may use the file at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.ports import Base, Chain, Claim, News, PendingInterrupt, Save, SavedHead, Weight
from sagents_infra.sqlite_file import SqliteFile
from sagents_infra.stores import sqlite_bases, sqlite_decisions, sqlite_log, sqlite_rows
from sagents_infra.stores.bases import chain_of, weight_of
from sagents_infra.stores.deciding import wished
from sagents_infra.stores.entries import in_line
from sagents_infra.stores.fence import claimed, saved, taken_over
from sagents_infra.stores.keeping import Keeping
from sagents_infra.stores.sqlite_pruning import Pruning
from sagents_infra.stores.sqlite_schema import MIGRATIONS, TABLES

BUSY = timedelta(seconds=2)
"""How long a call waits for another process's write; less than the 3 s that a save may take, so that it can say why."""


class SqliteStore:
    """A `Store` on a local disk. A killed process loses nothing that was confirmed; call `close` when done."""

    def __init__(self, path: Path | str, busy: timedelta = BUSY, keeping: Keeping | None = None) -> None:
        self._file, self._keeping = SqliteFile(Path(path), MIGRATIONS, busy), keeping or Keeping()
        self._pruning = Pruning(self._file, self._keeping)

    async def load(self, agent_id: str) -> SavedHead | None:
        return await self._file.read(lambda db: _load(db, agent_id))

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        return await self._file.write(lambda db: _take_over(db, agent_id, workflow_run_id, generation))

    async def save(self, save: Save) -> SavedHead:
        saved = await self._file.write(lambda db: _save(db, save, self._keeping))
        self._pruning.look()
        return saved

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        return chain_of(
            agent_id,
            digest,
            await self._file.read(lambda db: sqlite_bases.back(db, sqlite_bases.CHAIN, agent_id, digest)),
        )

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        return weight_of(
            agent_id,
            digest,
            await self._file.read(lambda db: sqlite_bases.back(db, sqlite_bases.WEIGHT, agent_id, digest)),
        )

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        now = self._keeping.clock()
        return await self._file.write(lambda db: _put_once(db, agent_id, (key, body), workflow_run_id, now))

    async def get(self, agent_id: str, key: str) -> str | None:
        return await self._file.read(lambda db: _get(db, agent_id, key))

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        now = self._keeping.clock()
        return await self._file.write(lambda db: _append(db, agent_id, news, workflow_run_id, now))

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        return await self._file.read(lambda db: sqlite_log.events(db, agent_id, after, limit))

    async def trim(self, agent_id: str, before: int) -> int:
        return await self._file.write(lambda db: sqlite_log.trim(db, agent_id, before))

    async def rows(
        self, agent_id: str, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[DisplayMessage, ...]:
        return await self._file.read(lambda db: sqlite_rows.page(db, agent_id, after, before, limit))

    async def row(self, agent_id: str, row_id: str) -> DisplayMessage | None:
        return await self._file.read(lambda db: sqlite_rows.row(db, agent_id, row_id))

    async def agents(self, prefix: str = "", after: str = "", limit: int = 100) -> tuple[AgentCard, ...]:
        return await self._file.read(lambda db: sqlite_rows.cards(db, prefix, after, limit))

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        await self._file.write(lambda db: _insert_record(db, agent_id, key, body))

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        return in_line(await self._file.read(lambda db: sqlite_log.waiting(db, agent_id)))

    async def log(self, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
        await self._file.write(lambda db: _log(db, agent_id, entries, workflow_run_id))

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        return await self._file.read(lambda db: sqlite_decisions.rows(db, agent_id, after, limit))

    async def logs(self) -> tuple[str, ...]:
        return await self._file.read(sqlite_decisions.logs)

    async def rules(self, keys: Sequence[str] | None = None) -> tuple[str, ...]:
        return await self._file.read(lambda db: sqlite_decisions.rules(db, keys))

    async def revoke_rule(self, rule_id: str, by: str, at: datetime) -> bool:
        return await self._file.write(lambda db: sqlite_decisions.revoke(db, rule_id, by, at))

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, until: datetime | None, now: datetime
    ) -> Claim | None:
        wish = wished(agent_id, interrupt_id, by, until)
        return await self._file.write(lambda db: sqlite_decisions.claim(db, (agent_id, interrupt_id), by, wish, now))

    async def claims(self, agent_id: str | None = None) -> tuple[Claim, ...]:
        return await self._file.read(lambda db: sqlite_decisions.claims(db, agent_id))

    async def delete(self, agent_id: str) -> None:
        await self._file.write(lambda db: _delete(db, agent_id))

    def close(self) -> None:
        self._file.close()


def _load(db: Connection, agent_id: str) -> SavedHead | None:
    columns = "generation, workflow_run_id, seq, head, base_position, base_digest"
    row = db.execute(f"SELECT {columns} FROM agents WHERE agent_id = ?", (agent_id,)).fetchone()
    if row is None:
        return None
    generation, workflow_run_id, seq, head, position, digest = row
    base = Base(position=position, digest=digest)
    return SavedHead(generation=generation, workflow_run_id=workflow_run_id, seq=seq, head=head, base=base)


def _keep(db: Connection, agent_id: str, row: SavedHead) -> None:
    db.execute(
        "INSERT OR REPLACE INTO agents (agent_id, generation, workflow_run_id, seq, base_position, base_digest, head)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (agent_id, row.generation, row.workflow_run_id, row.seq, row.base.position, row.base.digest, row.head),
    )


def _take_over(db: Connection, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
    row = taken_over(agent_id, _load(db, agent_id), workflow_run_id, generation)
    _keep(db, agent_id, row)
    return row


def _save(db: Connection, save: Save, keeping: Keeping) -> SavedHead:
    before = _load(db, save.agent_id)
    row = saved(before, save)
    if row is not before:
        _keep(db, save.agent_id, row)
        sqlite_log.replace_interrupts(db, save.agent_id, save.interrupts, keeping.clock())
        sqlite_decisions.forget_claims(db, save.agent_id, save.interrupts)
        if save.segment is not None:
            sqlite_bases.insert(db, save.agent_id, save.segment, keeping)
        if save.card is not None:
            sqlite_rows.keep_card(db, save.agent_id, save.card)
    sqlite_decisions.add_entries(db, save.agent_id, save.entries)
    sqlite_decisions.add_rules(db, save.agent_id, save.rules)
    return row


def _put_once(db: Connection, agent_id: str, record: tuple[str, str], workflow_run_id: str, now: float) -> str:
    key, body = record
    claimed(agent_id, _load(db, agent_id), workflow_run_id)
    _insert_record(db, agent_id, key, body, now)
    stored = _get(db, agent_id, key)
    return body if stored is None else stored


def _insert_record(db: Connection, agent_id: str, key: str, body: str, now: float | None = None) -> None:
    """What has no time of its own stays until its agent is deleted."""
    db.execute(
        "INSERT INTO records (agent_id, key, body, at) VALUES (?, ?, ?, ?) ON CONFLICT (agent_id, key) DO NOTHING",
        (agent_id, key, body, now),
    )


def _get(db: Connection, agent_id: str, key: str) -> str | None:
    row = db.execute("SELECT body FROM records WHERE agent_id = ? AND key = ?", (agent_id, key)).fetchone()
    return None if row is None else str(row[0])


def _append(
    db: Connection, agent_id: str, news: Sequence[News], workflow_run_id: str | None, now: float
) -> tuple[Event, ...]:
    row = _load(db, agent_id)
    if workflow_run_id is not None:
        claimed(agent_id, row, workflow_run_id)
    elif row is None:
        return ()
    return sqlite_log.append(db, agent_id, news, now)


def _log(db: Connection, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
    claimed(agent_id, _load(db, agent_id), workflow_run_id)
    sqlite_decisions.add_entries(db, agent_id, entries)


def _delete(db: Connection, agent_id: str) -> None:
    below = (agent_id, f"{agent_id}/", f"{agent_id}0")  # "0" comes right behind "/"
    for table in TABLES:
        db.execute(f"DELETE FROM {table} WHERE agent_id = ? OR (agent_id > ? AND agent_id < ?)", below)
