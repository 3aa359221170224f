"""How people learn that they are waited for: adapters of `sagents.ports.Notifier`."""

from sagents_infra.notify.log import LogNotifier
from sagents_infra.notify.memory import MemoryNotifier

__all__ = ["LogNotifier", "MemoryNotifier"]
