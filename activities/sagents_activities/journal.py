"""The log of events as one activity writes it: fenced, in the log of its root."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from temporalio import activity

from sagents.errors import Superseded
from sagents.events import Event
from sagents.plan import AgentRef
from sagents.ports import News
from sagents_activities.fence import Fence


@dataclass
class Seen:
    """What a process knows to be in transcripts; of so much the oldest is forgotten, and looked up again."""

    limit: int = 50_000
    _seen: OrderedDict[Hashable, None] = field(default_factory=OrderedDict)

    def add(self, *keys: Hashable) -> None:
        for key in keys:
            self._seen[key] = None
        while len(self._seen) > self.limit:
            self._seen.popitem(last=False)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._seen


@dataclass(frozen=True)
class Journal:
    """Appends news for an agent; a sub-agent's go to its root."""

    fence: Fence
    agent: AgentRef
    seen: Seen = field(default_factory=Seen)

    def key(self, *parts: Hashable) -> Hashable:
        """A name for something of this agent's. One that is deleted and starts anew has another workflow run."""
        return (self.agent.root_id, activity.info().workflow_run_id, *parts)

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
