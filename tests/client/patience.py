"""Waiting for what an agent will do."""

from sagents import Status
from sagents.client import AgentServer
from tests.support.driving import until


async def reaches(server: AgentServer, agent_id: str, status: Status) -> None:
    """Wait until the agent has this status."""

    async def reached() -> bool:
        return await server.get_status(agent_id) is status

    await until(reached)


async def settled(server: AgentServer, agent_id: str) -> None:
    """Wait until the agent runs no more."""

    async def at_rest() -> bool:
        return not (await server.get_status(agent_id)).is_running

    await until(at_rest)
