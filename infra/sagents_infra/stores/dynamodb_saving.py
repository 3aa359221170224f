"""A save in the DynamoDB store, and the end of an agent.

    parts of long texts → entries and rules for which one transaction has no room → head, base, inbox, the rest of them

Whatever of it is refused or broken off, no head is stored without its base, its entries and its rules.
"""

from contextlib import suppress

from sagents.decision_log import Tip
from sagents.errors import StoreUnavailable
from sagents.ports import Save, SavedHead
from sagents_infra.stores import dynamodb_asking, dynamodb_bases, dynamodb_cards, dynamodb_decisions
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_batches import ITEMS, batches
from sagents_infra.stores.dynamodb_calls import Raced
from sagents_infra.stores.dynamodb_fence import ROOM, Fence, read
from sagents_infra.stores.dynamodb_rows import Key
from sagents_infra.stores.dynamodb_table import Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, drafting
from sagents_infra.stores.fence import saved
from sagents_infra.stores.keeping import Keeping

BYTES = 2_000_000
"""Of entries and rules in one transaction; a head with what belongs to it weighs up to one million more."""


def save(table: Table, save: Save, keeping: Keeping) -> SavedHead:
    """One try; a snapshot is when bases are removed that nobody needs any more.

    The rules of the fence decide about the row as it was read; the transaction, whether it still is so."""
    fence = read(table, save.agent_id)
    row = saved(fence.saved, save)
    with drafting(table, rows.partition(save.agent_id)) as draft:
        *first, last = batches(_added(table, fence, save, draft), ITEMS, BYTES)
        for batch in first:
            fence = commit(table, fence, fence.after(fence.claimed(save.workflow_run_id)), batch, draft)
        if row is fence.saved:
            return _retried(table, fence, row, last, draft)
        after = fence.after(row)._replace(text=draft.instead_of(fence.text).text(save.head, ROOM))
        commit(table, fence, after, [*_kept(table, save, draft, keeping.clock()), *last], draft)
    since = keeping.records_since
    if since is not None and save.segment is not None and save.segment.snapshot is not None:
        with suppress(Raced, StoreUnavailable):  # the next snapshot finds them again
            dynamodb_bases.prune(table, save.agent_id, row.base.digest, since)
    return row


def log(table: Table, agent_id: str, entries: list[str], run: str) -> None:
    """Add to the decision log; one try."""
    fence = read(table, agent_id)
    row = fence.claimed(run)
    with drafting(table, rows.partition(agent_id)) as draft:
        groups = [
            dynamodb_decisions.entry_writes(one, draft) for one in dynamodb_decisions.new_rows(table, fence, entries)
        ]
        for batch in batches(groups, ITEMS, BYTES) if groups else ():
            fence = commit(table, fence, fence.after(row), batch, draft)


def commit(table: Table, before: Fence, after: Fence, writes: list[Write], draft: Draft) -> Fence:
    """Write all this with the fence, whose tip follows the decisions among it."""
    after = after._replace(tip=_tip(before.tip, writes))
    table.write([after.replacing(before), *writes])
    draft.written()
    return after


def delete(table: Table, agent_id: str) -> None:
    """Remove all rows of an agent. A mark in the place of the fence holds off writers until the last one is gone."""
    for row in table.placed(rows.below(agent_id.partition("/")[0]), f"{agent_id}/"):
        _delete(table, row["pk"].removeprefix("agent#"))
    _delete(table, agent_id)


def _delete(table: Table, agent_id: str) -> None:
    fence = table.settled(lambda: _marked(table, agent_id))
    while found := [
        row for row in table.keys(rows.partition(agent_id), "rule", "key") if Key.of(row) != rows.fence(agent_id)
    ]:
        table.delete([key for row in found if "rule" in row for key in dynamodb_decisions.pointers(row)])
        table.delete([Key.of(row) for row in found])
    with suppress(Raced):  # somebody else deletes it, too
        table.write([Write(rows.fence(agent_id).row, fence.unchanged, "Delete")])


def _added(table: Table, fence: Fence, save: Save, draft: Draft) -> list[list[Write]]:
    entries = dynamodb_decisions.new_rows(table, fence, save.entries)
    rules = dynamodb_decisions.new_rules(table, save.agent_id, save.rules)
    return [
        *(dynamodb_decisions.entry_writes(row, draft) for row in entries),
        *(dynamodb_decisions.rule_writes(rule, at, draft) for at, rule in enumerate(rules)),
    ]


def _kept(table: Table, save: Save, draft: Draft, now: float) -> list[Write]:
    agent_id = save.agent_id
    card, waiting, claims = keys = rows.card(agent_id), rows.waiting(agent_id), rows.claims(agent_id)
    found = table.get(keys)
    return [
        *([] if save.segment is None else dynamodb_bases.write(table, agent_id, save.segment, draft, now)),
        *dynamodb_asking.replaced(table, agent_id, found.get(waiting), save.interrupts, draft),
        *dynamodb_asking.forgotten(table, agent_id, found.get(claims), save.interrupts, draft),
        *([] if save.card is None else [dynamodb_cards.replaced(table, agent_id, found.get(card), save.card, draft)]),
    ]


def _retried(table: Table, fence: Fence, row: SavedHead, new: list[Write], draft: Draft) -> SavedHead:
    """What a retry knows more is written; the head stays."""
    whole = fence.whole(table, row)
    if new:
        commit(table, fence, fence.after(row), new, draft)
    return whole


def _marked(table: Table, agent_id: str) -> Fence:
    before = read(table, agent_id)
    mark = Fence(agent_id, before.version + 1, is_being_deleted=True)
    row = {**rows.fence(agent_id).row, "version": mark.version, "run": mark.run, "deleting": 1}
    table.write([Write(row, before.unchanged)])
    return mark


def _tip(tip: Tip, writes: list[Write]) -> Tip:
    decided = [write.row for write in writes if write.row["sk"].startswith("decision#")]
    return Tip(decided[-1]["number"], decided[-1]["hash"]) if decided else tip
