"""The rows of bases in the SQLite store."""

from sqlite3 import Connection

from sagents.ports import Segment
from sagents_infra.stores.bases import Aged, BaseRow, out_of_use
from sagents_infra.stores.keeping import Keeping

BACK = """
    WITH RECURSIVE back (depth, digest, position, parent, is_snapshot, size) AS (
        SELECT 0, digest, position, parent, is_snapshot, size FROM bases WHERE agent_id = :agent_id AND digest = :digest
        UNION ALL
        SELECT depth + 1, bases.digest, bases.position, bases.parent, bases.is_snapshot, bases.size
        FROM back JOIN bases ON bases.agent_id = :agent_id AND bases.digest = back.parent
        WHERE NOT back.is_snapshot AND bases.position < back.position)"""
CHAIN = f"""{BACK}
    SELECT back.parent, back.is_snapshot, back.size, bases.body
    FROM back JOIN bases ON bases.agent_id = :agent_id AND bases.digest = back.digest ORDER BY depth"""
WEIGHT = f"""{BACK}
    SELECT parent, is_snapshot, size, '' FROM back ORDER BY depth"""


def insert(db: Connection, agent_id: str, segment: Segment, keeping: Keeping) -> None:
    """Keep a base; a snapshot is when older ones are looked through for those that nobody needs any more."""
    db.execute(
        "INSERT INTO bases (agent_id, digest, position, parent, is_snapshot, size, body, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent_id, digest) DO NOTHING",
        (agent_id, segment.base.digest, segment.base.position, *BaseRow.of(segment), keeping.clock()),
    )
    if segment.snapshot is not None and (since := keeping.records_since) is not None:
        _prune(db, agent_id, segment.base.digest, since)


def _prune(db: Connection, agent_id: str, head: str, since: float) -> None:
    query = "SELECT digest, parent, is_snapshot, at FROM bases WHERE agent_id = ?"
    bases = {digest: Aged(parent, bool(snap), at) for digest, parent, snap, at in db.execute(query, (agent_id,))}
    gone = [(agent_id, digest) for digest in out_of_use(bases, head, since)]
    db.executemany("DELETE FROM bases WHERE agent_id = ? AND digest = ?", gone)


def back(db: Connection, query: str, agent_id: str, digest: str) -> list[BaseRow]:
    return [BaseRow(*row) for row in db.execute(query, {"agent_id": agent_id, "digest": digest})]
