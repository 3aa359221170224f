"""The calls of one plan on their way: parallel ones side by side, the others in their order, all of them stoppable."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from sagents.head import CallState
    from sagents.messages import ToolResult
    from sagents.plan import CallResult

Starter = Callable[[CallState], asyncio.Task[CallResult]]


class Batch:
    """Runs calls through the gate. `results` fills up in whatever order they end; a stopped call has none.

    `handles` are those of the calls that run now.
    """

    def __init__(self, calls: Sequence[CallState], start: Starter, at_once: int) -> None:
        self.results: dict[str, CallResult] = {}
        self._start = start
        self._stopped = False
        self.handles: dict[str, asyncio.Task[CallResult]] = {}
        side_by_side = deque(call for call in calls if call.plan.parallel)
        in_order = deque(call for call in calls if not call.plan.parallel)
        lanes = [in_order, *([side_by_side] * min(at_once, len(side_by_side)))]
        self._lanes = [asyncio.create_task(self._run(lane)) for lane in lanes]

    @property
    def done(self) -> bool:
        return all(lane.done() for lane in self._lanes)

    def stop(self) -> None:
        """Cancel what runs, start nothing more."""
        self._stopped = True
        for handle in self.handles.values():
            handle.cancel()

    def check(self) -> None:
        """Raise what a lane met that no model could do anything about."""
        for lane in self._lanes:
            lane.result()

    async def _run(self, calls: deque[CallState]) -> None:
        while calls and not self._stopped:
            await self._one(calls.popleft())

    async def _one(self, call: CallState) -> None:
        handle = self._start(call)
        self.handles[call.plan.call_id] = handle
        try:
            self.results[call.plan.call_id] = await handle
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError):
                raise
            if not self._stopped:
                self.results[call.plan.call_id] = _lost(call, error)
        finally:
            del self.handles[call.plan.call_id]


def _lost(call: CallState, error: ActivityError) -> CallResult:
    text = f"Tool '{call.plan.name}' did not end in time ({error.cause or error}); its outcome is unknown."
    return CallResult(
        result=ToolResult(tool_call_id=call.plan.call_id, name=call.plan.name, content=text, is_error=True)
    )
