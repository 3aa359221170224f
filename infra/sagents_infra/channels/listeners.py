"""Who listens to which agent in this process, and what each has still to hear."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from threading import Lock

import structlog

from sagents.events import Event

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
"""Events kept for a listener that is slow; then it loses the oldest."""


class Listener:
    """One listener. It is told from any thread and hears on its own loop."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.has_left = False
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()

    def tell(self, events: Sequence[Event]) -> None:
        with suppress(RuntimeError):  # its loop is closed: nobody hears it any more
            self._loop.call_soon_threadsafe(self._take, events)

    def _take(self, events: Sequence[Event]) -> None:
        if (lost := len(self._waiting) + len(events) - MOST_WAITING) > 0:
            log.warning("a listener is too slow", agent_id=self.agent_id, lost=lost)
        self._waiting.extend(events)
        self._news.set()

    async def hear(self) -> AsyncIterator[Event]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._news.clear()
            await self._news.wait()


class Listeners:
    """All listeners of one channel in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_agent: dict[str, list[Listener]] = {}

    def add(self, listener: Listener) -> None:
        """Add it, unless it has left already: who is cancelled while it begins would stay for ever."""
        with self._lock:
            if not listener.has_left:
                self._by_agent.setdefault(listener.agent_id, []).append(listener)

    def remove(self, listener: Listener) -> None:
        with self._lock:
            listener.has_left = True
            others = [other for other in self._by_agent.get(listener.agent_id, ()) if other is not listener]
            if others:
                self._by_agent[listener.agent_id] = others
            else:
                self._by_agent.pop(listener.agent_id, None)

    def agents(self) -> Sequence[str]:
        """Who is listened to."""
        with self._lock:
            return tuple(self._by_agent)

    def of(self, agent_id: str) -> Sequence[Listener]:
        with self._lock:
            return tuple(self._by_agent.get(agent_id, ()))

    def __bool__(self) -> bool:
        return bool(self._by_agent)
