"""When an agent saves and continues as new. Part of the head, because a replay must decide as the run did."""

from datetime import timedelta

from sagents.frozen import Frozen


class Limits(Frozen):
    """A replay costs about 0.55 ms an event, and Temporal ends a run at 2,000 updates and 10,000 signals.

    `stop_patience` counts where a lifecycle gives none (L-42).
    """

    events: int = 2_000
    parked_events: int = 1_000
    updates: int = 1_500
    signals: int = 8_000
    tail_bytes: int = 256 * 1024
    calls_at_once: int = 32
    automatic_runs: int = 10
    stop_patience: timedelta = timedelta(seconds=25)
