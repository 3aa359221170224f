"""How quickly activities notice that a worker is gone or a person cancels; a worker sets it when it starts."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass
class Pace:
    """`heartbeat_timeout` is what a killed worker costs. Options of activities, so no replay depends on it."""

    heartbeat_timeout: timedelta = timedelta(seconds=10)


PACE = Pace()
