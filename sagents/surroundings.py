"""What steps and calls need from where they run: a clock, models, someone to tell."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue

from sagents.measuring import Measure, unmeasured
from sagents.memory_blobs import MemoryBlobs
from sagents.ports import Blobs, Model
from sagents.retry import Retry
from sagents.rules import Rule

Remembered = Callable[[str, str], Awaitable[Rule | None]]
"""Takes a tool's name and a call's digest, and finds the decision that people want remembered for it."""

Emit = Callable[[str, Mapping[str, JsonValue]], None]
"""Takes a live event's type and data (DESIGN section 9). It never raises and never blocks."""


async def nothing_remembered(_tool: str, _digest: str) -> None:
    """Where no rules are kept."""


@dataclass(frozen=True)
class Surroundings:
    """The port through which a run reaches time, models and listeners."""

    now: Callable[[], datetime]
    sleep: Callable[[timedelta], Awaitable[None]]
    emit: Emit
    resolve: Callable[[str], Model]
    """A model by its name; raises `ModelError` or `InvalidAgent` where nobody knows it."""
    retry: Retry = field(default_factory=Retry)
    """Of model calls."""
    tool_retry: Retry = field(default_factory=lambda: Retry(attempts=1))
    """Of tools that give no `attempts` of their own."""
    measure: Measure = unmeasured
    remembered: Remembered = nothing_remembered
    blobs: Blobs = field(default_factory=MemoryBlobs)
    """Where files are kept."""
    earlier_attempts: int = 0
    """The most tries of the model that lost workers may have made in this step: the next one is a higher number."""
    observers: tuple[Mapping[str, object], ...] = ()
    """The `callbacks` of `Agent.execute` (`sagents.callbacks.Callbacks`); they join the middleware's own (B-8)."""
