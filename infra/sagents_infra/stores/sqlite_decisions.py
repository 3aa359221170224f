"""The rows of people's decisions in the SQLite store: the decision log, remembered rules, and claims."""

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection

from sagents.decision_log import NOTHING, Tip, row_after
from sagents.ports import Claim
from sagents_infra.stores.deciding import KeptRule, claimed_after, slot_of
from sagents_infra.stores.entries import asked


def add_entries(db: Connection, agent_id: str, entries: Sequence[str]) -> None:
    """Write what is new. The transaction around it makes numbers rise without a gap, whoever else writes."""
    for entry in entries:
        slot = slot_of(entry)
        if db.execute("SELECT 1 FROM decisions WHERE agent_id = ? AND slot = ?", (agent_id, slot)).fetchone() is None:
            row = row_after(_tip(db, agent_id), agent_id, entry)
            values = (agent_id, row.number, slot, row.hash, row.model_dump_json())
            db.execute("INSERT INTO decisions (agent_id, number, slot, hash, body) VALUES (?, ?, ?, ?, ?)", values)


def rows(db: Connection, agent_id: str, after: int, limit: int) -> tuple[str, ...]:
    query = "SELECT body FROM decisions WHERE agent_id = ? AND number > ? ORDER BY number LIMIT ?"
    return tuple(body for (body,) in db.execute(query, (agent_id, after, limit)))


def logs(db: Connection) -> tuple[str, ...]:
    return tuple(agent_id for (agent_id,) in db.execute("SELECT DISTINCT agent_id FROM decisions ORDER BY agent_id"))


def add_rules(db: Connection, agent_id: str, bodies: Sequence[str]) -> None:
    query = "INSERT INTO rules (rule_id, agent_id, key, body) VALUES (?, ?, ?, ?) ON CONFLICT (rule_id) DO NOTHING"
    db.executemany(query, [KeptRule.of(agent_id, body) for body in bodies])


def rules(db: Connection, keys: Sequence[str] | None) -> tuple[str, ...]:
    wanted = "" if keys is None else f"WHERE key IN ({', '.join('?' * len(keys))})"
    found = db.execute(f"SELECT body FROM rules {wanted} ORDER BY number", keys or ())
    return tuple(body for (body,) in found)


def revoke(db: Connection, rule_id: str, by: str, at: datetime) -> bool:
    found = db.execute("SELECT rule_id, agent_id, key, body FROM rules WHERE rule_id = ?", (rule_id,)).fetchone()
    rule = None if found is None else KeptRule(*found).revoked(by, at)
    if rule is None:
        return False
    db.execute("UPDATE rules SET body = ? WHERE rule_id = ?", (rule.body, rule_id))
    return True


def claim(db: Connection, on: tuple[str, str], by: str, wish: Claim | None, now: datetime) -> Claim | None:
    found = db.execute("SELECT body FROM claims WHERE agent_id = ? AND interrupt_id = ?", on).fetchone()
    held = None if found is None else Claim.model_validate_json(found[0])
    claimed = claimed_after(held, by, wish, now)
    if claimed is None:
        db.execute("DELETE FROM claims WHERE agent_id = ? AND interrupt_id = ?", on)
    else:
        values = (*on, claimed.model_dump_json())
        db.execute("INSERT OR REPLACE INTO claims (agent_id, interrupt_id, body) VALUES (?, ?, ?)", values)
    return claimed


def claims(db: Connection, agent_id: str | None) -> tuple[Claim, ...]:
    if agent_id is None:
        found = db.execute("SELECT body FROM claims")
    else:
        found = db.execute("SELECT body FROM claims WHERE agent_id = ?", (agent_id,))
    return tuple(Claim.model_validate_json(body) for (body,) in found)


def forget_claims(db: Connection, agent_id: str, waiting: Sequence[str]) -> None:
    """Those on interrupts that wait no more."""
    claimed = {one.interrupt_id for one in claims(db, agent_id)}
    gone = claimed - asked(waiting) if claimed else ()
    query = "DELETE FROM claims WHERE agent_id = ? AND interrupt_id = ?"
    db.executemany(query, [(agent_id, interrupt_id) for interrupt_id in gone])


def _tip(db: Connection, agent_id: str) -> Tip:
    query = "SELECT number, hash FROM decisions WHERE agent_id = ? ORDER BY number DESC LIMIT 1"
    found = db.execute(query, (agent_id,)).fetchone()
    return NOTHING if found is None else Tip(*found)
