"""The rows of transcripts and the cards of agents in the SQLite store."""

from itertools import islice, takewhile
from sqlite3 import Connection

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents_infra.stores.entries import card_after, row_entry, row_of


def write(db: Connection, agent_id: str, row: DisplayMessage, number: int) -> None:
    """Put a row into the transcript, or in the place that it has there."""
    before = _body(db, agent_id, row.id)
    db.execute(
        "INSERT INTO display_rows (agent_id, row_id, number, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (agent_id, row_id) DO UPDATE SET body = excluded.body",
        (agent_id, row.id, number, row_entry(row, number, before)),
    )


def page(
    db: Connection, agent_id: str, after: int | None, before: int | None, limit: int
) -> tuple[DisplayMessage, ...]:
    wanted, bounds = "agent_id = ?", [after, before]
    wanted += "" if after is None else " AND number > ?"
    wanted += "" if before is None else " AND number < ?"
    order = "DESC" if after is None else "ASC"
    query = f"SELECT body FROM display_rows WHERE {wanted} ORDER BY number {order} LIMIT ?"
    values = (agent_id, *(bound for bound in bounds if bound is not None), max(limit, 0))
    found = [row_of(agent_id, body) for (body,) in db.execute(query, values)]
    return tuple(reversed(found) if after is None else found)


def row(db: Connection, agent_id: str, row_id: str) -> DisplayMessage | None:
    body = _body(db, agent_id, row_id)
    return None if body is None else row_of(agent_id, body)


def keep_card(db: Connection, agent_id: str, card: str) -> None:
    found = db.execute("SELECT body FROM cards WHERE agent_id = ?", (agent_id,)).fetchone()
    kept = card_after(None if found is None else found[0], card)
    db.execute("INSERT OR REPLACE INTO cards (agent_id, body) VALUES (?, ?)", (agent_id, kept))


def cards(db: Connection, prefix: str, after: str, limit: int) -> tuple[AgentCard, ...]:
    query = "SELECT agent_id, body FROM cards WHERE agent_id >= ? AND agent_id > ? ORDER BY agent_id"
    found = takewhile(lambda card: card[0].startswith(prefix), db.execute(query, (prefix, after)))
    return tuple(AgentCard.model_validate_json(body) for _, body in islice(found, max(limit, 0)))


def _body(db: Connection, agent_id: str, row_id: str) -> str | None:
    query = "SELECT body FROM display_rows WHERE agent_id = ? AND row_id = ?"
    found = db.execute(query, (agent_id, row_id)).fetchone()
    return None if found is None else str(found[0])
