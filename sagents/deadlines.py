"""The clocks of open interrupts: when they expire, when people are reminded, when more of them are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sagents.interrupts import Interrupt
from sagents.results import Escalated, Expired, Reminded

Struck = Expired | Reminded | Escalated


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
        since = interrupt.reminded_at or made
        yield since + interrupt.remind_after, Reminded(interrupt_id=interrupt.id, at=now)
    if interrupt.escalated < len(interrupt.escalate):
        yield made + interrupt.escalate[interrupt.escalated].after, Escalated(interrupt_id=interrupt.id)
