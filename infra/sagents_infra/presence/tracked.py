"""The rules of presence, the same for every adapter: one person at one topic, as a value.

    tab 1   ──join──ping──x lost                                its own lease ends
    tab 2   ────────────join──ping──ping──ping──leave           the last one: the person is gone

A lease belongs to a connection, so that a lost one does not live as long as the person's other tabs.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Self

from pydantic import Field, JsonValue

from sagents.errors import InvalidInput
from sagents.frozen import Frozen
from sagents.viewers import NOBODY_SAID, Viewer, Viewers

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Tracked(Frozen):
    """A person who looks, and when the lease of each connection ends; None: not before it leaves."""

    viewer: str
    joined_at: datetime
    leases: Mapping[str, datetime | None] = Field(default_factory=dict)
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)

    def joined(self, joining: Viewer) -> Self:
        """With these connections; one that is there already keeps the longer lease. `joined_at` stays."""
        leases = dict(self.leases)
        for connection in joining.connections or (NOBODY_SAID,):
            leases[connection] = _later(leases.get(connection, joining.until), joining.until)
        return self.but(leases=leases, metadata=joining.metadata or self.metadata)

    def left(self, connection: str | None) -> Self:
        """Without this connection; without all where none is named."""
        kept = {} if connection is None else {name: end for name, end in self.leases.items() if name != connection}
        return self.but(leases=kept)

    def at(self, now: datetime) -> Self:
        """Without the connections whose lease has ended."""
        return self.but(leases={name: end for name, end in self.leases.items() if end is None or end > now})

    @property
    def is_there(self) -> bool:
        return bool(self.leases)

    @property
    def until(self) -> datetime | None:
        """When the last lease ends."""
        ends = [end for end in self.leases.values() if end is not None]
        return max(ends) if ends and len(ends) == len(self.leases) else None

    def as_viewer(self) -> Viewer:
        return Viewer(
            viewer=self.viewer,
            joined_at=self.joined_at,
            connections=tuple(self.leases),
            until=self.until,
            metadata=self.metadata,
        )


def joined(known: Tracked | None, joining: Viewer, now: datetime) -> Tracked:
    """Who joins, among what is known of them; somebody whose leases have all ended joins anew."""
    known = known.at(now) if known else None
    if known is None or not known.is_there:
        known = Tracked(viewer=joining.viewer, joined_at=joining.joined_at or now)
    return known.joined(joining).at(now)


def present(tracked: Iterable[Tracked], now: datetime) -> Viewers:
    """Those who are there, who came first comes first."""
    there = [one for one in (one.at(now) for one in tracked) if one.is_there]
    there.sort(key=lambda one: (one.joined_at, one.viewer))
    return Viewers(present=tuple(one.as_viewer() for one in there))


def check(topic: str, viewer: str, *times: datetime | None) -> None:
    """Nobody at no topic cannot be tracked: it would never leave (E-56)."""
    for what, name in (("topic", topic), ("viewer", viewer)):
        if not isinstance(name, str) or not name.strip():
            raise InvalidInput(f"Presence needs the id of a {what}, not {name!r}; nothing was changed.")
    for time in times:
        if time is not None and time.tzinfo is None:
            raise InvalidInput(f"Presence needs times with a time zone, not {time.isoformat()}; nothing was changed.")


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
