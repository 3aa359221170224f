"""Rows by their numbers, without a gap that a later reader would find filled.

    transaction   ──row 7 ─────────────row 8 and 9──→        all or nothing, but not at one moment
    query         ────────── reads 7?  no ── 8? yes ──→      8 without 7: who went on after 8 would miss 7 for ever

DynamoDB shows a query each row as it is by itself. So where one is missing just before a new one it is looked for
again, in a way that waits for transactions. If it is not there then, it has expired, or somebody has removed it.
"""

import time
from collections.abc import Callable, Sequence

from sagents_infra.stores.dynamodb_calls import Raced
from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import Table

NEW = 300
"""Seconds in which a transaction is over, by any two clocks."""
MOST = 100
"""Rows before a new one that may belong to its transaction."""


def numbered(table: Table, key: Callable[[str, int], Key], agent_id: str, after: int, limit: int) -> list[Row]:
    """At most `limit` rows with numbers above `after`, in their order. Raises `Raced` where one came meanwhile."""
    first = key(agent_id, max(after, 0) + 1)
    last = first.sort.partition("#")[0] + "#~"
    found = list(table.query(first.partition, (first.sort, last), limit)) if limit > 0 else []
    missing = [key(agent_id, number) for number in _missing(found, max(after, 0))]
    if missing and table.settled_rows(missing):
        raise Raced("rows came while they were read")
    return found


def _missing(found: Sequence[Row], after: int) -> list[int]:
    """The numbers that are not there before rows that are new."""
    before, missing = after, list[int]()
    for row in found:
        if row["number"] > before + 1 and row["at"] > time.time() - NEW:
            missing += range(max(before + 1, row["number"] - MOST), row["number"])
        before = row["number"]
    return missing
