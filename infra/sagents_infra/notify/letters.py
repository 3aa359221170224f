"""What a notice says to people, in words; the same for each way it goes.

A call's arguments may be anything, and mail and chats are read by many: they are behind the link, or in the inbox.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime

from sagents.frozen import Frozen
from sagents.inbox import InboxItem
from sagents.ports import Notice
from sagents_infra.links.link import deciders

ASKING = ("requested", "reminded", "escalated")
"""Notices that want somebody to decide; others say that it is over."""

WORDS = {
    "requested": "waits for a decision",
    "reminded": "still waits for a decision",
    "escalated": "waits for a decision, and for you now, too",
    "decided": "was decided",
    "expired": "was decided by nobody in time",
    "cancelled": "was cancelled",
    "superseded": "is of no interest any more",
}


class Invitation(Frozen):
    """A link for one person, who is whoever opens it."""

    subject: str
    url: str


@dataclass(frozen=True)
class Letter:
    """A notice with its links. `id` is the same for each repetition; `people` are who is known to decide."""

    id: str
    kind: str
    agent_id: str
    interrupt_id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[Invitation, ...]
    people: tuple[str, ...]
    item: InboxItem

    @property
    def asks(self) -> bool:
        return self.kind in ASKING

    @property
    def answer(self) -> str:
        """The command that shows it."""
        return f"sagents approvals show {shlex.quote(self.interrupt_id)}"

    @property
    def text(self) -> str:
        """All of it, for who reads plain text."""
        lines = [self.title, "", *(f"{name}: {value}" for name, value in self.facts)]
        for link in self.links:
            lines += ["", f"{link.subject} decides here (the link is for {link.subject} alone):", link.url]
        if self.asks and not self.links:
            lines += ["", f"To decide: {self.answer}"]
        return "\n".join(lines) + "\n"


def letter_of(notice: Notice, links: tuple[Invitation, ...] = ()) -> Letter:
    """What to say of a notice."""
    item = InboxItem.model_validate_json(notice.item)
    interrupt = item.interrupt
    what = interrupt.tool or "A question"
    facts = {
        "What": interrupt.message,
        "Risk": interrupt.risk or "",
        "Agent": item.agent or notice.agent_id,
        "For": str(interrupt.approvers) if interrupt.approvers is not None else "",
        "Until": _moment(interrupt.expires_at),
    }
    return Letter(
        id=notice.id,
        kind=notice.kind,
        agent_id=notice.agent_id,
        interrupt_id=notice.interrupt_id,
        title=one_line(f"{what} {WORDS.get(notice.kind, notice.kind)}"),
        facts=tuple((name, one_line(value)) for name, value in facts.items() if value),
        links=links,
        people=tuple(person.subject for person in deciders(item)),
        item=item,
    )


def one_line(given: str, most: int = 500) -> str:
    """Words of a model on one line, without what hides or turns letters; cut where they are long."""
    line = " ".join(given.split())
    seen = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
