"""The log of events as one activity writes it: fenced, in the log of its root."""

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from sagents.errors import Superseded
from sagents.events import Event
from sagents.plan import AgentRef
from sagents.ports import News
from sagents_activities.fence import Fence


@dataclass(frozen=True)
class Journal:
    """Appends news for an agent; a sub-agent's go to its root."""

    fence: Fence
    agent: AgentRef

    async def append(self, news: Sequence[News]) -> tuple[Event, ...]:
        """Into the log; the first effect of a workflow run may be the one that has to claim the agent for it."""
        store, agent_id = self.fence.store, self.agent.root_id
        mine = activity.info().workflow_run_id or ""
        if self.agent.sub is not None:  # its root owns the log; where that was reset, nobody wants to hear of this
            return await store.append(agent_id, news, self.agent.sub.root_writer)
        try:
            return await store.append(agent_id, news, mine)
        except Superseded:
            await self.fence.claim(agent_id)
            return await store.append(agent_id, news, mine)
