"""Who may tell an agent something now, where many of this process want to at once."""

import asyncio
from weakref import WeakValueDictionary

AT_ONCE = 8
"""Updates of one agent. Temporal has room for ten; whoever it refuses tries again after ever longer pauses."""


class Turns:
    """So many at a time for each agent; the others wait in line, and whoever came first goes first."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[tuple[object, str], asyncio.Semaphore] = WeakValueDictionary()

    def of(self, agent_id: str) -> asyncio.Semaphore:
        """The line of an agent, to be held while it is told something; each event loop has its own."""
        return self._lines.setdefault((asyncio.get_running_loop(), agent_id), asyncio.Semaphore(AT_ONCE))
