"""The clocks of open interrupts: when they expire, when people are reminded, when more of them are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sagents.interrupts import Interrupt, later
from sagents.results import Escalated, Expired, Reminded

Struck = Expired | Reminded | Escalated

BREATH = timedelta(seconds=1)
"""Between two reminders at least: without it one would be due again in the moment in which it was told."""


def next_deadline(interrupts: Iterable[Interrupt]) -> datetime | None:
    """The next moment at which something is due; None where everything waits for ever."""
    return min((moment for one in interrupts for moment, _ in _clocks(one, None)), default=None)


def struck(interrupts: Iterable[Interrupt], now: datetime) -> Struck | None:
    """What is due first, once its time has come. After an expiry nothing else of the interrupt is."""
    due = [(moment, event) for one in interrupts for moment, event in _clocks(one, now) if moment <= now]
    expiries = [pair for pair in due if isinstance(pair[1], Expired)]
    first = min(expiries or due, key=lambda pair: pair[0], default=None)
    return first[1] if first else None


def _clocks(interrupt: Interrupt, now: datetime | None) -> Iterator[tuple[datetime, Struck]]:
    made = interrupt.created_at
    if made is None or not interrupt.is_open:
        return
    if interrupt.expires_at is not None:
        yield interrupt.expires_at, Expired(interrupt_id=interrupt.id)
    if interrupt.remind_after is not None:
        reminds_at = later(interrupt.reminded_at or made, max(interrupt.remind_after, BREATH))
        yield from _at(reminds_at, Reminded(interrupt_id=interrupt.id, at=now))
    if interrupt.escalated < len(interrupt.escalate):
        escalates_at = later(made, interrupt.escalate[interrupt.escalated].after)
        yield from _at(escalates_at, Escalated(interrupt_id=interrupt.id))


def _at(moment: datetime | None, event: Struck) -> Iterator[tuple[datetime, Struck]]:
    if moment is not None:
        yield moment, event
