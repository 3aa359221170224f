"""What comes while an agent leaves keeps it: at each place of the save with which it goes."""

from typing import Any

import pytest

from sagents import Agent, Sagents
from sagents.errors import StoreUnavailable
from sagents_infra.stores.memory import MemoryStore
from tests.support.driving import started, until
from tests.support.models import echoes
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("place", ["load", "save", "append"])
@pytest.mark.parametrize("door", ["update", "signal"])
async def test_a_message_that_comes_during_the_last_save_is_answered(agent_env: Any, place: str, door: str) -> None:
    """L-22: also one that this save still kept; the goodbye is followed by events of a higher id, which count."""
    app, came = Sagents(), list[StoreCall]()
    app.agent("helper", Agent(model=echoes()))
    store = WatchedStore(MemoryStore())

    async def say_something(call: StoreCall) -> None:
        if call.method == place and not came:
            came.append(call)
            message = {"content": "wait", "id": "m2"}
            await (agent.update if door == "update" else agent.handle.signal)("add_message", message)

    async with agent_env(app, store=store) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 1_000})
        assert await agent.say("hello") == "heard hello"
        store.before = say_something

        async def answered() -> bool:
            return await agent.last_text() == "heard wait"

        await until(answered)
        assert [call.effect for call in came] == ["save"]
        events = [event.type for event in await env.store.events(agent.agent_id)]
        assert "llm_message" in events[events.index("agent_shutdown") :]


@pytest.mark.parametrize("place", ["load", "save", "append"])
async def test_a_message_that_comes_while_a_stop_saves_begins_the_next_life(agent_env: Any, place: str) -> None:
    """L-42: what waited before the stop sleeps with the agent; what came after it is somebody who wants an answer."""
    app, came = Sagents(), list[StoreCall]()
    app.agent("helper", Agent(model=echoes()))
    store = WatchedStore(MemoryStore())

    async def say_something(call: StoreCall) -> None:
        if call.method == place and not came:
            came.append(call)
            await agent.handle.signal("add_message", {"content": "wait", "id": "m2"})

    async with agent_env(app, store=store) as env:
        agent = await started(env, "helper")
        assert await agent.say("hello") == "heard hello"
        store.before = say_something
        await agent.update("stop")

        async def answered() -> bool:
            return await agent.last_text() == "heard wait"

        await until(answered)
        events = [event.type for event in await env.store.events(agent.agent_id)]
        assert "llm_message" in events[events.index("agent_shutdown") :]


async def test_a_goodbye_that_is_told_again_by_a_retry_is_in_the_log_once(agent_env: Any) -> None:
    """L-23: for `no_viewers` the event comes before the save; the save fails, and all of it is done again."""
    app, failed = Sagents(), list[StoreCall]()
    app.agent("helper", Agent(model=echoes()))
    store = WatchedStore(MemoryStore())

    async def fail_twice(call: StoreCall) -> None:
        if (call.effect, call.method) == ("save", "save") and len(failed) < 2:
            failed.append(call)
            raise StoreUnavailable("out for lunch")

    async with agent_env(app, store=store) as env:
        agent = await started(env, "helper", lifecycle={"presence": {"enabled": True}, "grace_period_ms": 300})
        assert await agent.say("hello") == "heard hello"
        store.before = fail_twice
        await until(agent.is_closed)
        assert len(failed) == 2
        events = [event.type for event in await env.store.events(agent.agent_id)]
        assert events.count("agent_shutdown") == 1
