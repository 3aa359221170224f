"""Step records, and what doors leave, in the DynamoDB store: a row each, which the first writer fills."""

from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_fence import Fence
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import drafting, text_of


def put_once(table: Table, agent_id: str, record: tuple[str, str], run: str, expires: Row) -> str:
    key, body = rows.record(agent_id, record[0]), record[1]
    found = table.get([rows.fence(agent_id), key])
    fence = Fence.of(agent_id, found.get(rows.fence(agent_id)))
    fence.claimed(run)
    if key in found:
        return text_of(table, key.partition, found[key]) or ""
    with drafting(table, key.partition) as draft:
        table.write([fence.check(), Write({**key.row, **draft.text(body), **expires}, ABSENT)])
    return body


def get(table: Table, agent_id: str, key: str) -> str | None:
    row = table.one(rows.record(agent_id, key))
    return None if row is None else text_of(table, rows.partition(agent_id), row)


def deposit(table: Table, agent_id: str, key: str, body: str) -> None:
    place = rows.record(agent_id, key)
    if table.one(place, ["count"]) is None:
        with drafting(table, place.partition) as draft:
            table.write([Write({**place.row, **draft.text(body)}, ABSENT)])
