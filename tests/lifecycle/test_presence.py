"""Viewers keep an idle agent; the last one to go takes it along, after a moment of grace."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagents import tool
from sagents.policy import ask
from sagents.replies import Pause
from sagents.viewers import Viewer
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, uses
from tests.support.skipping import PRESENT, Slowly, app_of, left, reason_of, seconds, texts_of

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


@tool
def rest() -> Pause:
    """Pause the run."""
    return Pause("needs a rest")


async def watched(env: Any, *viewers: str, **lifecycle: Any) -> Driven:
    """An agent for which viewers count, with these."""
    agent = await started(env, "helper", lifecycle={**PRESENT, **lifecycle})
    for viewer in viewers:
        await agent.handle.signal("viewer_joined", viewer)
    return agent


# ── the decision table ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("viewers", [(), ("user-1",)])
async def test_a_running_agent_stays_with_and_without_viewers(skipping_env: Any, viewers: tuple[str, ...]) -> None:
    """L-31, L-24: also longer than its inactivity timeout; the clock starts again when the run ends."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await watched(env, *viewers, inactivity_timeout_ms=500, grace_period_ms=300)
        await agent.send("hello")
        await slowly.is_asked()
        for viewer in viewers:
            await agent.handle.signal("viewer_left", viewer)
        await asyncio.sleep(1.5)  # real time: none is skipped while an activity runs
        assert await agent.status() == "running"
        slowly.go()
        assert await reason_of(env, agent) in ("inactivity", "no_viewers")
        assert await texts_of(env, agent) == ["hello", "heard hello"]


async def test_an_idle_agent_with_viewers_stays_for_days(skipping_env: Any) -> None:
    """L-31, L-40, E-44: by default they keep it from being inactive."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "user-1")
        await agent.say("hello")
        await env.passes(timedelta(days=2))
        assert "timer_active" not in await agent.ask("inactivity")
        assert await agent.say("still there?") == "heard still there?"


async def test_an_idle_agent_without_viewers_leaves_after_the_grace_period(skipping_env: Any) -> None:
    """L-31, L-34, L-36, E-44: five seconds after the run has ended."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        await agent.say("hello")
        await env.passes(seconds(3))
        assert not await agent.is_closed()
        await env.passes(seconds(3))
        assert await reason_of(env, agent) == "no_viewers"


async def test_an_idle_agent_leaves_when_its_last_viewer_does(skipping_env: Any) -> None:
    """L-30, L-34, E-44: not when one of them does."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "user-1", "user-2")
        await agent.say("hello")
        await agent.handle.signal("viewer_left", "user-1")
        await env.passes(seconds(60))
        assert not await agent.is_closed()
        await agent.handle.signal("viewer_left", "user-2")
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


async def test_an_interrupted_agent_waits_for_its_answer_however_long(skipping_env: Any) -> None:
    """L-31, L-32: neither the last viewer nor the clock makes it leave."""
    async with skipping_env(app_of(uses("delete_file", path="a"), tools=[delete_file])) as env:
        agent = await watched(env, "user-1")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.handle.signal("viewer_left", "user-1")
        await env.passes(timedelta(days=2))
        assert await agent.status() == "interrupted"
        await agent.update("resume", "approve")
        await agent.settled()
        assert await agent.last_text() == "done: deleted a"


async def test_a_paused_agent_stays_as_an_interrupted_one_does(skipping_env: Any) -> None:
    """L-33."""
    async with skipping_env(app_of(uses("rest"), tools=[rest])) as env:
        agent = await watched(env)
        await agent.send("Work")
        await agent.reaches("paused")
        await env.passes(timedelta(days=2))
        await agent.update("resume")
        assert await agent.settled() == "idle"


async def test_an_agent_in_error_leaves_as_an_idle_one_does(skipping_env: Any) -> None:
    """L-33."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("no")

    async with skipping_env(app_of(Thinks(fails))) as env:
        agent = await watched(env)
        await agent.send("hello")
        await agent.reaches("error")
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


async def test_a_cancelled_agent_leaves_as_an_idle_one_does(skipping_env: Any) -> None:
    """L-33."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await watched(env)
        await agent.send("hello")
        await slowly.is_asked()
        await agent.update("cancel")
        await agent.reaches("cancelled")
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


# ── the grace period ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tabs_refresh_does_not_stop_the_agent(skipping_env: Any) -> None:
    """L-36, L-38, E-45: left and joined within the grace period, many times."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "user-1")
        await agent.say("hello")
        for _ in range(3):
            await agent.handle.signal("viewer_left", "user-1")
            await env.passes(seconds(3))
            await agent.handle.signal("viewer_joined", "user-1")
            await env.passes(seconds(30))
        assert await agent.say("still there?") == "heard still there?"


async def test_work_that_resumes_within_the_grace_period_keeps_the_agent(skipping_env: Any) -> None:
    """L-38, E-45: at the end of the grace period the decision is made again."""
    slowly = Slowly()
    async with skipping_env(app_of(slowly.model)) as env:
        agent = await watched(env)
        slowly.go()
        await agent.say("hello")
        await env.passes(seconds(3))
        await agent.send("and more")
        await slowly.is_asked(2)
        await asyncio.sleep(3)  # real time: none is skipped while an activity runs
        assert await agent.status() == "running"
        slowly.go()
        await agent.settled()
        await env.passes(seconds(3))
        assert not await agent.is_closed()
        await env.passes(seconds(3))
        assert await reason_of(env, agent) == "no_viewers"


async def test_a_refresh_after_a_long_look_has_its_grace_period_too(skipping_env: Any) -> None:
    """L-36, L-40: a clock that viewers held starts again when the last one goes."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "user-1")
        await agent.say("hello")
        await env.passes(timedelta(hours=1))
        await agent.handle.signal("viewer_left", "user-1")
        await env.passes(seconds(3))
        await agent.handle.signal("viewer_joined", "user-1")
        await env.passes(timedelta(hours=1))
        assert await agent.say("still there?") == "heard still there?"


async def test_the_grace_period_is_the_lifecycles(skipping_env: Any) -> None:
    """L-36, L-37: other lengths than five seconds."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, grace_period_ms=40_000)
        await agent.say("hello")
        await env.passes(seconds(35))
        assert not await agent.is_closed()
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


async def test_an_agent_that_never_ran_and_was_never_seen_stays_until_it_is_inactive(skipping_env: Any) -> None:
    """L-34: starting is no reason to leave again."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        await env.passes(seconds(60))
        assert not await agent.is_closed()
        await env.passes(timedelta(minutes=5))
        assert await reason_of(env, agent) == "inactivity"


async def test_without_viewers_the_event_comes_before_the_save(skipping_env: Any) -> None:
    """L-35, L-25, L-27: one event, of one shape; then the save."""
    order: list[str] = []
    app = app_of()

    @app.saver("crm")
    def save(agent_id: str, state: Any, context: Any) -> None:
        order.append(context["lifecycle"])

    async with skipping_env(app) as env:
        agent = await watched(env, auto_save={"saver": "crm"})
        await agent.say("hello")
        append = env.store.append

        async def appended(agent_id: str, news: Any, run_id: str) -> Any:
            order.extend(item.event.type for item in news)
            return await append(agent_id, news, run_id)

        env.store.append = appended
        order.clear()
        await env.passes(seconds(6))
        await left(agent)
        assert order == ["agent_shutdown", "on_shutdown"]
        (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
        assert (goodbye.data["reason"], goodbye.data["client_status"]) == ("no_viewers", "inactive")
        assert (goodbye.data["status"], goodbye.data["interrupt_restorable"]) == ("idle", False)
        assert {"agent_id", "last_activity_at", "shutdown_at"} <= set(goodbye.data)


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_with_presence_disabled_only_inactivity_counts(skipping_env: Any) -> None:
    """L-39, E-46."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.handle.signal("viewer_joined", "user-1")
        await agent.say("hello")
        await agent.handle.signal("viewer_left", "user-1")
        await env.passes(seconds(50))
        assert not await agent.is_closed()
        await agent.handle.signal("viewer_joined", "user-1")
        await env.passes(seconds(65))
        assert await reason_of(env, agent) == "inactivity"


async def test_viewers_that_do_not_block_inactivity_see_the_agent_leave(skipping_env: Any) -> None:
    """L-40: the reference's way, as an option."""
    presence = {"enabled": True, "viewers_block_inactivity": False}
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "user-1", presence=presence, inactivity_timeout_ms=60_000)
        await agent.say("hello")
        await env.passes(seconds(65))
        assert await reason_of(env, agent) == "inactivity"


async def test_presence_can_be_switched_on_while_the_agent_lives(skipping_env: Any) -> None:
    """L-29: by `configure`."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.handle.signal("viewer_joined", "user-1")
        await agent.say("hello")
        await agent.update("configure", {"lifecycle": PRESENT})
        await env.passes(timedelta(hours=1))
        assert not await agent.is_closed()
        await agent.handle.signal("viewer_left", "user-1")
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


# ── tabs and leases ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_with_several_tabs_counts_once_and_is_gone_with_the_last(skipping_env: Any) -> None:
    """L-30."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        for tab in ("tab-1", "tab-2"):
            await agent.handle.signal("viewer_joined", {"viewer": "user-1", "connection": tab})
        await agent.say("hello")
        assert [viewer.viewer for viewer in (await agent.info()).viewers] == ["user-1"]
        await agent.handle.signal("viewer_left", {"viewer": "user-1", "connection": "tab-1"})
        await env.passes(seconds(30))
        assert not await agent.is_closed()
        await agent.handle.signal("viewer_left", {"viewer": "user-1", "connection": "tab-2"})
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"


async def test_a_viewer_has_the_time_it_joined_and_what_was_said_of_it(skipping_env: Any) -> None:
    """L-29."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        await agent.handle.signal("viewer_joined", {"viewer": "user-1", "metadata": {"name": "Ada"}})
        (viewer,) = await until(lambda: viewers_of(agent))
        assert viewer.metadata == {"name": "Ada"}
        assert abs(viewer.joined_at - await env.now()) < seconds(60)


async def viewers_of(agent: Driven) -> Any:
    return (await agent.info()).viewers


async def test_a_lost_disconnect_keeps_no_agent_awake_past_its_lease(skipping_env: Any) -> None:
    """L-40, E-56: nobody renewed the lease, so the viewer is gone."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        await agent.handle.signal("viewer_joined", {"viewer": "user-1", "connection": "tab-1", "lease_ms": 60_000})
        await agent.say("hello")
        await env.passes(seconds(50))
        assert not await agent.is_closed()
        await env.passes(seconds(20))
        assert await reason_of(env, agent) == "no_viewers"


async def test_a_viewer_that_only_pings_adds_no_event_and_keeps_the_agent(skipping_env: Any) -> None:
    """L-40: pings go to the presence port; the agent asks it once, when the lease that it knows has ended."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env)
        await agent.handle.signal("viewer_joined", {"viewer": "user-1", "connection": "tab-1", "lease_ms": 60_000})
        await agent.say("hello")
        before = len(await agent.events())
        for _ in range(30):
            await ping(env, agent, lasts=timedelta(hours=2))
            await env.passes(seconds(1))
        assert len(await agent.events()) == before
        await env.passes(timedelta(hours=1))
        assert not await agent.is_closed()
        assert len(await agent.events()) - before <= 12
        await env.passes(timedelta(hours=1, seconds=30))
        assert await reason_of(env, agent) == "no_viewers"


async def ping(env: Any, agent: Driven, lasts: timedelta) -> None:
    now = await env.now()
    tab = Viewer(viewer="user-1", connections=("tab-1",), joined_at=now, until=now + lasts)
    await env.presence.join(f"conversation:{agent.agent_id}", tab)


async def test_a_viewer_without_a_lease_stays_until_it_says_goodbye(skipping_env: Any) -> None:
    """L-40: from the command line, say; another one's lost lease does not take it along."""
    async with skipping_env(app_of()) as env:
        agent = await watched(env, "operator")
        await agent.handle.signal("viewer_joined", {"viewer": "user-1", "lease_ms": 30_000})
        await agent.say("hello")
        await env.passes(timedelta(hours=5))
        assert [viewer.viewer for viewer in (await agent.info()).viewers] == ["operator"]
        await agent.handle.signal("viewer_left", "operator")
        await env.passes(seconds(6))
        assert await reason_of(env, agent) == "no_viewers"
