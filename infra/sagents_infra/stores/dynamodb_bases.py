"""The rows of bases in the DynamoDB store.

Each names its ancestors as far as the nearest snapshot, so that a chain is read many rows at a time, and knows the
weight of its chain, so that a save need not read it.
"""

from sagents.ports import Segment, Weight
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.bases import Aged, BaseRow, out_of_use, weight_of
from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, parts_of, text_of

BACK = 32
"""Ancestors that a row names."""
COLUMNS = ("position", "snapshot", "back", "snapshots", "segments")


def write(table: Table, agent_id: str, segment: Segment, draft: Draft, now: float) -> list[Write]:
    """How to write a base that is not stored yet."""
    key, parent_key = rows.base(agent_id, segment.base.digest), rows.base(agent_id, segment.parent.digest)
    found = table.get([key, parent_key], COLUMNS)
    if key in found:
        return []
    row = BaseRow.of(segment)
    values = {
        "digest": segment.base.digest,
        "position": segment.base.position,
        "parent": row.parent,
        "snapshot": int(row.is_snapshot),
        "size": row.size,
        "at": int(now),
        **_lineage(segment, row, found.get(parent_key)),
    }
    return [Write({**key.row, **values, **draft.text(row.body)}, ABSENT)]


def back(table: Table, agent_id: str, digest: str) -> list[BaseRow]:
    """The rows met on the way back from a base to the nearest snapshot, as far as they are stored."""
    met = list[BaseRow]()
    wanted, position = [digest], None
    while wanted:
        keys = [rows.base(agent_id, one) for one in wanted]
        found = table.get(keys)
        if len(found) < len(keys):  # lost, or on its way with the save that we know it from
            found |= table.settled_rows([key for key in keys if key not in found])
        ancestors = list[str]()
        for one in wanted:
            row = found.get(rows.base(agent_id, one))
            if row is None or (position is not None and row["position"] >= position):
                return met
            met.append(_read(table, agent_id, row))
            ancestors, position = row["back"], row["position"]
        wanted = ancestors
    return met


def prune(table: Table, agent_id: str, head: str, since: float) -> None:
    """Remove the bases that nobody needs, with their parts."""
    between = rows.base(agent_id, "").sort, "base~~"
    found = table.keys(
        rows.partition(agent_id), "digest", "parent", "snapshot", "at", "parts", "count", between=between
    )
    known = {row["digest"]: row for row in found if "digest" in row}
    bases = {digest: Aged(row["parent"], bool(row["snapshot"]), row["at"]) for digest, row in known.items()}
    gone = [known[digest] for digest in out_of_use(bases, head, since)]
    table.delete([key for row in gone for key in (Key.of(row), *parts_of(row["pk"], row))])


def weight(table: Table, agent_id: str, digest: str) -> Weight | None:
    row = table.one(rows.base(agent_id, digest), COLUMNS)
    if row is not None and "segments" in row:
        return Weight(snapshot=row["snapshots"], segments=row["segments"])
    return weight_of(agent_id, digest, back(table, agent_id, digest))


def _lineage(segment: Segment, row: BaseRow, parent: Row | None) -> Row:
    """Ancestors and weight; the weight is left out where an ancestor is missing, so that who asks finds out."""
    if row.is_snapshot:
        return {"back": [], "snapshots": row.size, "segments": 0}
    if not row.parent:
        return {"back": [], "snapshots": 0, "segments": row.size}
    if parent is None or parent["position"] >= segment.base.position:
        return {"back": [row.parent]}
    ancestors = [row.parent, *parent["back"]][:BACK]
    if "segments" not in parent:
        return {"back": ancestors}
    return {"back": ancestors, "snapshots": parent["snapshots"], "segments": parent["segments"] + row.size}


def _read(table: Table, agent_id: str, row: Row) -> BaseRow:
    body = text_of(table, rows.partition(agent_id), row) or ""
    return BaseRow(row["parent"], bool(row["snapshot"]), row["size"], body)
