"""An agent's events for who waits for its rest, with a word where nothing comes for a while."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Self

from sagents.errors import CannotAnswer
from sagents.events import Event


class Following:
    """Events one by one. It listens from its beginning, so that what is told while nobody reads is not missed."""

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        self._events = events
        self.seen = 0
        """The id of the last stored event."""

    async def __aenter__(self) -> Self:
        self._next = asyncio.ensure_future(anext(self._events, None))
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)
        await self._events.aclose()

    async def hear(self, within: float | None = None) -> Event | None:
        """The next event; None where none comes within so many seconds."""
        done, _ = await asyncio.wait({self._next}, timeout=within)
        if not done:
            return None
        event = self._next.result()
        if event is None:
            raise CannotAnswer("The agent's events broke off; ask again to go on.")
        self._next = asyncio.ensure_future(anext(self._events, None))
        self.seen = max(self.seen, event.id or 0)
        return event
