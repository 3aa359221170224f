"""The rows of transcripts in the DynamoDB store: one under its number, and one that says which number an id has.

Numbers have gaps, for not every event has a row. So each names the one before it: who reads a page while a transaction
is under way, and is not shown all of it, sees that one is missing (see `dynamodb_numbered`).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from sagents.display import DisplayMessage
from sagents.ports import News
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_calls import Raced
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, text_of
from sagents_infra.stores.entries import row_entry, row_of


class Transcript:
    """What an append writes into a transcript, whose newest row has the number `newest`."""

    def __init__(self, agent_id: str, newest: int) -> None:
        self._agent_id, self._newest = agent_id, newest
        self._there: dict[str, tuple[Row, str]] = {}
        """Rows that have been written by now, and their texts, by id."""

    @classmethod
    def of(cls, table: Table, agent_id: str, newest: int, numbers: Iterable[int]) -> "Transcript":
        """With the rows that these numbers have."""
        transcript = cls(agent_id, newest)
        for row in table.get([rows.row(agent_id, number) for number in numbers]).values():
            text = text_of(table, row["pk"], row) or ""
            transcript._there[row_of(agent_id, text).id] = row, text
        return transcript

    def writes(self, news: News, number: int, draft: Draft) -> list[Write]:
        """How to write the row of an event with this number, where it has one."""
        if news.row is None:
            return []
        there = self._there.get(news.row.id)
        entry = row_entry(news.row, number, there[1] if there else None)
        if there:
            before, condition, pointer = there[0], None, []
            draft.instead_of(before)
        else:
            before, condition = {"number": number, "before": self._newest}, ABSENT
            pointer = [Write({**rows.row_by_id(self._agent_id, news.row.id).row, "number": number}, ABSENT)]
            self._newest = number
        place = {"number": before["number"], "before": before["before"]}
        row = {**rows.row(self._agent_id, before["number"]).row, **place, **draft.text(entry)}
        self._there[news.row.id] = row, entry
        return [Write(row, condition), *pointer]


def page(table: Table, agent_id: str, after: int | None, before: int | None, limit: int) -> tuple[DisplayMessage, ...]:
    """The first rows after a number, or the last ones. Raises `Raced` where one came meanwhile."""
    low = max(after or 0, 0) + 1
    if limit <= 0 or (before is not None and before <= low):
        return ()
    first = rows.row(agent_id, low)
    last = "row#~" if before is None else rows.row(agent_id, before - 1).sort
    found = list(table.query(first.partition, (first.sort, last), limit, ScanIndexForward=after is not None))
    ordered = found if after is not None else found[::-1]
    is_first = after is not None or len(ordered) < limit
    missing = _missing(ordered, low - 1 if is_first else None)
    if missing and table.settled_rows([rows.row(agent_id, number) for number in missing]):
        raise Raced("rows came while they were read")
    return tuple(row_of(agent_id, text_of(table, row["pk"], row) or "") for row in ordered)


def one(table: Table, agent_id: str, row_id: str) -> DisplayMessage | None:
    pointer = table.one(rows.row_by_id(agent_id, row_id))
    row = None if pointer is None else table.one(rows.row(agent_id, pointer["number"]))
    return None if row is None else row_of(agent_id, text_of(table, row["pk"], row) or "")


def _missing(found: Sequence[Row], after: int | None) -> list[int]:
    """The numbers that are named and not there; those before its first row, too, if there is an `after`."""
    first = [found[0]["before"]] if found and after is not None and found[0]["before"] > after else []
    return first + [row["before"] for before, row in pairwise(found) if row["before"] != before["number"]]
