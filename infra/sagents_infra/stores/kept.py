"""What the memory store keeps of one agent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sagents.decision_log import NOTHING, Row, row_after
from sagents.ports import Claim, News, SavedHead, Segment
from sagents_infra.stores.bases import Aged, BaseRow, out_of_use
from sagents_infra.stores.deciding import slot_of
from sagents_infra.stores.entries import Waiting, asked, entry_of, row_entry


class Numbered(NamedTuple):
    """An entry of the log or of the transcript under its number."""

    number: int
    entry: str


@dataclass
class Kept:
    """All that is kept of one agent, but rules.

    `log` and `decisions` are by slot and `rows` by id, in the order of their numbers; `newest` is the log's last one.
    """

    head: SavedHead | None = None
    bases: dict[str, Segment] = field(default_factory=dict)
    born: dict[str, float] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    card: str | None = None
    log: dict[str, Numbered] = field(default_factory=dict)
    newest: int = 0
    rows: dict[str, Numbered] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    decisions: dict[str, Row] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)

    def add_base(self, segment: Segment, now: float) -> None:
        """Keep a base that is not there yet."""
        self.bases.setdefault(segment.base.digest, segment)
        self.born.setdefault(segment.base.digest, now)

    def prune(self, head: str, since: float) -> None:
        """Forget the bases that nobody needs."""
        for digest in out_of_use({digest: self._aged(digest) for digest in self.bases}, head, since):
            del self.bases[digest], self.born[digest]

    def _aged(self, digest: str) -> Aged:
        segment = self.bases[digest]
        return Aged(segment.parent.digest, segment.snapshot is not None, self.born[digest])

    def back_from(self, digest: str) -> list[BaseRow]:
        back = list[BaseRow]()
        segment = self.bases.get(digest)
        while segment is not None:
            back.append(BaseRow.of(segment))
            parent = None if segment.snapshot is not None else self.bases.get(segment.parent.digest)
            segment = parent if parent is not None and parent.base.position < segment.base.position else None
        return back

    def new_decisions(self, agent_id: str, entries: Sequence[str]) -> dict[str, Row]:
        """What comes into the decision log by these entries: all of it or, where one cannot be read, nothing."""
        new = dict[str, Row]()
        tip = next(reversed(self.decisions.values())).tip if self.decisions else NOTHING
        for entry in entries:
            slot = slot_of(entry)
            if slot not in self.decisions and slot not in new:
                new[slot] = row_after(tip, agent_id, entry)
                tip = new[slot].tip
        return new

    def forget_claims(self, waiting: Sequence[str]) -> None:
        """Those on interrupts that wait no more."""
        known = asked(waiting) if self.claims else ()
        self.claims = {interrupt_id: claim for interrupt_id, claim in self.claims.items() if interrupt_id in known}

    def add_news(self, news: Sequence[News]) -> None:
        """Write what is new: all of it or, where one cannot be written, nothing."""
        log, rows = dict[str, Numbered](), dict[str, Numbered]()
        for one in news:
            if one.slot in self.log or one.slot in log:
                continue
            number = self.newest + len(log) + 1
            log[one.slot] = Numbered(number, entry_of(one, number))
            if one.row is not None:
                before = rows.get(one.row.id) or self.rows.get(one.row.id)
                entry = row_entry(one.row, number, before.entry if before else None)
                rows[one.row.id] = Numbered(before.number if before else number, entry)
        self.log.update(log)
        self.rows.update(rows)
        self.newest += len(log)

    def trim(self, before: int) -> int:
        """Forget the events below a number; how many."""
        there = len(self.log)
        self.log = {slot: logged for slot, logged in self.log.items() if logged.number >= before}
        return there - len(self.log)

    def page(self, after: int | None, before: int | None, limit: int) -> tuple[str, ...]:
        """Rows with numbers between these two: the first ones where `after` is given, else the last ones."""
        found = [
            row.entry
            for row in self.rows.values()
            if (after is None or row.number > after) and (before is None or row.number < before)
        ]
        limit = max(limit, 0)
        return tuple(found[:limit] if after is not None else found[max(len(found) - limit, 0) :])
