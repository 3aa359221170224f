"""Who may write for an agent (DESIGN section 4.4).

# run A   ──claim──save(seq 3)────────────────────x save(seq 4): Superseded
# run B   ───────────────────── claim (gen + 1) ──ok
# Temporal says which workflow run is the current one; the store's compare-and-set makes it so. No clock decides.
"""

from dataclasses import dataclass

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from sagents.errors import StateUnavailable, Superseded
from sagents.ports import SavedHead, Store


@dataclass(frozen=True)
class Fence:
    """Claims agents for the workflow run that an activity belongs to."""

    store: Store

    async def claim(self, agent_id: str) -> SavedHead:
        """The agent's row, written by this activity's workflow run from now on.

        Raises `Superseded` where Temporal names another run or the agent has ended: what an activity that outlived it
        would write now, nobody would delete. `StateUnavailable` where Temporal cannot be asked.
        """
        mine = activity.info().workflow_run_id or ""
        row = await self.store.load(agent_id)
        if row is not None and row.workflow_run_id == mine:
            return row
        current = await current_run(activity.client(), agent_id)
        if current != mine:
            raise Superseded(agent_id, mine, current)
        return await self.store.take_over(agent_id, mine, row.generation if row else 0)


async def current_run(client: Client, agent_id: str) -> str:
    """The id of the workflow run that Temporal holds for current; empty where the agent has ended."""
    try:
        current = await client.get_workflow_handle(agent_id).describe()
    except RPCError as error:
        raise StateUnavailable(f"Temporal did not say which run of {agent_id!r} is current: {error}") from error
    return current.run_id if current.status is WorkflowExecutionStatus.RUNNING else ""
