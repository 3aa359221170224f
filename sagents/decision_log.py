"""The record of who decided what: rows that are only ever added, each bound to the one before by a hash.

A log belongs to one agent. Who changes, removes or reorders a row of it breaks the chain, and `broken` says where. That
rows were cut off at the end shows only against a copy: `sagents approvals log --json` makes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from sagents.decisions import Decision
from sagents.digests import digest_of
from sagents.frozen import Frozen
from sagents.interrupts import InterruptStatus
from sagents.principal import Who
from sagents.terms import RememberScope


class EntryKind(StrEnum):
    """What happened to an interrupt."""

    REQUESTED = "requested"
    VOTED = "voted"
    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    REOPENED = "reopened"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    REMEMBERED = "remembered"
    """A rule that a person left behind allowed the call; nobody was asked."""
    NOT_EXECUTED = "not_executed"
    """The call was approved and did not run: its tool was gone, or refused to go on."""


class Remember(Frozen):
    """That a decision is to hold for later calls of the tool, as far as `scope` and until `ttl_ms` has passed.

    `match` says for which calls: with exactly the same arguments, or with any.
    """

    scope: RememberScope
    match: str = "exact"
    ttl_ms: int | None = None


class Entry(Frozen):
    """One thing that happened to an interrupt. Its `slot` is the same however often it is written.

    `arguments` are what the model asked for, `after` what a person made of them; both are added by who writes the log.
    """

    slot: str
    kind: EntryKind
    interrupt_id: str
    at: datetime
    status: InterruptStatus = InterruptStatus.PENDING
    reason: str = "tool_call"
    tool: str | None = None
    tool_call_id: str | None = None
    run_id: str | None = None
    summary: str = ""
    arguments: Mapping[str, JsonValue] | None = None
    after: Mapping[str, JsonValue] | None = None
    digest: str = ""
    policy: str = ""
    decision: Decision | None = None
    who: Who | None = None
    remember: Remember | None = None
    note: str = ""


class Row(Frozen):
    """An entry in its log. `hash` is over the number, the hash before, and the entry."""

    agent_id: str
    number: int
    previous: str
    hash: str
    entry: Entry


def row_after(previous: Row | None, agent_id: str, entry: Entry) -> Row:
    """The next row of a log."""
    number, before = (previous.number + 1, previous.hash) if previous else (1, "")
    return Row(
        agent_id=agent_id, number=number, previous=before, hash=_hash(agent_id, number, before, entry), entry=entry
    )


def broken(rows: Iterable[Row]) -> str | None:
    """Where a log is not what was written, in words; None where every row follows from the one before."""
    before = ""
    for number, row in enumerate(rows, start=1):
        if row.number != number:
            return f"row {number} is missing: row {row.number} stands in its place"
        if row.previous != before:
            return f"row {number} does not follow the row before it"
        if row.hash != _hash(row.agent_id, row.number, row.previous, row.entry):
            return f"row {number} was changed after it was written"
        before = row.hash
    return None


def _hash(agent_id: str, number: int, previous: str, entry: Entry) -> str:
    return digest_of([agent_id, number, previous, entry.model_dump(mode="json")])
