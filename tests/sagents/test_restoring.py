"""An export in the place of a living agent's state."""

import json
from datetime import UTC, datetime

import pytest

from sagents import Agent, Message, State, ask, tool
from sagents.operations import fold
from sagents.pending import unanswered
from sagents.restoring import UNFINISHED, restore
from sagents.serialization import export_state
from sagents.testing import ScriptedModel, calls

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


@pytest.mark.asyncio
async def test_a_call_that_waited_for_an_approval_has_a_result_after_a_restore() -> None:
    """B-66, B-86, T-31: a living agent keeps its approvals; an export of one leaves no call that no model can read."""
    agent = Agent(model=ScriptedModel(calls(refund, order="7")), tools=[refund], agent_id="desk-1")
    waiting = (await agent.execute("Refund order 7")).state
    assert [call.name for call in unanswered(waiting)] == ["refund"]
    body = json.dumps(export_state(waiting, serialized_at=NOW))
    restored = restore(agent, State(agent_id="desk-1"), body)
    state = fold(State(agent_id="desk-1"), restored.operations)
    (result,) = state.messages[-1].tool_results
    assert (result.text, result.is_error, restored.interrupts) == (UNFINISHED, True, ())
    assert unanswered(state) == ()


def test_a_conversation_in_which_nothing_waits_is_restored_as_it_is() -> None:
    """B-66."""
    agent = Agent(model=ScriptedModel(), agent_id="desk-1")
    state = State(messages=(Message.user("Hi"), Message.assistant("Hello")))
    restored = restore(agent, State(), json.dumps(export_state(state, serialized_at=NOW)))
    assert fold(State(), restored.operations).messages == state.messages
