"""Notices in this process's memory, for tests."""

from sagents.ports import Notice


class MemoryNotifier:
    """A `Notifier` that keeps what it was given, each notice once."""

    def __init__(self) -> None:
        self._notices: dict[str, Notice] = {}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was sent, oldest first."""
        return tuple(self._notices.values())

    async def notify(self, notice: Notice) -> None:
        self._notices.setdefault(notice.id, notice)
