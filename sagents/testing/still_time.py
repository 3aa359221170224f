"""Surroundings in which nothing takes time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from sagents.errors import ModelError
from sagents.memory_blobs import MemoryBlobs
from sagents.ports import Blobs, Model
from sagents.retry import Retry
from sagents.surroundings import Surroundings


@dataclass
class StillTime:
    """A clock that moves only when something sleeps, a list of all events, models by name, and files."""

    now: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    slept: list[timedelta] = field(default_factory=list)
    events: list[tuple[str, dict[str, JsonValue]]] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    blobs: Blobs = field(default_factory=MemoryBlobs)

    def surroundings(self, *, retry: Retry | None = None, tool_retry: Retry | None = None) -> Surroundings:
        return Surroundings(
            now=lambda: self.now,
            sleep=self._sleep,
            emit=self._emit,
            resolve=self._model,
            retry=retry or Retry(),
            tool_retry=tool_retry or Retry(attempts=1),
            blobs=self.blobs,
        )

    def happened(self, type: str) -> list[dict[str, JsonValue]]:
        """The data of all events of a type, oldest first."""
        return [data for kind, data in self.events if kind == type]

    async def _sleep(self, length: timedelta) -> None:
        self.slept.append(length)
        self.now += length

    def _emit(self, type: str, data: Mapping[str, JsonValue]) -> None:
        self.events.append((type, dict(data)))

    def _model(self, name: str) -> Model:
        if name not in self.models:
            raise ModelError(f"no model is called {name!r}")
        return self.models[name]
