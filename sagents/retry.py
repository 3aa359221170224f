"""How often something is tried, and how long to wait in between."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from sagents.frozen import Frozen


class Retry(Frozen):
    """Tries and waits: `first`, then `factor` times as long each time, never longer than `longest`."""

    attempts: Annotated[int, Field(ge=1)] = 4
    first: timedelta = timedelta(seconds=1)
    factor: Annotated[float, Field(ge=1)] = 2.0
    longest: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(minutes=5)
    """The longest wait that a provider may ask for (`Retry-After`); for more it counts as failed."""

    def wait(self, tries: int, asked: timedelta | None = None) -> timedelta:
        """How long to wait after so many failed tries; at least what was asked for."""
        grown = self.first.total_seconds() * self.factor ** min(tries - 1, 64)
        return max(timedelta(seconds=min(grown, self.longest.total_seconds())), asked or timedelta(0))

    def gives_up(self, tries: int, asked: timedelta | None = None) -> bool:
        """Whether there is no further try after so many."""
        return tries >= self.attempts or (asked is not None and asked > self.patience)
