"""What a tool tells that makes no sense costs nothing but itself: the run goes on, and the tool runs once."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import Agent, Sagents, ToolContext, tool
from tests.support.driving import started
from tests.support.models import uses

pytestmark = pytest.mark.asyncio

HALF = "half of an emoji: \ud83d"

NONSENSE: Mapping[str, tuple[str, dict[str, JsonValue]]] = {
    "a status that no row has": ("tool_execution_update", {"call_id": "x", "status": "weird"}),
    "a call without a status": ("tool_execution_update", {"call_id": "x"}),
    "arguments that are none": ("tool_execution_update", {"call_id": "x", "status": "completed", "arguments": 7}),
    "a halt of no call": ("agent_halted", {"message": "x", "tool_call_id": 7}),
    "an approval of nothing": ("approval.decided", {"tool_call_id": "x"}),
    "a text that is no text": (
        "display_message_updated",
        {"row": {"id": "a", "message_type": "system", "content": {"text": HALF}}},
    ),
    "an id that is no text": ("display_message_saved", {"row": {"id": HALF, "message_type": "system"}}),
    "a number out of all bounds": (
        "display_message_saved",
        {"row": {"id": "n", "number": 10**30, "sequence": 10**40, "message_type": "system"}},
    ),
}


@pytest.fixture(autouse=True)
def events_fit_their_models() -> None:
    """These do not; so nobody looks."""


async def test_nonsense_that_a_tool_tells_costs_the_run_nothing(agent_env: Any) -> None:
    """DESIGN 9: what is told is told, and changes no row."""
    runs: list[str] = []

    @tool
    async def work(context: ToolContext) -> str:
        """Work."""
        runs.append("again" if runs else "once")
        for type, data in NONSENSE.values():
            context.emit(type, data)
            context.emit("shop.paid", {})
            await asyncio.sleep(0)
        return "done"

    app = Sagents()
    app.agent("helper", Agent(model=uses("work"), tools=[work], default_middleware=False))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        assert await agent.say("go", "m1") == "done: done"
        told = Counter(event.type for event in await env.store.events(agent.agent_id))
        assert runs == ["once"]
        assert told["shop.paid"] == len(NONSENSE)
        assert told["agent_halted"] == told["approval.decided"] == 1
