"""A moment's patience with a store: what an activity tells on the way is not told again by its retry."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sagents.errors import StoreUnavailable

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds; less than the three that a save may take."""
PAUSE = 0.02
"""Seconds before the second try; each pause is twice the one before."""


async def patiently(write: Callable[[], Awaitable[T]]) -> T:
    """Write, again and again while the store is out of reach; then raise what it said. `write` may run twice."""
    deadline, pause = time.monotonic() + PATIENCE, PAUSE
    while True:
        try:
            return await write()
        except StoreUnavailable:
            if time.monotonic() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause *= 2
