"""How many decisions people owe, and for how long: from the store, since no process knows it of all agents."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sagents.inbox import InboxItem, item_of
from sagents.interrupts import InterruptStatus
from sagents.ports import Store


class Waiting(NamedTuple):
    """What waits for people, of all agents of one name."""

    number: int
    oldest: float
    """Seconds since the oldest was asked."""


async def waiting(store: Store, now: datetime) -> dict[str, Waiting]:
    """What waits, by the agents' names; all the store has is read, so ask once a minute and not in every request."""
    items = [item for item in map(item_of, await store.interrupts()) if item.status(now) is InterruptStatus.PENDING]
    return {name: _of([item for item in items if item.agent == name], now) for name in {item.agent for item in items}}


def _of(items: Iterable[InboxItem], now: datetime) -> Waiting:
    ages = [(now - (item.created_at or now)).total_seconds() for item in items]
    return Waiting(len(ages), max(ages, default=0.0))
