"""What carries live events between processes: adapters of `sagents.ports.Channel`."""

from sagents_infra.channels.local import LocalChannel
from sagents_infra.channels.memory import MemoryChannel

__all__ = ["LocalChannel", "MemoryChannel"]
