"""What became of a question, as the log of decisions and the link's own row have it."""

from collections.abc import Iterable
from datetime import datetime

from sagents.decision_log import Entry, EntryKind
from sagents.frozen import Frozen
from sagents.interrupts import InterruptStatus
from sagents_infra.links.book import LinkRow
from sagents_infra.links.link import Link

ENDS = (EntryKind.DECIDED, EntryKind.EXPIRED, EntryKind.CANCELLED, EntryKind.SUPERSEDED)


class LinkOutcome(Frozen):
    """Where the question stands. Without `by` a clock or an operator closed it.

    `pending`: the link was used, and more people have to agree, or it is not on record yet.
    """

    status: InterruptStatus = InterruptStatus.PENDING
    by: str | None = None
    at: datetime | None = None
    decision: str | None = None
    mine: bool = False

    @property
    def is_closed(self) -> bool:
        return self.status is not InterruptStatus.PENDING


def outcome_of(link: Link, row: LinkRow | None, entries: Iterable[Entry]) -> LinkOutcome | None:
    """What is known; None where it was neither closed nor decided by this link."""
    mine = [one for one in entries if one.interrupt_id == link.interrupt_id]
    ends = [one for one in mine if one.kind in ENDS or one.kind is EntryKind.REOPENED]
    if ends and ends[-1].kind in ENDS:
        return _of(link, ends[-1])
    if row is None or row.digest is None:
        return None
    return LinkOutcome(by=link.subject, at=row.decided_at, decision=row.decision, mine=True)


def _of(link: Link, entry: Entry) -> LinkOutcome:
    by = entry.who.name if entry.who is not None else None
    agreed = {one.subject for one in entry.agreed} | {entry.who.subject if entry.who is not None else None}
    kind = entry.decision.type if entry.decision is not None and entry.kind is EntryKind.DECIDED else None
    return LinkOutcome(status=entry.status, by=by, at=entry.at, decision=kind, mine=link.subject in agreed)
