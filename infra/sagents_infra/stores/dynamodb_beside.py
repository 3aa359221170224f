"""What doors keep beside agents, in the same table: rows of one small text each, replaced by compare-and-set.

They belong to no agent, so nothing fences them; the version that was read has to be the one that is replaced.
"""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_schema import EXPIRES
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write

T = TypeVar("T")

AT_ONCE = 8
"""Requests at a time."""
PATIENCE = timedelta(seconds=2)


class Beside:
    """Does blocking work on a table, for callers on any event loop."""

    def __init__(self, client: Any, table: str, patience: timedelta = PATIENCE) -> None:
        self._table = Table(client, table, patience)
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="dynamodb beside")

    async def settle(self, work: Callable[[Table], T]) -> T:
        """Do `work`, anew as long as others are faster. It has to read all that it decides by."""
        return await asyncio.wrap_future(self._threads.submit(lambda: self._table.settled(lambda: work(self._table))))

    def release(self) -> None:
        """Finish what was asked for."""
        self._threads.shutdown()


def put(key: Key, before: Row | None, text: str, ends: datetime | None) -> Write:
    """The write of a row in the place of the one that was read. DynamoDB removes it some time after it `ends`."""
    version = time.time_ns()  # also another one than before a deletion
    return Write({**key.row, "version": version, "text": text, **expiring(ends)}, unchanged(before))


def removed(key: Key, before: Row) -> Write:
    return Write(key.row, unchanged(before), "Delete")


def unchanged(before: Row | None) -> Row:
    """The condition that the row is still as it was read."""
    return ABSENT if before is None else {"version": before["version"]}


def expiring(ends: datetime | None) -> Row:
    return {} if ends is None else {EXPIRES: math.ceil(ends.timestamp())}
