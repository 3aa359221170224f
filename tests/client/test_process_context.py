"""Context variables cross from a program through Temporal into tools."""

from contextvars import ContextVar
from typing import Any

import pytest

from sagents import Agent, Lifecycle, Sagents, tool
from sagents.middleware import ProcessContext
from sagents.testing import ScriptedModel, calls, says
from tests.client.patience import settled

pytestmark = pytest.mark.asyncio

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
AMBIENT = ProcessContext([tenant])


@tool
async def whose() -> str:
    """Whose work this is."""
    return tenant.get()


@tool
def whose_in_thread() -> str:
    """Whose work this is, asked in a thread."""
    return tenant.get()


async def test_what_held_at_the_start_holds_in_tools_until_it_is_refreshed(serve: Any) -> None:
    """B-60, E-103."""
    app = Sagents()
    script = [calls(whose) & calls(whose_in_thread), says("One."), calls(whose), says("Two.")]
    app.agent("helper", Agent(model=ScriptedModel(*script), tools=[whose, whose_in_thread], middleware=[AMBIENT]))
    async with serve(app) as (server, env):
        tenant.set("acme")
        await server.start("helper", agent_id=env.id(), options=AMBIENT.captured(), lifecycle=Lifecycle())
        await server.add_message(env.id(), "Whose?")
        await settled(server, env.id())
        tenant.set("other")
        await server.configure(env.id(), options=AMBIENT.captured())
        await server.add_message(env.id(), "And now?")
        await settled(server, env.id())
        state = await server.get_state(env.id())
    results = [result.text for message in state.messages for result in message.tool_results]
    assert results == ["acme", "acme", "other"]
