"""How long stores keep what agents need no more."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Keeping:
    """How long step records, bases that no head refers to any more, and events stay; None is for ever.

    `clock` tells seconds since 1970.
    """

    records: timedelta | None = None
    events: timedelta | None = None
    clock: Callable[[], float] = time.time

    @property
    def records_since(self) -> float | None:
        """Records, and bases out of use, from before this moment may go."""
        return None if self.records is None else self.clock() - self.records.total_seconds()

    @property
    def events_since(self) -> float | None:
        return None if self.events is None else self.clock() - self.events.total_seconds()
