"""Agents leave when nobody needs them, and only then."""

from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, Sagents
from tests.support.driving import Driven, started, until
from tests.support.models import echoes

pytestmark = pytest.mark.asyncio


def app_of(model: Any = None) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model or echoes()))
    return app


async def left(agent: Driven) -> bool:
    return await until(agent.is_closed) is True


async def test_an_agent_leaves_five_minutes_after_the_last_activity(skipping_env: Any) -> None:
    """L-17, L-18, E-33: the default."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await env.passes(timedelta(minutes=4, seconds=50))
        assert not await agent.is_closed()
        await env.passes(timedelta(seconds=20))
        assert await left(agent)


@pytest.mark.parametrize("never", [None, "infinity"])
async def test_an_agent_without_a_timeout_stays_for_days(skipping_env: Any, never: Any) -> None:
    """L-19, E-33: both spellings."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": never})
        await agent.say("hello")
        await env.passes(timedelta(days=3))
        assert await agent.say("still there?") == "heard still there?"


async def test_every_activity_starts_the_clock_again(skipping_env: Any) -> None:
    """L-20, E-34: a message, an execute, a touch, a viewer."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.say("hello")
        for activity in ("add_message", "execute", "touch"):
            await env.passes(timedelta(seconds=50))
            await agent.update(activity, {"content": "again"} if activity == "add_message" else None)
            await agent.settled()
        await env.passes(timedelta(seconds=50))
        await agent.handle.signal("viewer_joined", "user-1")
        await env.passes(timedelta(seconds=50))
        assert not await agent.is_closed()
        await env.passes(timedelta(seconds=20))
        assert await left(agent)


async def test_queries_are_peeks_and_keep_nobody_awake(skipping_env: Any) -> None:
    """L-21."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.say("hello")
        for _ in range(4):
            await env.passes(timedelta(seconds=14))
            await agent.info()
        await env.passes(timedelta(seconds=10))
        assert await left(agent)


async def test_the_goodbye_comes_once_and_after_the_save(skipping_env: Any) -> None:
    """L-22, L-25, L-27: save, then one event, then the end."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.say("hello")
        await env.passes(timedelta(seconds=70))
        assert await left(agent)
        (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
        assert goodbye.data["reason"] == "inactivity"
        assert goodbye.data["client_status"] == "inactive"
        assert {"agent_id", "status", "interrupt_restorable", "last_activity_at", "shutdown_at"} <= set(goodbye.data)


async def test_a_burst_of_messages_costs_few_timers(skipping_env: Any) -> None:
    """One lazy timer, armed again when it fires early; not one a message."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        for number in range(30):
            await agent.say(f"m{number}")
        timers = [e for e in await agent.events() if e.HasField("timer_started_event_attributes")]
        assert len(timers) <= 2


async def test_the_inactivity_query_tells_when_and_why(skipping_env: Any) -> None:
    """L-26."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 60_000})
        await agent.say("hello")
        answer = await agent.ask("inactivity")
        assert (answer["inactivity_timeout_ms"], answer["timer_active"]) == (60_000, True)
        assert answer["reason"] == "inactivity"
