"""The rows of bases in the SQLite store."""

from sqlite3 import Connection

from sagents.ports import Segment
from sagents_infra.stores.bases import BaseRow

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


def insert(db: Connection, agent_id: str, segment: Segment) -> None:
    db.execute(
        "INSERT INTO bases (agent_id, digest, position, parent, is_snapshot, size, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (agent_id, digest) DO NOTHING",
        (agent_id, segment.base.digest, segment.base.position, *BaseRow.of(segment)),
    )


def back(db: Connection, query: str, agent_id: str, digest: str) -> list[BaseRow]:
    return [BaseRow(*row) for row in db.execute(query, {"agent_id": agent_id, "digest": digest})]
