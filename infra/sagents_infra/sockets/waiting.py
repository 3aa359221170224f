"""What waits for one browser. Who reads slowly loses tokens, never stored events.

agent    δ δ 8 δ δ δ δ δ 9        as fast as it happens
waiting    8 δ δ 9                so many and no more: tokens without room are gone, a stored event waits for it
"""

import asyncio
from collections import deque

from sagents.event_types_life import Reset
from sagents.events import Event

MOST = 500
"""Stored events, and tokens, that wait."""

BATCH = 0.05
"""Seconds in which tokens are gathered into one message."""


class Waiting:
    """Events between an agent and one subscription; one task puts, another takes."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._events = deque[Event]()
        self._tokens = 0
        self._changed = asyncio.Condition()

    async def put(self, event: Event) -> None:
        """Add an event; waits for room for one that is stored."""
        async with self._changed:
            if is_token(event):
                if self._tokens >= self._most:
                    return
                self._tokens += 1
            else:
                await self._changed.wait_for(lambda: len(self._events) - self._tokens < self._most)
            self._events.append(event)
            self._changed.notify_all()

    async def take(self) -> tuple[Event, ...]:
        """All that waits, in its order; where that is tokens alone, with those of the next moment."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._events)
            alone = len(self._events) == self._tokens
        if alone:
            await asyncio.sleep(BATCH)
        async with self._changed:
            taken = tuple(self._events)
            self._events.clear()
            self._tokens = 0
            self._changed.notify_all()
        return taken


def is_token(event: Event) -> bool:
    """Whether it is live only, so that its loss is mended by what is stored."""
    return event.id is None and event.type != Reset.type
