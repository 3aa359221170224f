"""An agent and a real MCP server: the adapter is found because it is installed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sagents import Agent, Approve, HumanInTheLoop, ask
from sagents.middleware import McpTools
from sagents.testing import ScriptedModel, calls_raw, says, talk
from sagents_infra.mcp.pool import pool
from tests.infra.mcp.sites import PROGRAM, Site

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["stdio", "http"])
async def where(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    site = Site()
    if request.param == "http":
        await site.start()
    yield {"url": site.address().url} if request.param == "http" else {"command": PROGRAM.command}
    await pool().close()
    await site.stop()


async def test_an_agent_uses_it_and_people_decide_about_its_calls(where: dict[str, Any]) -> None:
    people = HumanInTheLoop(policies={"numbers__delete": ask()})
    agent = Agent(model="test:any", middleware=[people, McpTools("numbers", **where)], default_middleware=False)
    model = ScriptedModel(
        calls_raw("numbers__add", {"a": 2, "b": 3}), calls_raw("numbers__delete", {"path": "a.txt"}), says("Done.")
    )
    outcome = await talk(agent, model, "Add, then delete", answers=(Approve(),))
    results = [result for message in outcome.state.messages for result in message.tool_results]
    assert [result.text for result in results] == ["5", "a.txt is gone"]
    assert outcome.text == "Done."
