"""The rows of events in the DynamoDB store: one under its number, and one that says which number a slot has."""

from collections.abc import Mapping, Sequence
from time import time

from sagents.events import Event
from sagents.ports import News
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_batches import batches
from sagents_infra.stores.dynamodb_fence import Fence
from sagents_infra.stores.dynamodb_numbered import numbered
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, drafting, text_of
from sagents_infra.stores.entries import entry_of, event_of

Numbered = dict[str, tuple[int, str]]
"""Entries with their numbers, by slot."""


def append(table: Table, agent_id: str, news: Sequence[News], run: str, expires: Row) -> tuple[Event, ...]:
    """Write what is new, in as many transactions as it takes; a reader never sees a number before a lower one."""
    slots = {one.slot: rows.event_slot(agent_id, one.slot) for one in news}
    found = table.get([rows.fence(agent_id), *slots.values()])
    fence = Fence.of(agent_id, found.get(rows.fence(agent_id)))
    saved = fence.claimed(run)
    known = _known(table, agent_id, news, {slot: found[key]["number"] for slot, key in slots.items() if key in found})
    new = _numbered(news, known, fence.events)
    with drafting(table, rows.partition(agent_id)) as draft:
        groups = [_writes(agent_id, slot, entry, draft, expires) for slot, entry in new.items()]
        for batch in batches(groups) if groups else ():
            after = fence.after(saved)._replace(events=fence.events + len(batch) // 2)
            table.write([after.replacing(fence), *batch])
            draft.written()
            fence = after
    return tuple(event_of(agent_id, (known | new)[one.slot][1]) for one in news)


def events(table: Table, agent_id: str, after: int, limit: int) -> tuple[Event, ...]:
    found = numbered(table, rows.event, agent_id, after, limit)
    return tuple(event_of(agent_id, text_of(table, row["pk"], row) or "") for row in found)


def _known(table: Table, agent_id: str, news: Sequence[News], taken: Mapping[str, int]) -> Numbered:
    """The entries that stand in slots already. One that has expired is told as it comes again."""
    found = table.get([rows.event(agent_id, number) for number in taken.values()])
    known = Numbered()
    for one in news:
        number = taken.get(one.slot)
        if number is not None and one.slot not in known:
            row = found.get(rows.event(agent_id, number))
            text = None if row is None else text_of(table, rows.partition(agent_id), row)
            known[one.slot] = number, entry_of(one, number) if text is None else text
    return known


def _numbered(news: Sequence[News], known: Numbered, newest: int) -> Numbered:
    """What comes into the log by these news: all of it or, where one cannot be written, nothing."""
    new = Numbered()
    for one in news:
        if one.slot not in known and one.slot not in new:
            number = newest + len(new) + 1
            new[one.slot] = number, entry_of(one, number)
    return new


def _writes(agent_id: str, slot: str, numbered: tuple[int, str], draft: Draft, expires: Row) -> list[Write]:
    number, entry = numbered
    row = {**rows.event(agent_id, number).row, "number": number, "at": int(time()), **draft.text(entry), **expires}
    return [Write(row, ABSENT), Write({**rows.event_slot(agent_id, slot).row, "number": number, **expires}, ABSENT)]
