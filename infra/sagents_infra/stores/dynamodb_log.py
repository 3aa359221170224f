"""The rows of events in the DynamoDB store: one under its number, and one that says which number a slot has."""

from collections.abc import Mapping, Sequence
from time import time
from typing import NamedTuple

from sagents.events import Event
from sagents.ports import News
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_batches import batches
from sagents_infra.stores.dynamodb_fence import Fence
from sagents_infra.stores.dynamodb_numbered import numbered
from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, drafting, parts_of, text_of
from sagents_infra.stores.dynamodb_transcript import Transcript
from sagents_infra.stores.entries import entry_of, event_of


class Logged(NamedTuple):
    """News as they stand in the log."""

    news: News
    number: int
    entry: str


def append(table: Table, agent_id: str, news: Sequence[News], run: str | None, expires: Row) -> tuple[Event, ...]:
    """Write what is new, in as many transactions as it takes; a reader never sees a number before a lower one."""
    slots = {one.slot: rows.event_slot(agent_id, one.slot) for one in news}
    ids = [rows.row_by_id(agent_id, one.row.id) for one in news if one.row]
    found = table.get([rows.fence(agent_id), *slots.values(), *ids])
    fence = Fence.of(agent_id, found.get(rows.fence(agent_id)))
    saved = fence.saved if run is None else fence.claimed(run)
    if saved is None:
        return ()
    known = _known(table, agent_id, news, {slot: found[key]["number"] for slot, key in slots.items() if key in found})
    new = _new(news, known, fence.events)
    transcript = Transcript.of(table, agent_id, fence.line, [found[key]["number"] for key in ids if key in found])
    with drafting(table, rows.partition(agent_id)) as draft:
        groups = [
            [*_writes(agent_id, one, draft, expires), *transcript.writes(one.news, one.number, draft)]
            for one in new.values()
        ]
        for batch in batches(groups) if groups else ():
            line = max(fence.line, _newest(batch, "row#"))
            after = fence.after(saved)._replace(events=_newest(batch, "event#"), line=line)
            table.write([after.replacing(fence), *batch])
            draft.written()
            fence = after
    return tuple(event_of(agent_id, (known | new)[one.slot].entry) for one in news)


def events(table: Table, agent_id: str, after: int, limit: int) -> tuple[Event, ...]:
    found = numbered(table, rows.event, agent_id, after, limit)
    return tuple(event_of(agent_id, text_of(table, row["pk"], row) or "") for row in found)


def trim(table: Table, agent_id: str, before: int) -> int:
    """Remove events with their slots and parts, the events first: a slot without its event repeats nothing."""
    if before <= 1:
        return 0
    between = rows.event(agent_id, 1).sort, rows.event(agent_id, before - 1).sort
    found = table.keys(rows.partition(agent_id), "slot", "parts", "count", between=between)
    gone = [Key.of(row) for row in found]
    slots = [Key(row["pk"], row["slot"]) for row in found if "slot" in row]
    table.delete([*gone, *slots, *(part for row in found for part in parts_of(row["pk"], row))])
    return len(gone)


def _known(table: Table, agent_id: str, news: Sequence[News], taken: Mapping[str, int]) -> dict[str, Logged]:
    """The entries that stand in slots already. One that has expired is told as it comes again."""
    found = table.get([rows.event(agent_id, number) for number in taken.values()])
    known = dict[str, Logged]()
    for one in news:
        number = taken.get(one.slot)
        if number is not None and one.slot not in known:
            row = found.get(rows.event(agent_id, number))
            text = None if row is None else text_of(table, rows.partition(agent_id), row)
            known[one.slot] = Logged(one, number, entry_of(one, number) if text is None else text)
    return known


def _new(news: Sequence[News], known: Mapping[str, Logged], newest: int) -> dict[str, Logged]:
    """What comes into the log by these news: all of it or, where one cannot be written, nothing."""
    new = dict[str, Logged]()
    for one in news:
        if one.slot not in known and one.slot not in new:
            number = newest + len(new) + 1
            new[one.slot] = Logged(one, number, entry_of(one, number))
    return new


def _writes(agent_id: str, logged: Logged, draft: Draft, expires: Row) -> list[Write]:
    key, slot = rows.event(agent_id, logged.number), rows.event_slot(agent_id, logged.news.slot)
    values = {"number": logged.number, "at": int(time()), "slot": slot.sort}
    event = {**key.row, **values, **draft.text(logged.entry), **expires}
    return [Write(event, ABSENT), Write({**slot.row, "number": logged.number, **expires}, ABSENT)]


def _newest(batch: Sequence[Write], kind: str) -> int:
    """The highest number among the rows of this kind."""
    return max((write.row["number"] for write in batch if write.row["sk"].startswith(kind)), default=0)
