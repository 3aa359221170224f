"""A moment's patience with a store: what an activity tells on the way is not told again by its retry."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import activity

from sagents.errors import StoreUnavailable

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds; less than the three that a save may take."""
AT_LAST = 10.0
"""Seconds at the end of an activity that heartbeats, and would not tell the same again."""
PAUSE, LONGEST = 0.02, 0.5
"""Seconds before the second try; each pause is twice the one before, and never longer than this."""


async def patiently(write: Callable[[], Awaitable[T]], patience: float = PATIENCE) -> T:
    """Write, again and again while the store is out of reach; then raise what it said. `write` may run twice."""
    deadline, pause = time.monotonic() + patience, PAUSE
    while True:
        try:
            return await write()
        except StoreUnavailable:
            if time.monotonic() + pause > deadline:
                raise
        if activity.in_activity():
            activity.heartbeat()
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST)


def heartbeats() -> bool:
    """Whether this activity may take its time."""
    return activity.in_activity() and bool(activity.info().heartbeat_timeout)
