"""The rows of events and of interrupts in the SQLite store."""

from collections.abc import Sequence
from sqlite3 import Connection

from sagents.events import Event
from sagents.ports import News
from sagents_infra.stores import sqlite_rows
from sagents_infra.stores.entries import Waiting, arrived, entry_of, event_of


def append(db: Connection, agent_id: str, news: Sequence[News], now: float) -> tuple[Event, ...]:
    """Write what is new. The transaction around it makes ids rise without a gap, whoever else writes."""
    return tuple(event_of(agent_id, _entry(db, agent_id, one) or _write(db, agent_id, one, now)) for one in news)


def events(db: Connection, agent_id: str, after: int, limit: int) -> tuple[Event, ...]:
    query = "SELECT entry FROM events WHERE agent_id = ? AND id > ? ORDER BY id LIMIT ?"
    return tuple(event_of(agent_id, entry) for (entry,) in db.execute(query, (agent_id, after, limit)))


def trim(db: Connection, agent_id: str, before: int) -> int:
    newest = _newest(db, agent_id)
    gone = db.execute("DELETE FROM events WHERE agent_id = ? AND id < ?", (agent_id, before)).rowcount
    if gone:
        db.execute("INSERT OR REPLACE INTO trimmed (agent_id, newest) VALUES (?, ?)", (agent_id, newest))
    return gone


def waiting(db: Connection, agent_id: str | None) -> tuple[Waiting, ...]:
    query = "SELECT number, created_at, agent_id, body FROM interrupts"
    if agent_id is None:
        return tuple(Waiting(*row) for row in db.execute(query))
    return tuple(Waiting(*row) for row in db.execute(f"{query} WHERE agent_id = ?", (agent_id,)))


def replace_interrupts(db: Connection, agent_id: str, bodies: Sequence[str], now: float) -> None:
    before = waiting(db, agent_id)
    if before or bodies:
        last = None if bodies else now
        db.execute("INSERT OR REPLACE INTO waited (agent_id, at) VALUES (?, ?)", (agent_id, last))
    gone = [(one.number,) for one in before if one.body not in bodies]
    db.executemany("DELETE FROM interrupts WHERE number = ?", gone)
    for body in arrived(bodies, before):
        created_at = Waiting.of(agent_id, body, 0).created_at
        row = (created_at, agent_id, body)
        db.execute("INSERT INTO interrupts (created_at, agent_id, body) VALUES (?, ?, ?)", row)


def _entry(db: Connection, agent_id: str, news: News) -> str | None:
    """What stands in the slot already."""
    query = "SELECT entry FROM events WHERE agent_id = ? AND slot = ?"
    row = db.execute(query, (agent_id, news.slot)).fetchone()
    return None if row is None else str(row[0])


def _write(db: Connection, agent_id: str, news: News, now: float) -> str:
    number = _newest(db, agent_id) + 1
    entry = entry_of(news, number)
    row = (agent_id, number, news.slot, entry, now)
    db.execute("INSERT INTO events (agent_id, id, slot, entry, at) VALUES (?, ?, ?, ?, ?)", row)
    if news.row is not None:
        sqlite_rows.write(db, agent_id, news.row, number)
    return entry


def _newest(db: Connection, agent_id: str) -> int:
    """The id that was given last; a log that was trimmed to nothing still knows."""
    query = "SELECT max(id) FROM events WHERE agent_id = ? UNION ALL SELECT newest FROM trimmed WHERE agent_id = ?"
    return max((newest or 0 for (newest,) in db.execute(query, (agent_id, agent_id))), default=0)
