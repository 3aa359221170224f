"""The rows of people's decisions in the DynamoDB store: the decision log and remembered rules."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from sagents.decision_log import Row as Decided
from sagents.decision_log import row_after
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.deciding import KeptRule, slot_of
from sagents_infra.stores.dynamodb_fence import Fence
from sagents_infra.stores.dynamodb_numbered import numbered
from sagents_infra.stores.dynamodb_rows import Key, Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import Draft, drafting, text_of

LOG, RULE = "log", "rule"
"""Kinds of rows in the index."""


def new_rows(table: Table, fence: Fence, entries: Sequence[str]) -> list[Decided]:
    """What comes into the log by these entries. Raises `ValueError` where one cannot be read, for all of them."""
    slots = dict[str, str]()
    for entry in entries:
        slots.setdefault(slot_of(entry), entry)
    found = table.get([rows.decision_slot(fence.agent_id, slot) for slot in slots])
    new, tip = list[Decided](), fence.tip
    for slot, entry in slots.items():
        if rows.decision_slot(fence.agent_id, slot) not in found:
            new.append(row_after(tip, fence.agent_id, entry))
            tip = new[-1].tip
    return new


def entry_writes(row: Decided, draft: Draft) -> list[Write]:
    agent_id = row.agent_id
    tip = {"number": row.number, "hash": row.hash, "at": int(time.time())}
    kept = {**rows.decision(agent_id, row.number).row, **tip, **draft.text(row.model_dump_json())}
    slot = {**rows.decision_slot(agent_id, str(row.written["slot"])).row, "number": row.number}
    first = [Write({**rows.log(agent_id).row, **rows.listed(LOG, agent_id)})] if row.number == 1 else []
    return [Write(kept, ABSENT), Write(slot, ABSENT), *first]


def logged(table: Table, agent_id: str, after: int, limit: int) -> tuple[str, ...]:
    found = numbered(table, rows.decision, agent_id, after, limit)
    return tuple(text_of(table, row["pk"], row) or "" for row in found)


def logs(table: Table) -> tuple[str, ...]:
    return tuple(sorted(row["pk"].removeprefix("agent#") for row in table.listed(LOG)))


def new_rules(table: Table, agent_id: str, bodies: Iterable[str]) -> list[KeptRule]:
    """Those of the rules that are not stored yet, each once."""
    kept = {(one := KeptRule.of(agent_id, body)).rule_id: one for body in reversed(list(bodies))}
    found = table.get([rows.rule_by_id(rule_id) for rule_id in kept])
    return [one for one in reversed(kept.values()) if rows.rule_by_id(one.rule_id) not in found]


def rule_writes(rule: KeptRule, place: int, draft: Draft) -> list[Write]:
    """The rule among the rows of its agent, with a pointer by its id and one by its key."""
    own = rows.rule(rule.agent_id, rule.rule_id)
    pointer = {"agent": rule.agent_id, "rule": rule.rule_id}
    where = Key(rows.rules_under(rule.key), own.sort)
    values = {"version": 1, "number": time.time_ns() + place, "rule": rule.rule_id, "key": rule.key}
    return [
        Write({**rows.rule_by_id(rule.rule_id).row, **pointer}, ABSENT),
        Write({**where.row, **pointer}),
        Write({**own.row, **values, **draft.text(rule.body), **rows.listed(RULE, rule.agent_id)}),
    ]


def pointers(rule: Row) -> list[Key]:
    """What points to a rule."""
    return [rows.rule_by_id(rule["rule"]), Key(rows.rules_under(rule["key"]), rule["sk"])]


def rules(table: Table, keys: Sequence[str] | None) -> tuple[str, ...]:
    found = list(table.listed(RULE)) if keys is None else _under(table, keys)
    line = sorted(found, key=lambda row: (row["number"], row["rule"]))
    return tuple(text_of(table, row["pk"], row) or "" for row in line)


def revoke(table: Table, rule_id: str, by: str, at: datetime) -> bool:
    pointer = table.one(rows.rule_by_id(rule_id))
    key = None if pointer is None else rows.rule(pointer["agent"], rule_id)
    row = None if key is None else table.one(key)
    if pointer is None or row is None:
        return False
    kept = KeptRule(rule_id, pointer["agent"], row["key"], text_of(table, row["pk"], row) or "").revoked(by, at)
    if kept is None:
        return False
    with drafting(table, row["pk"]) as draft:
        others = {name: value for name, value in row.items() if name not in ("text", "parts", "count")}
        changed = {**others, **draft.instead_of(row).text(kept.body), "version": row["version"] + 1}
        table.write([Write(changed, {"version": row["version"]})])
    return True


def _under(table: Table, keys: Sequence[str]) -> list[Row]:
    """The rules to which these keys point; read where they are, so that a revoked one is seen as revoked at once."""
    found = [pointer for key in dict.fromkeys(keys) for pointer in table.query(rows.rules_under(key))]
    return list(table.get([rows.rule(pointer["agent"], pointer["rule"]) for pointer in found]).values())
