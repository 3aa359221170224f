"""Rows in batches that a transaction takes."""

from collections.abc import Iterable
from typing import Any

from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import Write

ITEMS, BYTES = 90, 3_000_000
"""Less than the 100 items and 4 MB that a transaction takes: what goes along with the rows has its room, too."""


def batches(groups: Iterable[list[Write]], items: int = ITEMS, size: int = BYTES) -> list[list[Write]]:
    """The writes of the groups in their order, no group divided, no row twice in a batch, at least one batch."""
    done: list[list[Write]] = [[]]
    weight, taken = 0, set[Key]()
    for group in groups:
        added, keys = sum(_weight(write.row) for write in group), {Key.of(write.row) for write in group}
        if done[-1] and (len(done[-1]) + len(group) > items or weight + added > size or keys & taken):
            done.append([])
            weight, taken = 0, set()
        done[-1] += group
        weight += added
        taken |= keys
    return done


def _weight(row: Row) -> int:
    return sum(len(name) + _size(value) for name, value in row.items())


def _size(value: Any) -> int:
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int():
            return 21
        case _:
            return sum(1 + _size(one) for one in value)
