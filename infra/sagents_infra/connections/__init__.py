"""Who holds a WebSocket open, and what it watches: adapters of `sagents.connections.Connections`."""

from sagents_infra.connections.local import LocalConnections
from sagents_infra.connections.memory import MemoryConnections

__all__ = ["LocalConnections", "MemoryConnections"]
