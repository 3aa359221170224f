"""Who looks at a conversation: people, each with one connection or several (tabs, devices)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import Field, JsonValue

from sagents.contract import NOBODY_SAID as NOBODY_SAID
from sagents.frozen import Frozen


class Viewer(Frozen):
    """A person who looks since `joined_at`. `until` ends the lease that a door renews; None: until they leave."""

    viewer: str
    joined_at: datetime | None = None
    connections: tuple[str, ...] = ()
    until: datetime | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)


class Viewers(Frozen):
    """All who look at one topic; they count by person, not by tab (L-30)."""

    present: tuple[Viewer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.present)

    def get(self, viewer: str) -> Viewer | None:
        return next((one for one in self.present if one.viewer == viewer), None)

    @property
    def until(self) -> datetime | None:
        """When the next lease ends, where somebody has one."""
        return min((one.until for one in self.present if one.until), default=None)

    def joined(self, joining: Viewer) -> Self:
        """With one more connection; who was there already keeps `joined_at` (E-56)."""
        known = self.get(joining.viewer)
        if known is None:
            return self.but(present=(*self.present, joining))
        more = tuple(connection for connection in joining.connections if connection not in known.connections)
        until = None if joining.until is None or known.until is None else max(joining.until, known.until)
        changed = known.but(
            connections=(*known.connections, *more), until=until, metadata=joining.metadata or known.metadata
        )
        return self._with(changed)

    def left(self, viewer: str, connection: str | None = None) -> Self:
        """Without this connection; a person is gone with the last one, or at once where no connection is named."""
        known = self.get(viewer)
        if known is None:
            return self
        kept = tuple(one for one in known.connections if one != connection) if connection is not None else ()
        return self._with(known.but(connections=kept)) if kept else self._without(viewer)

    def at(self, now: datetime) -> Self:
        """Without those whose lease has ended."""
        return self.but(present=tuple(one for one in self.present if one.until is None or one.until > now))

    def _with(self, changed: Viewer) -> Self:
        return self.but(present=tuple(changed if one.viewer == changed.viewer else one for one in self.present))

    def _without(self, viewer: str) -> Self:
        return self.but(present=tuple(one for one in self.present if one.viewer != viewer))
