"""Touching, exporting, restoring, resetting, configuring, deleting: a whole life through `AgentServer`."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagents import (
    Agent,
    AgentNotFound,
    HookContext,
    InvalidInput,
    InvalidState,
    Lifecycle,
    Middleware,
    Sagents,
    Status,
)
from sagents.client import AgentServer
from sagents.errors import CannotDismiss, CannotRestore
from sagents.ports import SavedHead
from sagents.state import State
from sagents_infra.stores.memory import MemoryStore
from tests.client.apps import Gate, app_of, desk
from tests.client.patience import reaches, settled
from tests.support.driving import until
from tests.support.models import echoes

pytestmark = pytest.mark.asyncio
SHORT = Lifecycle(inactivity_timeout=timedelta(milliseconds=500))


async def test_a_touch_right_after_activity_changes_nothing(serve: Any) -> None:
    """L-20, L-21: a touch is activity, and a fresh one enters no history."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "hello")
        await settled(server, env.id())
        before = await _told(server, env.id())
        assert await server.touch(env.id()) is False
        for _ in range(5):
            await server.get_state(env.id())
        assert await _told(server, env.id()) == before
        with pytest.raises(AgentNotFound):
            await server.touch("nobody")


async def test_reading_a_state_touches_and_peeks_do_not(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """L-20, L-21: one client touches an agent once in ten seconds, however often it reads."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        touched: list[str] = []

        async def touch(agent_id: str) -> bool:
            touched.append(agent_id)
            return True

        monkeypatch.setattr(server, "_touch", touch)
        await server.messages(env.id())
        await server.todos(env.id())
        await server.interrupts(env.id())
        await server.agent_info(env.id())
        await server.inactivity(env.id())
        assert touched == []
        await server.get_state(env.id())
        await server.export_state(env.id())
        assert touched == [env.id()]


async def test_inactivity_says_when_the_agent_leaves(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.messages(env.id())
        answer = await server.inactivity(env.id())
        assert answer is not None
        assert (answer.inactivity_timeout_ms, answer.reason) == (300_000, "inactivity")
        assert await server.inactivity("nobody") is None


async def test_an_export_is_plain_json_and_restores_everything(serve: Any) -> None:
    """L-44, L-45, B-66, E-39: string keys; export and restore keep all of it; under another id it is a clone."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), conversation_id="c1")
        await server.add_message(env.id(), "one")
        await settled(server, env.id())
        exported = await server.export_state(env.id())
        assert sorted(exported) == ["serialized_at", "state", "version"]
        await server.add_message(env.id(), "two")
        await settled(server, env.id())
        await server.restore_state(env.id(), exported)
        await _says(server, env.id(), "one", "heard one")
        await server.start("helper", agent_id=env.id("clone"))
        await server.restore_state(env.id("clone"), exported)
        await _says(server, env.id("clone"), "one", "heard one")
        await server.add_message(env.id("clone"), "three")
        await _says(server, env.id("clone"), "one", "heard one", "three", "heard three")
        await _says(server, env.id(), "one", "heard one")


async def test_a_restore_wakes_an_agent_that_sleeps_and_knows_no_strangers(serve: Any) -> None:
    """B-66, E-38."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=["one"])
        exported = await server.export_state(env.id())
        await server.stop(env.id())
        assert (await server.export_state(env.id()))["state"] == exported["state"]
        exported["state"]["messages"][0]["content"] = "another one"
        await server.restore_state(env.id(), exported)
        await _says(server, env.id(), "another one")
        assert await server.get_status(env.id()) is Status.IDLE
        with pytest.raises(AgentNotFound):
            await server.restore_state(env.id("nobody"), exported)


async def test_what_is_no_export_is_refused_and_so_is_a_restore_during_a_run(serve: Any) -> None:
    """B-66."""
    gate = Gate()
    async with serve(gate.app) as (server, env):
        await server.start("helper", agent_id=env.id())
        exported = await server.export_state(env.id())
        with pytest.raises(InvalidState):
            await server.restore_state(env.id(), {"version": 99})
        await server.add_message(env.id(), "go")
        await reaches(server, env.id(), Status.RUNNING)
        with pytest.raises(CannotRestore, match="cancel the run first"):
            await server.restore_state(env.id(), exported)
        gate.open()
        await settled(server, env.id())


async def test_a_reset_forgets_the_conversation(serve: Any) -> None:
    """B-67, E-38."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one")
        await settled(server, env.id())
        await server.reset(env.id())
        await _says(server, env.id())
        with pytest.raises(AgentNotFound):
            await server.reset("nobody")


async def test_another_lifecycle_counts_at_once(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=Lifecycle(inactivity_timeout=None))
        await server.messages(env.id())
        await server.configure(env.id(), lifecycle=SHORT)
        await reaches(server, env.id(), Status.NOT_RUNNING)
        with pytest.raises(InvalidInput):
            await server.configure(env.id(), options={"when": object()})


async def test_a_middleware_hears_what_is_for_it(serve: Any) -> None:
    """E-43: an id that no middleware has is harmless."""

    class Notes(Middleware):
        id = "notes"

        def handle_message(self, message: Any, state: State, context: HookContext, /) -> State:
            return state.put_metadata("note", message)

    app = Sagents()
    app.agent("helper", Agent(model=echoes(), middleware=[Notes()]))
    async with serve(app) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.notify_middleware(env.id(), "nobody", 1)
        await server.notify_middleware(env.id(), "notes", {"page": 3})

        async def noted() -> bool:
            return bool((await server.get_state(env.id())).get_metadata("note") == {"page": 3})

        await until(noted)
        with pytest.raises(AgentNotFound):
            await server.notify_middleware("nobody", "notes", 1)


async def test_only_a_halt_is_dismissed(serve: Any) -> None:
    """B-63, B-124, E-51: a question is neither dismissed nor woken."""
    async with serve(desk()) as (server, env):
        await server.start("helper", agent_id=env.id())
        with pytest.raises(CannotDismiss, match="not interrupted"):
            await server.dismiss_interrupt(env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        with pytest.raises(CannotDismiss, match="requires explicit response"):
            await server.dismiss_interrupt(env.id())
        await server.stop(env.id())
        with pytest.raises(CannotDismiss, match="requires explicit response"):
            await server.dismiss_interrupt(env.id())
        assert await server.get_status(env.id()) is Status.NOT_RUNNING
        with pytest.raises(AgentNotFound):
            await server.dismiss_interrupt("nobody")


async def test_an_agent_that_sleeps_over_a_halt_is_woken_and_dismissed(serve: Any) -> None:
    """B-124, E-51."""
    async with serve(desk(), store=Halting()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        await server.stop(env.id())
        assert (await server.dismiss_interrupt(env.id())).status is Status.IDLE
        await reaches(server, env.id(), Status.IDLE)
        assert await server.interrupts(env.id()) == ()


async def test_what_is_deleted_is_gone_for_good(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one")
        await settled(server, env.id())
        assert await server.exists(env.id())
        assert await server.delete(env.id()) == "deleted"
        assert not await server.exists(env.id())
        assert await env.store.load(env.id()) is None
        assert await env.store.events(env.id()) == ()
        with pytest.raises(AgentNotFound):
            await server.add_message(env.id(), "two")
        assert await server.delete(env.id()) == "not_found"


async def test_an_agent_that_sleeps_can_be_deleted(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=["one"])
        await server.stop(env.id())
        assert await server.delete(env.id()) == "deleted"
        with pytest.raises(AgentNotFound):
            await server.get_state(env.id())


async def test_an_agent_that_does_not_leave_is_deleted_all_the_same(serve: Any) -> None:
    async with serve(app_of(), worker=False) as (server, env):
        await server.start("helper", agent_id=env.id())
        assert await server.delete(env.id(), within=timedelta(seconds=1)) == "deleted"
        assert await server.whereis(env.id()) is None


async def test_a_reason_is_in_the_shutdown_event(serve: Any) -> None:
    """L-41."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        assert await server.stop(env.id(), "closing_time") == "stopped"
        shutdown = (await env.store.events(env.id()))[-1]
        assert (shutdown.type, shutdown.data["reason"]) == ("agent_shutdown", "closing_time")


async def test_who_subscribes_at_the_start_misses_nothing(serve: Any) -> None:
    """L-13, E-24."""
    async with serve(app_of()) as (server, env):
        session = await server.start("helper", agent_id=env.id(), subscribe=True)
        assert session.events is not None
        await server.add_message(env.id(), "one")
        await settled(server, env.id())
        async with asyncio.timeout(20):
            async for event in session.events:
                if event.id is not None:
                    break
        assert event.id == 1
        await session.events.aclose()


async def test_viewers_come_and_go(serve: Any) -> None:
    """E-56: joining again is a renewal, of which the agent's history knows nothing."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), conversation_id="c1")
        assert await server.join(env.id(), "ann", connection="tab1", lease=timedelta(seconds=30))
        await until(lambda: _viewers(server, env.id(), ["ann"]))
        before = await _told(server, env.id())
        for _ in range(5):
            assert await server.join(env.id(), "ann", connection="tab1", lease=timedelta(seconds=60))
        assert await _told(server, env.id()) == before
        (ann,) = (await env.presence.viewers("conversation:c1")).present
        assert ann.connections == ("tab1",)
        await server.join(env.id(), "ann", connection="tab2")
        await server.leave(env.id(), "ann", connection="tab1")
        await until(lambda: _viewers(server, env.id(), ["ann"]))
        await server.leave(env.id(), "ann")
        await until(lambda: _viewers(server, env.id(), []))
        assert not await env.presence.viewers("conversation:c1")


async def test_who_looks_at_an_agent_that_sleeps_does_not_wake_it(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.stop(env.id())
        assert await server.join(env.id(), "ann") is False
        assert await server.leave(env.id(), "ann") is False
        assert await server.get_status(env.id()) is Status.NOT_RUNNING
        for wrong in (server.join(env.id(), ""), server.join(env.id(), "ann", lease=timedelta(0))):
            with pytest.raises(InvalidInput):
                await wrong


async def test_lists_can_be_of_one_status_or_tenant(serve: Any) -> None:
    """L-63, L-64, L-65."""
    async with serve(desk()) as (server, env):
        idle, waiting = env.id("idle"), env.id("waiting")
        await server.start("helper", agent_id=idle, scope={"tenant": "acme's"})
        await server.start("helper", agent_id=waiting, scope={"tenant": "other"})
        await server.add_message(waiting, "refund")
        await reaches(server, waiting, Status.INTERRUPTED)

        async def listed() -> bool:
            by_status = [await server.list_running_agents(status=s) for s in (Status.IDLE, Status.INTERRUPTED)]
            by_tenant = [await server.list_agents_matching("*", tenant=t) for t in ("acme's", "other", "nobody")]
            return by_status == [[idle], [waiting]] and by_tenant == [[idle], [waiting], []]

        await until(listed)
        assert await server.agent_count(status=Status.RUNNING) == 0
        assert await server.agent_count(tenant="other") == 1
        with pytest.raises(InvalidInput):
            await server.list_running_agents(status=Status.NOT_RUNNING)


class Halting(MemoryStore):
    """Gives back every question about a tool as if it had been a halt; nothing in the product halts yet."""

    async def load(self, agent_id: str) -> SavedHead | None:
        row = await super().load(agent_id)
        return _halted(row) if row else None

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        return _halted(await super().take_over(agent_id, workflow_run_id, generation))


def _halted(row: SavedHead) -> SavedHead:
    return row.but(head=row.head.replace('"reason":"tool_call"', '"reason":"halt"')) if row.head else row


async def _says(server: AgentServer, agent_id: str, *texts: str) -> None:
    async def said() -> bool:
        return [message.text for message in await server.messages(agent_id)] == list(texts)

    await until(said, 15)


async def _viewers(server: AgentServer, agent_id: str, names: list[str]) -> bool:
    info = await server.agent_info(agent_id)
    return info is not None and [one.viewer for one in info.viewers] == names


async def _told(server: AgentServer, agent_id: str) -> int:
    """How much the agent's history knows of what it was told."""
    handle = await server.whereis(agent_id)
    assert handle is not None
    told = ("workflow_execution_signaled_event_attributes", "workflow_execution_update_accepted_event_attributes")
    return sum(event.WhichOneof("attributes") in told for event in (await handle.fetch_history()).events)
