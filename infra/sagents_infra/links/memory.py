"""Links' rows in this process's memory, for tests."""

from threading import Lock

from sagents_infra.links.book import Change, LinkRow


class MemoryLinkBook:
    """A `LinkBook` that forgets with its process. Loops in several threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[str, LinkRow] = {}

    async def get(self, link_id: str) -> LinkRow | None:
        return self._rows.get(link_id)

    async def change(self, new: LinkRow, change: Change) -> LinkRow:
        with self._lock:
            row = self._rows[new.id] = change(self._rows.get(new.id, new))
            return row

    def close(self) -> None:
        """There is nothing to close."""
