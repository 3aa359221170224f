"""What an agent carries through saves, continue-as-new and waking: its head, its mailbox, its answers."""

from __future__ import annotations

from datetime import datetime

from sagents.commands import Note
from sagents.frozen import Frozen
from sagents.head import Head
from sagents.limits import Limits
from sagents.operations import Operation
from sagents.viewers import Viewers


class Clocks(Frozen):
    """Moments that deadlines are counted from; absolute, so that they outlive timers.

    `alone_since` is when the last viewer left or a run ended without one; `held` how many messages waited when a run
    came to rest in a way that holds what was queued behind it (B-75); `queued` how many that wait were told of (B-77);
    `mirror_at` when a saver of the application is
    due that has not seen all yet (L-50); `stopping_since` when this life was first told to stop (L-42).
    """

    active_at: datetime | None = None
    alone_since: datetime | None = None
    saved_at: datetime | None = None
    held: int = -1
    queued: int = 0
    mirror_at: datetime | None = None
    stopping_since: datetime | None = None


class Carried(Frozen):
    """The whole agent but its transcript. `notes` counts every note ever taken; `answers` are 12 characters each."""

    head: Head
    mailbox: tuple[Note, ...] = ()
    answers: tuple[str, ...] = ()
    notes: int = 0
    viewers: Viewers = Viewers()
    clocks: Clocks = Clocks()

    @property
    def at_rest(self) -> Carried:
        """As a confirmed save leaves it: the tail is in the store."""
        log = self.head.log
        return self.but(head=self.head.but(log=log.confirmed(log.reached)))


class PageRequest(Frozen):
    """Ask the workflow for the operations after a position; with `head` for all that it carries besides."""

    since: int
    head: bool = False


class Page(Frozen):
    """Operations after `since`, fewer than PAGE_BYTES unless a single one is larger, and how far the log reaches."""

    operations: tuple[Operation, ...] = ()
    position: int = 0
    digest: str = ""
    carried: Carried | None = None


class Woken(Frozen):
    """What the store knows of an agent; `agent` is the name to go by where the start named none."""

    agent: str = ""
    carried: Carried | None = None
    limits: Limits = Limits()
    problem: str | None = None


PAGE_BYTES = 24 * 1024
ARGUMENT_BYTES = 4 * 1024
"""Operations since the last plan travel in a model step's argument up to this size, else by query."""


class Farewell(Frozen):
    """What a workflow run returns when its agent leaves. The next message starts another one."""

    agent_id: str
    reason: str
    status: str
