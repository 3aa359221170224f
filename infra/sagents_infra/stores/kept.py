"""What the memory store keeps of one agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sagents.decision_log import NOTHING, Row, row_after
from sagents.ports import Claim, News, SavedHead, Segment
from sagents_infra.stores.bases import BaseRow
from sagents_infra.stores.deciding import slot_of
from sagents_infra.stores.entries import Waiting, asked, entry_of


@dataclass
class Kept:
    """All that is kept of one agent, but rules. `log` and `decisions` are by slot, in the order of their numbers."""

    head: SavedHead | None = None
    bases: dict[str, Segment] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    decisions: dict[str, Row] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)

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


def new_events(log: Mapping[str, str], news: Sequence[News]) -> dict[str, str]:
    """What comes into the log by these news: all of it or, where one cannot be written, nothing."""
    new = dict[str, str]()
    for one in news:
        if one.slot not in log and one.slot not in new:
            new[one.slot] = entry_of(one, len(log) + len(new) + 1)
    return new
