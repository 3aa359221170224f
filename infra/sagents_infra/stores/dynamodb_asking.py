"""What waits for people in an agent, and the claims on it, in the DynamoDB store: a row each, both in the index."""

import json
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from sagents.ports import Claim
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.deciding import claimed_after
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, drafting, text_of
from sagents_infra.stores.entries import Waiting, arrived, asked

WAITING, CLAIMS = "waiting", "claims"
"""Kinds of rows in the index."""


def waiting(table: Table, agent_id: str | None) -> list[Waiting]:
    found = table.listed(WAITING) if agent_id is None else _one(table, rows.waiting(agent_id))
    return [one for row in found for one in _waiting(table, row)]


def replaced(table: Table, agent_id: str, row: Row | None, bodies: Sequence[str], draft: Draft) -> list[Write]:
    """How to write what waits now in the place of what waited before."""
    before = [] if row is None else _waiting(table, row)
    now = [one for one in before if one.body in bodies]
    number = time.time_ns()
    now += [Waiting.of(agent_id, body, number + at) for at, body in enumerate(arrived(bodies, before))]
    if now == before:
        return []
    draft.instead_of(row)
    if not now:
        return [Write(rows.waiting(agent_id).row, action="Delete")]
    text = draft.text(json.dumps([(one.number, one.created_at, one.body) for one in now]))
    return [Write({**rows.waiting(agent_id).row, **text, **rows.listed(WAITING, agent_id)})]


def claims(table: Table, agent_id: str | None) -> tuple[Claim, ...]:
    found = table.listed(CLAIMS) if agent_id is None else _one(table, rows.claims(agent_id))
    return tuple(claim for row in found for claim in _claims(table, row).values())


def claim(table: Table, on: tuple[str, str], by: str, wish: Claim | None, now: datetime) -> Claim | None:
    agent_id, interrupt_id = on
    row = table.one(rows.claims(agent_id))
    before = {} if row is None else _claims(table, row)
    after = dict(before)
    held = claimed_after(after.pop(interrupt_id, None), by, wish, now)
    if held is not None:
        after[interrupt_id] = held
    if after != before:
        with drafting(table, rows.partition(agent_id)) as draft:
            table.write([_write(agent_id, row, after, draft)])
    return held


def forgotten(table: Table, agent_id: str, row: Row | None, interrupts: Sequence[str], draft: Draft) -> list[Write]:
    """How to forget the claims on interrupts that wait no more."""
    before = {} if row is None else _claims(table, row)
    known = asked(interrupts) if before else ()
    after = {interrupt_id: claim for interrupt_id, claim in before.items() if interrupt_id in known}
    return [] if after == before else [_write(agent_id, row, after, draft)]


def _write(agent_id: str, row: Row | None, claims: dict[str, Claim], draft: Draft) -> Write:
    unchanged = ABSENT if row is None else {"version": row["version"]}
    draft.instead_of(row)
    if not claims:
        return Write(rows.claims(agent_id).row, unchanged, "Delete")
    text = draft.text(json.dumps({interrupt_id: claim.model_dump_json() for interrupt_id, claim in claims.items()}))
    version = time.time_ns()  # also another one than before a deletion
    return Write({**rows.claims(agent_id).row, "version": version, **text, **rows.listed(CLAIMS, agent_id)}, unchanged)


def _one(table: Table, key: rows.Key) -> Iterable[Row]:
    return table.get([key]).values()


def _waiting(table: Table, row: Row) -> list[Waiting]:
    agent_id = row["pk"].removeprefix("agent#")
    found = json.loads(text_of(table, row["pk"], row) or "[]")
    return [Waiting(number, created_at, agent_id, body) for number, created_at, body in found]


def _claims(table: Table, row: Row) -> dict[str, Claim]:
    found = json.loads(text_of(table, row["pk"], row) or "{}")
    return {interrupt_id: Claim.model_validate_json(body) for interrupt_id, body in found.items()}
