"""Who looks at which conversation: adapters of `sagents.ports.Presence`."""

from sagents_infra.presence.local import LocalPresence
from sagents_infra.presence.memory import MemoryPresence

__all__ = ["LocalPresence", "MemoryPresence"]
