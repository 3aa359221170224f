"""Telling a real cancel of this task from a CancelledError that something inside it has let slip."""

import asyncio


class Cancels:
    """Counts from where it is made."""

    def __init__(self) -> None:
        self._before = _requests()

    @property
    def asked(self) -> bool:
        """Whether somebody has asked to cancel this task since."""
        return _requests() > self._before


def _requests() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0
