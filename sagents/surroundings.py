"""What steps and calls need from where they run: a clock, models, someone to tell."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue

from sagents.measuring import Measure, unmeasured
from sagents.ports import Model
from sagents.retry import Retry

Emit = Callable[[str, Mapping[str, JsonValue]], None]
"""Takes a live event's type and data (DESIGN section 9). It never raises and never blocks."""


@dataclass(frozen=True)
class Surroundings:
    """The port through which a run reaches time, models and listeners."""

    now: Callable[[], datetime]
    sleep: Callable[[timedelta], Awaitable[None]]
    emit: Emit
    resolve: Callable[[str], Model]
    """A model by its name; raises `ModelError` or `InvalidAgent` where nobody knows it."""
    retry: Retry = field(default_factory=Retry)
    measure: Measure = unmeasured
    observers: tuple[Mapping[str, object], ...] = ()
    """The `callbacks` of `Agent.execute` (`sagents.callbacks.Callbacks`); they join the middleware's own (B-8)."""
