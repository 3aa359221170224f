"""Why an agent went, as people and programs read it."""

import asyncio
from typing import Any

import pytest

from sagents.client import AgentServer
from sagents.limits import Limits
from tests.support.driving import Driven, signalled, started, until
from tests.support.skipping import Slowly, app_of, left, seconds, statuses, texts_of

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


async def running(env: Any, slowly: Slowly, **lifecycle: Any) -> Driven:
    """An agent that thinks about its first message."""
    agent = await started(env, "helper", lifecycle=lifecycle)
    await agent.send("hello")
    await slowly.is_asked()
    return agent


async def goodbye_of(env: Any, agent: Driven) -> tuple[str, str]:
    await left(agent)
    (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
    return goodbye.data["reason"], goodbye.data["status"]


# Time that is skipped stands still while an activity runs, so here it is real and short.


async def test_a_stop_lets_the_run_under_way_end_and_then_saves_and_leaves(skipping_env: Any) -> None:
    """L-42: nobody's stream is cut, and the rest that follows is told."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        stopping = await agent.update("stop")
        assert stopping["run_ends_within_ms"] > 25_000
        await env.passes(seconds(1))
        assert await agent.status() == "running"
        slowly.go()
        assert await goodbye_of(env, agent) == ("manual", "idle")
        assert await texts_of(env, agent) == ["hello", "heard hello"]
        assert (await statuses(env, agent))[-1] == "idle"


@pytest.mark.parametrize(
    ("lifecycle", "limits", "patience"),
    [
        ({}, Limits(stop_patience=seconds(2)), 2),
        ({"stop_patience_ms": 2_000}, Limits(), 2),
        ({"stop_patience_ms": 0}, Limits(), 0),
    ],
)
async def test_a_run_that_does_not_end_in_time_is_cancelled(
    skipping_env: Any, lifecycle: Any, limits: Limits, patience: int
) -> None:
    """L-42, L-41: as the lifecycle says, else the worker's setting; what was said is kept."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model), limits=limits) as env:
        agent = await running(env, slowly, **lifecycle)
        stopping = await agent.update("stop")
        assert stopping["run_ends_within_ms"] == patience * 1_000 + 25_000
        assert await goodbye_of(env, agent) == ("manual", "cancelled")
        assert await texts_of(env, agent) == ["hello"]


async def test_temporals_own_cancel_lets_the_run_end_too(skipping_env: Any) -> None:
    """L-42."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        await agent.handle.cancel()
        await env.passes(seconds(1))
        assert await agent.status() == "running"
        slowly.go()
        assert await goodbye_of(env, agent) == ("cancelled_by_operator", "idle")


@pytest.mark.parametrize(
    ("command", "payload"), [("cancel", None), ("stop", {"reason": "now", "patience_ms": 0}), ("stop_soon", None)]
)
async def test_a_stop_that_waits_may_be_hurried(skipping_env: Any, command: str, payload: Any) -> None:
    """L-42, L-43: by a cancel, or by another stop with less patience."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly, stop_patience_ms=3_600_000)
        await agent.update("stop")
        if command == "stop_soon":
            await agent.update("stop", {"patience_ms": 1_000})
        else:
            await agent.update(command, payload)
        assert await goodbye_of(env, agent) == ("manual", "cancelled")


@pytest.mark.parametrize("mode", ["enqueue", "cancel_and_run"])
async def test_a_message_that_comes_while_a_stop_waits_begins_the_next_life(skipping_env: Any, mode: str) -> None:
    """L-42, B-75: it neither starts a run nor cuts the one that ends. Then the agent comes back and answers it."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly, while_running=mode)
        await agent.update("stop")
        await agent.send("and then?")
        slowly.go(2)
        said = ["hello", "heard hello", "and then?", "heard and then?"]

        async def answered() -> bool:  # by the store: that server never answers a query that meets a continue-as-new
            row = await env.store.load(agent.agent_id)
            return bool(row.head) and await texts_of(env, agent) == said

        await until(answered)
        (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
        assert (goodbye.data["reason"], goodbye.data["status"]) == ("manual", "idle")


async def test_an_agent_that_does_nothing_leaves_at_once(skipping_env: Any) -> None:
    """L-42: no time passes here."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"stop_patience_ms": 3_600_000})
        await agent.say("hello")
        await agent.update("stop")
        assert await goodbye_of(env, agent) == ("manual", "idle")


async def test_a_client_waits_for_as_long_as_the_run_may_take(agent_env: Any) -> None:
    """L-42: longer than its own patience, which is for answers."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        server = AgentServer(
            env.client,
            store=env.store,
            channel=env.channel,
            task_queue=env.settings.task_queue,
            patience=seconds(1),
        )
        stopping = asyncio.create_task(server.stop(agent.agent_id))
        done, _ = await asyncio.wait({stopping}, timeout=2)
        assert not done
        slowly.go()
        assert await stopping == "stopped"
        assert await texts_of(env, agent) == ["hello", "heard hello"]
