"""Presence in this process's memory, for tests and for a worker that is its own door."""

from threading import Lock

from sagents.viewers import Viewer, Viewers
from sagents_infra.presence.tracked import Clock, Tracked, check, joined, present, utc_now


class MemoryPresence:
    """A `Presence` that forgets with its process. Loops in several threads may share it."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._topics: dict[str, dict[str, Tracked]] = {}

    async def join(self, topic: str, viewer: Viewer) -> None:
        check(topic, viewer.viewer, viewer.joined_at, viewer.until)
        with self._lock:
            known = self._topics.get(topic, {}).get(viewer.viewer)
            self._keep(topic, joined(known, viewer, self._clock()))

    async def leave(self, topic: str, viewer: str, connection: str | None = None) -> None:
        check(topic, viewer)
        with self._lock:
            known = self._topics.get(topic, {}).get(viewer)
            if known is not None:
                self._keep(topic, known.left(connection))

    async def viewers(self, topic: str) -> Viewers:
        with self._lock:
            return present(self._topics.get(topic, {}).values(), self._clock())

    def _keep(self, topic: str, changed: Tracked) -> None:
        """Whoever is not there any more, this one or another, is forgotten."""
        now = self._clock()
        everybody = {**self._topics.get(topic, {}), changed.viewer: changed}
        there = {viewer: one for viewer, one in everybody.items() if one.at(now).is_there}
        if there:
            self._topics[topic] = there
        else:
            self._topics.pop(topic, None)
