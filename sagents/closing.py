"""Interrupts that end: by a decision, a clock, a newer message or a cancel. What is kept of them, and for how long."""

from __future__ import annotations

from sagents.head import Head
from sagents.interrupts import Closed, Interrupt, InterruptStatus
from sagents.results import Decided, Expired, Result, Started, WasRestored

REMEMBERED = 64
"""How many closed interrupts an agent remembers; of older ones the decision log knows more."""


def ended(before: Head, after: Head, result: Result) -> tuple[Interrupt, ...]:
    """The interrupts that were open and are not any more, each as it ended."""
    still_open = {interrupt.id for interrupt in after.open_interrupts}
    return tuple(_as_ended(one, result) for one in before.open_interrupts if one.id not in still_open)


def _as_ended(interrupt: Interrupt, result: Result) -> Interrupt:
    match result:
        case Decided() if result.interrupt_id == interrupt.id:
            return interrupt.voted(result.vote)
        case Expired() if result.interrupt_id == interrupt.id:
            return interrupt.expired()
        case Started() | WasRestored():
            return interrupt.but(status=InterruptStatus.SUPERSEDED)
        case _:
            return interrupt.but(status=InterruptStatus.CANCELLED)


def remembered(before: Head, after: Head, result: Result) -> Head:
    """The head that knows how its interrupts ended. One that is asked again is open again."""
    reopened = {interrupt.id for interrupt in after.open_interrupts}
    kept = tuple(one for one in before.closed if one.id not in reopened)
    new = tuple(Closed.of(interrupt) for interrupt in ended(before, after, result))
    return after if not new and kept == before.closed else after.but(closed=(*kept, *new)[-REMEMBERED:])
