"""Texts of any length in rows of at most 400 KB: a long one is written in parts first, and the row names them.

    part 0, part 1, part 2      written; nobody can find them
    row {parts: name}           written in its transaction: now the text is there
    the parts of the old row    removed; whoever was reading them reads the row again

The parts are rows of the same partition, and not files in `Blobs`: so they are read, backed up, moved and deleted
together with what they belong to, and a store needs nothing but its table. What a process leaves behind that dies
between the two writes is found by nobody, and goes with its agent.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from sagents.errors import StoreUnavailable
from sagents_infra.stores.dynamodb_calls import Raced, Torn
from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import Table

ROOM = 300_000
"""Bytes of a text that stands in its row, and of each part."""


class Draft:
    """The parts of texts whose rows are not written yet."""

    def __init__(self, table: Table, partition: str) -> None:
        self._table, self._partition = table, partition
        self.keys: list[Key] = []
        self.gone: list[Key] = []

    def text(self, text: str | None, room: int = ROOM) -> Row:
        """The attributes by which a row has this text."""
        if text is None:
            return {}
        data = text.encode()
        if len(data) <= room:
            return {"text": text}
        name, pieces = uuid4().hex, [data[at : at + ROOM] for at in range(0, len(data), ROOM)]
        keys = [_part(self._partition, name, number) for number in range(len(pieces))]
        self.keys += keys
        for key, piece in zip(keys, pieces, strict=True):
            self._table.put({**key.row, "bytes": piece})
        return {"parts": name, "count": len(pieces)}

    def instead_of(self, row: Row | None) -> "Draft":
        """Remove the parts of a row that is replaced, once it is."""
        self.gone += parts_of(self._partition, row or {})
        return self

    def written(self) -> None:
        """The rows are there, and the parts belong to them."""
        self.keys.clear()


@contextmanager
def drafting(table: Table, partition: str) -> Iterator[Draft]:
    """Around the writing of rows with texts. Parts stay where nobody knows whether the rows were written."""
    draft = Draft(table, partition)
    try:
        yield draft
    except StoreUnavailable:
        raise
    except Exception:
        _remove(table, draft.keys)
        raise
    _remove(table, draft.gone)


def text_of(table: Table, partition: str, row: Row) -> str | None:
    """The text that a row of this partition has. Raises `Torn` where parts are missing."""
    if "parts" not in row:
        text: str | None = row.get("text")
        return text
    keys = parts_of(partition, row)
    found = table.get(keys)
    if len(found) < len(keys):
        raise Torn(f"{len(keys) - len(found)} of {len(keys)} parts of a text in {partition!r} are missing.")
    return b"".join(found[key]["bytes"] for key in keys).decode()


def _remove(table: Table, keys: list[Key]) -> None:
    with suppress(StoreUnavailable, Raced):  # then they stay until their agent is deleted
        table.delete(keys)


def parts_of(partition: str, row: Row) -> list[Key]:
    """The keys of the parts that a row names."""
    return [_part(partition, row["parts"], number) for number in range(row["count"])] if "parts" in row else []


def _part(partition: str, name: str, number: int) -> Key:
    return Key(partition, f"part#{name}#{number:06}")
