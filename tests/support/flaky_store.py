"""A store that fails, is slow and hears things twice, as networks let it: by a seed, so that a bad day can be repeated.

before     ──x                    it never got there
after      ──────done──x          it was done, and nobody was told
twice      ──────done──done──▶    the SDK sent it again
late       ──────done──▶ ┄┄┄┄done   a zombie wakes up, and does it once more
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from sagents.errors import SagentsError, StoreUnavailable
from tests.support.watched_store import WatchedStore

T = TypeVar("T")

FAILS, REPEATS = ("before", "after"), ("twice", "late")
LATER = 0.3
"""Seconds after which a zombie has woken."""
SLOW = 0.02
"""Seconds that a call takes longer at most."""


@dataclass
class FlakyStore(WatchedStore):
    """Another store behind a bad network: so many of the calls fail, so many are heard twice, all are slow."""

    seed: int = 0
    fails: float = 0.15
    repeats: float = 0.15
    seen: Counter[str] = field(default_factory=Counter)
    """How often each fate has struck."""
    _zombies: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    async def laid(self) -> None:
        """Once the last zombie has had its turn."""
        while self._zombies:
            await asyncio.wait(set(self._zombies))

    def _fate(self) -> str:
        luck = self._random.random()
        if luck < self.fails:
            return self._random.choice(FAILS)
        return self._random.choice(REPEATS) if luck < self.fails + self.repeats else ""

    async def _watched(self, method: str, key: str, work: Callable[[], Awaitable[T]]) -> T:
        fate = self._fate()
        self.seen[fate] += 1
        await asyncio.sleep(self._random.uniform(0, SLOW))
        if fate == "before":
            raise StoreUnavailable(f"{method} was lost on its way")
        done = await super()._watched(method, key, work)
        match fate:
            case "after":
                raise StoreUnavailable(f"the answer to {method} was lost")
            case "twice":
                return await work()
            case "late" if method != "delete":
                zombie = asyncio.create_task(self._again(work, self._random.uniform(0, LATER)))
                self._zombies.add(zombie)
                zombie.add_done_callback(self._zombies.discard)
        return done

    async def _again(self, work: Callable[[], Awaitable[object]], delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            await work()
        except SagentsError:
            self.seen["refused"] += 1  # what a zombie asks for is mostly over
