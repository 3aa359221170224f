"""The record of who decided what: rows that are only ever added, each bound to the one before by a hash.

A log belongs to one agent. Who changes, removes or reorders a row of it breaks the chain, and `broken` says where. That
rows were cut off at the end, or all of them written anew, shows only against a copy (`departed`):
`sagents approvals log --json` makes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from sagents.decisions import Decision
from sagents.digests import digest_of
from sagents.frozen import LATER, Frozen
from sagents.interrupts import InterruptStatus
from sagents.lifecycle import LONGEST, MILLISECOND
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
    match: Literal["exact", "any"] = "exact"
    ttl_ms: Annotated[int, Field(ge=1, le=LONGEST // MILLISECOND)] | None = None


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
    record: str = ""
    """Where the store keeps the step that asked."""
    summary: str = ""
    arguments: Mapping[str, JsonValue] | None = None
    after: Mapping[str, JsonValue] | None = None
    digest: str = ""
    policy: str = ""
    decision: Decision | None = None
    who: Who | None = None
    agreed: tuple[Who, ...] = ()
    """All whose votes closed it together, where more than one had to agree."""
    remember: Remember | None = None
    note: str = ""
    notify: tuple[str, ...] | None = ()
    """Whom a notifier tells, as in the terms; None is nobody."""


class Tip(NamedTuple):
    """Where a log ends: the number and the hash of its last row."""

    number: int
    hash: str


NOTHING = Tip(0, "")


class Row(Frozen):
    """An entry in its log, as it was written. `hash` is the digest of all the rest of the row's JSON.

    So a row can be checked by who does not know everything in it: the one who wrote it may have been newer.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    agent_id: str
    number: int
    previous: str
    written: Mapping[str, JsonValue] = Field(alias="entry")
    hash: str = ""

    @property
    def entry(self) -> Entry:
        """What happened."""
        return Entry.model_validate(self.written)

    @property
    def tip(self) -> Tip:
        return Tip(self.number, self.hash)

    @property
    def digest(self) -> str:
        """What `hash` has to be."""
        return digest_of(self.model_dump(mode="json", exclude={"hash"}))


def row_after(tip: Tip, agent_id: str, entry: str) -> Row:
    """The next row of a log, for an entry that is given as JSON."""
    row = Row(agent_id=agent_id, number=tip.number + 1, previous=tip.hash, entry=_OBJECT.validate_json(entry))
    return row.but(hash=row.digest)


def broken(rows: Iterable[Row]) -> str | None:
    """Where a log is not what was written, in words; None where every row follows from the one before."""
    tip, agent_id = NOTHING, None
    for row in rows:
        agent_id = agent_id or row.agent_id
        if row.number != tip.number + 1:
            return f"row {tip.number + 1} is missing: row {row.number} stands in its place"
        if row.agent_id != agent_id:
            return f"row {row.number} belongs to the log of {row.agent_id!r}"
        if row.previous != tip.hash:
            return f"row {row.number} does not follow the row before it"
        if row.hash != row.digest:
            return f"row {row.number} was changed after it was written"
        tip = row.tip
    return None


def departed(rows: Iterable[Row], copy: Iterable[Row]) -> str | None:
    """Where a log is not the one that an earlier copy was made of; None where it only went on since."""
    now = {row.number: row for row in rows}
    for kept in copy:
        if kept.number not in now:
            return f"row {kept.number} of the copy is missing"
        if now[kept.number] != kept:
            return f"row {kept.number} is not the one in the copy"
    return None


_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue], config=LATER)
