"""Browser tabs, as a door of the application tells of them, against agents on a real server."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from sagents import Lifecycle, Status
from sagents.client import AgentServer
from sagents.lifecycle import Presence
from sagents_infra.stores.memory import MemoryStore
from tests.client.apps import app_of
from tests.client.patience import reaches, settled
from tests.support.driving import until
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio
WATCHED = Lifecycle(presence=Presence(enabled=True), grace_period=timedelta(milliseconds=700))


async def test_who_joins_and_leaves_without_a_topic_does_so_at_the_agents_own(serve: Any) -> None:
    """L-29, L-36: the lifecycle's, also of an agent that sleeps; the info says which."""
    watched = Lifecycle(presence=Presence(enabled=True, topic="room-7"))
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=watched)
        await server.start("helper", agent_id=env.id("plain"), conversation_id="c1")
        await server.messages(env.id())
        await server.messages(env.id("plain"))
        assert [(await server.agent_info(one)).topic for one in (env.id(), env.id("plain"))] == [
            "room-7", "conversation:c1",
        ]  # fmt: skip
        await server.join(env.id(), "ann")
        assert [one.viewer for one in (await env.presence.viewers("room-7")).present] == ["ann"]
        await server.leave(env.id(), "ann")
        assert not await env.presence.viewers("room-7")
        await server.stop(env.id())
        assert await server.join(env.id(), "bob") is False
        assert [one.viewer for one in (await env.presence.viewers("room-7")).present] == ["bob"]
        await server.leave(env.id(), "bob")
        assert not await env.presence.viewers("room-7")


async def test_conversations_of_two_tenants_with_one_id_have_viewers_of_their_own(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        for tenant in ("acme", "other"):
            await server.start("helper", agent_id=env.id(tenant), conversation_id="c1", scope={"tenant": tenant})
            await server.messages(env.id(tenant))
        await server.join(env.id("acme"), "ann")
        assert [one.viewer for one in (await env.presence.viewers("conversation:acme/c1")).present] == ["ann"]
        assert not await env.presence.viewers("conversation:other/c1")


async def test_a_tabs_refresh_stops_nothing_and_the_last_viewers_leaving_does(serve: Any) -> None:
    """L-30, L-35, L-36, E-45: who comes back within the grace period is there when it ends; event before save."""
    calls: list[str] = []

    async def note(call: StoreCall) -> None:
        if call.effect == "save":
            calls.append(call.method)

    async with serve(app_of(), store=WatchedStore(MemoryStore(), before=note)) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=WATCHED)
        await server.join(env.id(), "ann", connection="tab")
        await server.add_message(env.id(), "hello")
        await settled(server, env.id())
        await server.leave(env.id(), "ann", connection="tab")
        await until(lambda: _would_leave(server, env.id()))
        await server.join(env.id(), "ann", connection="tab")
        await until(lambda: _timers_fired(server, env.id()))
        assert await server.get_status(env.id()) is Status.IDLE
        calls.clear()
        await server.leave(env.id(), "ann", connection="tab")
        await reaches(server, env.id(), Status.NOT_RUNNING)
        assert [call for call in calls if call in ("append", "save")] == ["append", "save"]
        assert await _goodbyes(env, env.id()) == ["no_viewers"]


async def test_pings_add_nothing_to_history(serve: Any) -> None:
    """L-40, E-56: not an event of any kind, however often a tab says that it is still there."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=WATCHED)
        await server.join(env.id(), "ann", connection="tab")
        await server.add_message(env.id(), "hello")
        await settled(server, env.id())
        before = len(await _history(server, env.id()))
        for _ in range(50):
            assert await server.join(env.id(), "ann", connection="tab")
        assert len(await _history(server, env.id())) == before


async def test_a_viewer_whose_disconnect_was_lost_is_gone_with_its_lease(serve: Any) -> None:
    """L-40, E-56: nobody says that it has left; a ping had made it longer."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=WATCHED)
        for lease in (1, 2):
            await server.join(env.id(), "ann", connection="tab", lease=timedelta(seconds=lease))
        await server.add_message(env.id(), "hello")
        await reaches(server, env.id(), Status.NOT_RUNNING)
        assert await _goodbyes(env, env.id()) == ["no_viewers"]


async def _would_leave(server: AgentServer, agent_id: str) -> bool:
    answer = await server.inactivity(agent_id)
    return answer is not None and answer.reason == "no_viewers"


async def _timers_fired(server: AgentServer, agent_id: str) -> int:
    return sum(event.event_type == EventType.EVENT_TYPE_TIMER_FIRED for event in await _history(server, agent_id))


async def _history(server: AgentServer, agent_id: str) -> list[Any]:
    handle = await server.whereis(agent_id)
    assert handle is not None
    return list((await handle.fetch_history()).events)


async def _goodbyes(env: Any, agent_id: str) -> list[str]:
    return [e.data["reason"] for e in await env.store.events(agent_id) if e.type == "agent_shutdown"]
