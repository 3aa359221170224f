"""A deadline that keeps moving costs one timer, not one a round: it is armed again when it fires early."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from sagents.lifecycle import LONGEST


class Alarm:
    """Rings when its deadline has passed. Deadlines are absolute, so they survive whatever the timer does not."""

    def __init__(self) -> None:
        self._deadline: datetime | None = None
        self._armed: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, deadline: datetime | None) -> None:
        """Ring at `deadline`, or never. Only an earlier one than is armed needs a new timer."""
        self._deadline = deadline
        if deadline is not None and (self._armed is None or deadline < self._armed):
            if self._task is not None:
                self._task.cancel()
            self._armed = deadline
            self._task = asyncio.create_task(self._wait())

    @property
    def rang(self) -> bool:
        return self._deadline is not None and workflow.now() >= self._deadline

    async def _wait(self) -> None:
        while self._armed is not None:
            await workflow.sleep(min(max(self._armed - workflow.now(), timedelta()), LONGEST))
            self._armed = None if self.rang else self._deadline
