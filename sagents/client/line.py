"""The line to Temporal: one method per kind of request, each repeated while trouble may pass."""

from __future__ import annotations

import asyncio
import atexit
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from sagents import contract
from sagents.client.patience import patiently
from sagents.client.session import Handle
from sagents.client.turns import Turns
from sagents.errors import AgentNotFound

if TYPE_CHECKING:
    from sagents.contract import Accepted, Opening

T = TypeVar("T")

# A thread of the SDK's native core may still be handing over the last answer when a short program ends. Without this
# moment one in ten such programs died by a signal, in the interpreter's own end (measured; with it none of 120).
atexit.register(time.sleep, 0.05)

QUERY_TIMEOUT = timedelta(seconds=6)
"""More than the 5 s after which Temporal gives up on a killed worker's cache and asks another one."""


@dataclass(frozen=True)
class Line:
    """Temporal, the task queue of the agents, and how long a request is repeated."""

    client: Client
    task_queue: str
    patience: timedelta
    turns: Turns = field(default_factory=Turns, repr=False, compare=False)

    def handle(self, agent_id: str) -> Handle:
        """The handle of whichever workflow run is the agent's latest; a sub-agent's, too."""
        return self.client.get_workflow_handle(contract.check_address(agent_id))

    async def start(self, agent_id: str, start: Opening) -> bool:
        """Start an agent; False where one runs under this id already."""

        async def attempt() -> bool:
            try:
                await self.client.start_workflow(
                    contract.AGENT_WORKFLOW,
                    start,
                    id=agent_id,
                    task_queue=self.task_queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                )
            except WorkflowAlreadyStartedError:
                return False
            return True

        return await patiently(agent_id, attempt, self.patience)

    async def update(self, agent_id: str, name: str, payload: Any, update_id: str) -> Accepted:
        """Tell a running agent something. `update_id` makes a repetition harmless."""
        handle = self.handle(agent_id)

        async def attempt() -> Accepted:
            async with self.turns.of(agent_id):
                answer: Accepted = await handle.execute_update(
                    name, payload, id=update_id, result_type=contract.Accepted
                )
                return answer

        return await patiently(agent_id, attempt, self.patience)

    async def wake(self, agent_id: str, start: Opening, name: str, payload: Any, update_id: str) -> Accepted:
        """Start an agent that sleeps and tell it something, in one request."""

        async def attempt() -> Accepted:
            operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                contract.AGENT_WORKFLOW,
                start,
                id=agent_id,
                task_queue=self.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            async with self.turns.of(agent_id):
                try:
                    answer: Accepted = await self.client.execute_update_with_start_workflow(
                        name, payload, start_workflow_operation=operation, id=update_id, result_type=contract.Accepted
                    )
                except BaseException:
                    await _look_at(operation)
                    raise
                return answer

        return await patiently(agent_id, attempt, self.patience)

    async def signal(self, agent_id: str, name: str, payload: Any) -> None:
        """Tell a running agent what may be told twice, and is never refused."""
        handle = self.handle(contract.check_agent_id(agent_id))
        await patiently(agent_id, lambda: handle.signal(name, payload), self.patience)

    async def ask(self, agent_id: str, query: str, result_type: type[T], *arguments: Any) -> T:
        """What a running agent answers to a query; a closed one counts as absent."""
        handle = self.handle(agent_id)

        async def attempt() -> T:
            answer: T = await handle.query(
                query,
                args=arguments,
                result_type=result_type,
                reject_condition=QueryRejectCondition.NOT_OPEN,
                rpc_timeout=QUERY_TIMEOUT,
            )
            return answer

        return await patiently(agent_id, attempt, self.patience)

    async def runs(self, agent_id: str) -> bool:
        """Whether an open workflow has this id. Needs no worker."""
        handle = self.handle(agent_id)

        async def attempt() -> bool:
            return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING

        try:
            return await patiently(agent_id, attempt, self.patience)
        except AgentNotFound:
            return False

    def within(self, patience: timedelta) -> Self:
        """The same line with another patience."""
        return replace(self, patience=patience)

    async def ended(self, agent_id: str) -> None:
        """Wait until the agent has left."""

        async def attempt() -> None:
            with suppress(WorkflowFailureError):  # somebody terminated it: it has left too
                await self.handle(agent_id).result()

        await patiently(agent_id, attempt, self.patience)

    async def terminate(self, agent_id: str, reason: str) -> None:
        """End an agent that does not go by itself; without its worker, and without a save."""
        handle = self.handle(agent_id)
        with suppress(AgentNotFound):
            await patiently(agent_id, lambda: handle.terminate(reason=reason), self.patience)

    async def find(self, query: str) -> list[str]:
        """Workflow ids that visibility knows; it lags a moment behind."""

        async def attempt() -> list[str]:
            return [found.id async for found in self.client.list_workflows(query, page_size=1000)]

        return await patiently("*", attempt, self.patience)


async def _look_at(operation: WithStartWorkflowOperation[Any, Any]) -> None:
    """Read the error that the operation keeps too: asyncio complains of errors that nobody reads."""
    handle = asyncio.ensure_future(operation.workflow_handle())
    await asyncio.wait({handle}, timeout=0.1)
    if not handle.cancel() and not handle.cancelled():
        handle.exception()
