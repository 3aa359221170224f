"""Budgets of a living agent: what people let it use, and what becomes of a run that may not go on."""

from typing import Any

import pytest

from sagents import Budget, tool
from tests.support.driving import started, until
from tests.support.models import uses
from tests.support.skipping import app_of

pytestmark = pytest.mark.asyncio


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is blue"


def watched() -> Any:
    return app_of(uses("look", at="it"), tools=[look], middleware=[Budget(model_calls=1)])


async def test_people_extend_a_budget_and_the_run_goes_on(agent_env: Any) -> None:
    async with agent_env(watched()) as env:
        agent = await started(env, "helper")
        await agent.send("Look")
        await agent.reaches("interrupted")
        (asked,) = await agent.interrupts()
        assert (asked.interrupt.reason, asked.interrupt.data["limit"]) == ("budget", {"model_calls": 1})
        await agent.update("resume", [{"type": "approve", "extend": {"model_calls": 5}}])
        await agent.reaches("idle")
        assert [message.text for message in await agent.messages()][-1] == "done: it is blue"


async def test_people_decline_more_and_the_run_ends_with_an_error(agent_env: Any) -> None:
    async with agent_env(watched()) as env:
        agent = await started(env, "helper")
        await agent.send("Look")
        await agent.reaches("interrupted")
        await agent.update("resume", [{"type": "reject", "reason": "enough"}])
        await agent.reaches("error")
        await until(lambda: _told(env, agent, "budget_exceeded"))


async def _told(env: Any, agent: Any, error: str) -> bool:
    """Whether a status that was announced tells of the error."""
    events = await env.store.events(agent.agent_id)
    return any(error in str(event.data) for event in events if event.type == "status_changed")
