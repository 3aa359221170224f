"""Telemetry hears when a tool begins and how it ends (L-67, B-135)."""

from dataclasses import replace
from typing import Any

import pytest

from sagents import Agent, telemetry, tool
from sagents.calling import run_call
from sagents.messages import ToolCall
from sagents.plan import AgentRef, CallRequest, Reference
from sagents.replies import RaiseInterrupt
from sagents.state import State
from sagents.testing import ScriptedModel, StillTime

pytestmark = pytest.mark.asyncio

Heard = list[tuple[telemetry.EventName, dict[str, Any]]]


@tool
def works() -> str:
    """Work."""
    return "done"


@tool
def breaks() -> str:
    """Break."""
    raise ValueError("out of paper")


@tool
def asks() -> str:
    """Ask."""
    raise RaiseInterrupt("Which one?")


async def heard_of(name: str) -> Heard:
    heard: Heard = []
    around = replace(StillTime().surroundings(), measure=lambda event, **values: heard.append((event, values)))
    request = CallRequest(
        agent=AgentRef(agent_id="a"), reference=Reference(), run_id="r", record="step", call_id="c", name=name
    )

    async def state() -> State:
        return State()

    agent = Agent(model=ScriptedModel(), tools=[works, breaks, asks])
    await run_call(agent, ToolCall(call_id="c", name=name), request, around, read_state=state, attempt=2)
    return heard


@pytest.mark.parametrize(("name", "status"), [("works", "completed"), ("breaks", "failed"), ("asks", "interrupted")])
async def test_a_call_is_told_from_start_to_stop(name: str, status: str) -> None:
    """B-135."""
    (start, begun), (stop, ended) = await heard_of(name)
    assert (start, stop) == (telemetry.TOOL_START, telemetry.TOOL_STOP)
    assert begun == {"tool": name, "tool_call_id": "c", "attempt": 2}
    assert ended.items() >= {**begun, "status": status}.items()
    assert ended["duration_ms"] >= 0
    assert ("out of paper" in ended.get("error", "")) == (status == "failed")


async def test_a_tool_that_there_is_not_has_not_worked() -> None:
    assert await heard_of("nothing") == []
