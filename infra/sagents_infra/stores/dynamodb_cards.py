"""The cards of agents in the DynamoDB store: a row each, in the index."""

from itertools import islice, takewhile

from sagents.cards import AgentCard
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_rows import SHARDS, Row
from sagents_infra.stores.dynamodb_table import Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, text_of
from sagents_infra.stores.entries import card_after

CARD = "card"
"""The kind of rows in the index."""


def replaced(table: Table, agent_id: str, row: Row | None, card: str, draft: Draft) -> Write:
    """How to write a card in the place of the one that is there."""
    before = None if row is None else text_of(table, row["pk"], row)
    text = draft.instead_of(row).text(card_after(before, card))
    return Write({**rows.card(agent_id).row, **text, **rows.listed(CARD, agent_id)})


def cards(table: Table, prefix: str, after: str, limit: int) -> tuple[AgentCard, ...]:
    """As the index has them, each shard in its order: a moment behind the table."""
    if limit <= 0:
        return ()
    found = [
        row for number in range(SHARDS) for row in _of_shard(table, rows.shard(CARD, number), prefix, after, limit)
    ]
    texts = {row["pk"]: text_of(table, row["pk"], row) for row in table.as_they_are(found)}
    return tuple(AgentCard.model_validate_json(text) for _, text in sorted(texts.items())[:limit] if text is not None)


def _of_shard(table: Table, kind: str, prefix: str, after: str, limit: int) -> list[Row]:
    line = table.placed_from(kind, rows.place(max(prefix, after)), limit + 1)
    beginning = takewhile(lambda row: row["place"].startswith(rows.place(prefix)), line)
    own, least = rows.partition(prefix), rows.partition(after)
    return list(islice((row for row in beginning if row["pk"].startswith(own) and row["pk"] > least), limit))
