"""MCP tools on a worker: one process of the server for all runs, and approvals by people far away."""

from typing import Any

import pytest

from sagents.middleware import McpTools
from tests.infra.mcp.sites import PROGRAM
from tests.support.driving import started
from tests.support.models import uses
from tests.support.skipping import app_of

pytestmark = pytest.mark.asyncio


async def test_two_runs_of_two_agents_share_a_connection(agent_env: Any) -> None:
    numbers = McpTools("numbers", command=PROGRAM.command)
    async with agent_env(app_of(uses("numbers__who"), middleware=[numbers])) as env:
        said = set()
        for _ in range(2):
            agent = await started(env, "helper")
            said.add((await agent.say("Who?")).split()[1])
        assert len(said) == 1


async def test_a_destructive_call_waits_for_people(agent_env: Any) -> None:
    numbers = McpTools("numbers", command=PROGRAM.command, ask_destructive=True)
    async with agent_env(app_of(uses("numbers__delete", path="a.txt"), middleware=[numbers])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete it")
        await agent.reaches("interrupted")
        await agent.update("resume", [{"type": "approve"}])
        await agent.reaches("idle")
        assert await agent.last_text() == "done: a.txt is gone"
