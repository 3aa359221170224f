"""Why an agent went, as people and programs read it."""

from typing import Any

import pytest

from tests.support.driving import signalled, started
from tests.support.skipping import Slowly, app_of, left, seconds

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("payload", "reason"), [(None, "manual"), ("maintenance", "maintenance"), ({"reason": "drain"}, "drain")]
)
async def test_a_stop_says_its_reason_and_that_somebody_wanted_it(skipping_env: Any, payload: Any, reason: str) -> None:
    """L-28, L-41, L-27: `manual`, or what the caller said; a client shows the agent as stopped."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await agent.update("stop", payload)
        await left(agent)
        (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
        assert (goodbye.data["reason"], goodbye.data["client_status"]) == (reason, "stopped")


async def test_a_stop_saves_before_it_says_goodbye(skipping_env: Any) -> None:
    """L-41, L-47: through the application's saver too."""
    app, order = app_of(), []

    @app.saver("crm")
    def save(agent_id: str, state: Any, context: Any) -> None:
        order.append(context["lifecycle"])

    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle={"auto_save": {"saver": "crm"}})
        await agent.say("hello")
        append = env.store.append

        async def appended(agent_id: str, news: Any, run_id: str) -> Any:
            order.extend(item.event.type for item in news)
            return await append(agent_id, news, run_id)

        env.store.append = appended
        order.clear()
        await agent.update("stop")
        await left(agent)
        assert order == ["on_shutdown", "agent_shutdown"]


async def test_an_agent_that_left_comes_back_with_what_it_knows(skipping_env: Any) -> None:
    """L-14, L-22: inactivity is no loss."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.say("hello")
        await env.passes(seconds(65))
        await left(agent)
        back = await signalled(env, agent.agent_id, "add_message", "again")
        await back.settled()
        assert [m.text for m in await back.messages()] == ["hello", "heard hello", "again", "heard again"]


async def test_a_touch_that_is_refused_costs_no_event(agent_env: Any) -> None:
    """L-26: a busy page may touch as often as it likes."""
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await agent.refused("touch")
        before = len(await agent.events())
        for _ in range(5):
            assert (await agent.refused("touch")).type == "Fresh"
        assert len(await agent.events()) == before


async def test_a_touch_soon_after_the_last_activity_is_refused(skipping_env: Any) -> None:
    """L-26, L-20: what is fresh stays fresh."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        assert (await agent.refused("touch")).type == "Fresh"
        await env.passes(seconds(11))
        await agent.update("touch")
        assert (await agent.refused("touch")).type == "Fresh"


async def test_an_agent_that_is_stopped_while_it_runs_keeps_what_was_said(skipping_env: Any) -> None:
    """L-41: the message stays; the goodbye says that the run was cancelled."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await started(env, "helper")
        await agent.send("hello")
        await slowly.is_asked()
        await agent.update("stop")
        await left(agent)
        (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
        assert (goodbye.data["reason"], goodbye.data["status"]) == ("manual", "cancelled")
