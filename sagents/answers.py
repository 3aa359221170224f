"""What an agent answers to whom it was told something. Doors read it with every command, so it needs little."""

from __future__ import annotations

from datetime import datetime

from sagents.frozen import Frozen
from sagents.interrupt_status import InterruptStatus
from sagents.status import Status


class DecisionAnswer(Frozen):
    """Where an interrupt stands after a decision; for the same decision given again, the same answer.

    It is `pending` while more approvals are needed: `approvals` of `required` people agree by now.
    """

    interrupt_id: str
    status: InterruptStatus
    by: str | None = None
    at: datetime | None = None
    approvals: int = 0
    required: int = 1


class Accepted(Frozen):
    """A command was taken. `id` is the message's; the same for every repetition of it.

    `decisions` says where each interrupt stands that was decided about.
    """

    id: str | None = None
    status: Status = Status.RUNNING
    run_ends_within_ms: int = 0
    """After a stop: how long the run under way may take to end."""
    decisions: tuple[DecisionAnswer, ...] = ()


class Inactivity(Frozen):
    """The answer to `inactivity` (L-26). `leaves_at` and `reason` are when and why it goes if nothing happens."""

    inactivity_timeout_ms: int | None = None
    last_activity_at: datetime | None = None
    time_since_activity_ms: int = 0
    timer_active: bool = False
    leaves_at: datetime | None = None
    reason: str | None = None
