"""Calls that must not be repeated, and calls that must not be mixed up."""

from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, AgentRequest, Sagents, ToolContext, tool
from sagents.limits import Limits
from sagents.messages import Message
from sagents.policy import ask
from sagents.ports import ModelRequest
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, results_since_user, uses

pytestmark = pytest.mark.asyncio


async def test_two_agents_who_hear_the_same_words_run_their_own_calls(agent_env: Any) -> None:
    """The state of both has the same digest, and so their step records have the same key."""

    @tool
    def pay(context: ToolContext, account: str) -> str:
        """Pay."""
        return f"{context.scope['owner']} paid from {account}"

    def think(request: ModelRequest, _: Any) -> Message:
        results = results_since_user(request)
        return Message.assistant(results[0]) if results else asks_for(("pay", {"account": request.system_prompt}))

    app = Sagents()

    @app.agent("helper")
    def helper(request: AgentRequest) -> Agent:
        prompt = f"account of {request.scope['owner']}"
        return Agent(model=Thinks(think), tools=[pay], system_prompt=prompt, default_middleware=False)

    async with agent_env(app) as env:
        ann = await started(env, "helper", env.id("ann"), scope={"owner": "ann"})
        bob = await started(env, "helper", env.id("bob"), scope={"owner": "bob"})
        assert await ann.say("Pay", "m1") == "ann paid from account of ann"
        assert await bob.say("Pay", "m1") == "bob paid from account of bob"


@tool(approval=ask(), on_worker_loss="report")
def send_letter(to: str = "Ann") -> str:
    """Send a letter, which nobody can take back."""
    return f"sent to {to}"


async def test_a_call_that_reports_a_lost_worker_runs_after_the_agent_continued_as_new(agent_env: Any) -> None:
    """The first effect of the new workflow run leaves a footprint in the store, so it has to become the writer."""
    app = Sagents()
    app.agent("helper", Agent(model=uses("send_letter"), tools=[send_letter]))
    async with agent_env(app, limits=Limits(parked_events=10)) as env:
        agent = await started(env, "helper")
        await agent.send("Send it")
        await agent.reaches("interrupted")
        await until(lambda: has_renewed(agent))
        await agent.update("resume", [{"type": "approve"}])
        assert await agent.settled() == "idle"
        assert await agent.last_text() == "done: sent to Ann"


async def has_renewed(agent: Driven) -> bool:
    return len(await agent.run_ids()) > 1


async def test_a_call_that_an_old_worker_did_not_know_is_not_reported_as_lost(agent_env: Any) -> None:
    """DESIGN 4.6: for a while another worker may know it. It has not run, so its outcome is not unknown."""

    def with_tools(*tools: Any) -> Sagents:
        app = Sagents()
        app.agent("helper", Agent(model=uses("send_letter"), tools=tools))
        return app

    async with agent_env(with_tools(send_letter), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Send it")
            await agent.reaches("interrupted")
        async with env.worker(with_tools(), rolling_deploy=timedelta(minutes=1)):
            await agent.update("resume", [{"type": "approve"}])
            await until(lambda: was_tried(agent))
            assert await agent.status() == "running"
        async with env.worker():
            assert await agent.settled() == "idle"
            assert await agent.last_text() == "done: sent to Ann"


async def was_tried(agent: Driven) -> bool:
    pending = (await agent.handle.describe()).raw_description.pending_activities
    return any(activity.attempt > 1 for activity in pending)
