"""Where agents are kept: adapters of `sagents.ports.Store`."""

from sagents_infra.stores.memory import MemoryStore
from sagents_infra.stores.sqlite import SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]
