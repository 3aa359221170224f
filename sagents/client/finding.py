"""The part of `AgentServer` that looks over all agents, as Temporal's visibility knows them: a moment late."""

from sagents.client import listing
from sagents.client.reach import Reach
from sagents.errors import InvalidInput
from sagents.status import Status


class Finding(Reach):
    """Running agents only; those that sleep are in the store."""

    async def list_running_agents(self, *, status: Status | None = None, tenant: str | None = None) -> list[str]:
        """Ids of all running agents, sorted (L-63)."""
        return await self.list_agents_matching("*", status=status, tenant=tenant)

    async def agent_count(self, *, status: Status | None = None, tenant: str | None = None) -> int:
        """How many agents run (L-64)."""
        return len(await self.list_running_agents(status=status, tenant=tenant))

    async def list_agents_matching(
        self, pattern: str, *, status: Status | None = None, tenant: str | None = None
    ) -> list[str]:
        """Ids of the running agents that match, sorted; `*` stands for anything, and nothing else does (L-65).

        `tenant` is the one in the agent's scope. With a `status` every agent found is asked.
        """
        if status is Status.NOT_RUNNING:
            raise InvalidInput("Agents that do not run are not listed; ask for another status.")
        return await listing.running(self._line, pattern, status, tenant)
