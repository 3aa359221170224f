"""An answer that wakes an agent is in its hand before anybody hears of the question again."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy

from sagents import Agent, Sagents, contract, tool
from sagents.limits import Limits
from sagents.policy import ask
from tests.support.driving import started, until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def publish() -> str:
    """Publish it."""
    return "published"


def desk() -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=uses("publish"), tools=[publish]))
    return app


async def statuses(env: Any, agent_id: str) -> list[str]:
    events = await env.store.events(agent_id)
    return [event.data["status"] for event in events if event.type == "status_changed"]


async def test_waking_with_an_answer_announces_running_and_never_the_stale_question(agent_env: Any) -> None:
    """E-48."""
    async with agent_env(desk()) as env:
        agent = await started(env, "helper")
        await agent.send("Publish")
        await agent.reaches("interrupted")
        await agent.update("stop")
        await asyncio.wait_for(agent.handle.result(), 60)
        before = len(await statuses(env, agent.agent_id))
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            contract.AGENT_WORKFLOW,
            {},
            id=agent.agent_id,
            task_queue=env.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await env.client.execute_update_with_start_workflow(
            contract.RESUME, [{"type": "approve"}], start_workflow_operation=start
        )

        async def done() -> bool:
            return await agent.last_text() == "done: published"

        await until(done)
        assert (await statuses(env, agent.agent_id))[before:][0] == "running"
        assert "interrupted" not in (await statuses(env, agent.agent_id))[before:]


async def test_waking_a_dormant_question_by_a_look_announces_it_again(agent_env: Any) -> None:
    """L-16, E-35: interrupted, with what was asked."""
    async with agent_env(desk()) as env:
        agent = await started(env, "helper")
        await agent.send("Publish")
        await agent.reaches("interrupted")
        await agent.update("stop")
        await asyncio.wait_for(agent.handle.result(), 60)
        await started(env, "helper", agent.agent_id)
        await agent.reaches("interrupted")
        last = [event for event in await env.store.events(agent.agent_id) if event.type == "status_changed"][-1]
        assert last.data["status"] == "interrupted"
        assert last.data["data"]["action_requests"][0]["tool_name"] == "publish"


async def test_a_tool_that_is_the_first_effect_of_a_workflow_run_is_told_in_the_log(agent_env: Any) -> None:
    """B-101: an agent that continued as new while it was parked has not claimed the store yet."""
    async with agent_env(desk(), limits=Limits(parked_events=15)) as env:
        agent = await started(env, "helper")
        await agent.send("Publish")

        async def renewed() -> bool:
            return len(await agent.run_ids()) > 1 and await agent.status() == "interrupted"

        await until(renewed)
        await agent.update("resume", "approve")
        await agent.settled()
        told = [event.data["status"] for event in await env.store.events(agent.agent_id) if _is_of_tool(event)]
        assert told == ["executing", "completed"]


def _is_of_tool(event: Any) -> bool:
    return bool(event.type == "tool_execution_update")
