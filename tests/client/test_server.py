"""AgentServer against living agents on a real server."""

import asyncio
from typing import Any

import pytest

from sagents import (
    AgentNotFound,
    AgentNotRegistered,
    Approve,
    CannotCancel,
    CannotExecute,
    CannotResume,
    Message,
    Reject,
    Status,
)
from sagents.client import AgentServer
from sagents.commands import Answering
from sagents.plan import AgentRef
from tests.client.apps import Gate, app_of, desk, refund
from tests.client.patience import reaches, settled
from tests.support.driving import until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio


async def test_a_second_start_finds_the_agent_that_runs(serve: Any) -> None:
    """L-12."""
    async with serve(app_of()) as (server, env):
        first = await server.start("helper", conversation_id=env.prefix)
        second = await server.start("helper", conversation_id=env.prefix)
        assert (first.started, second.started) == (True, False)
        assert first.agent_id == second.agent_id == f"conversation-{env.prefix}"


async def test_an_agent_without_an_id_gets_one(serve: Any) -> None:
    async with serve(app_of()) as (server, _):
        first, second = await server.start("helper"), await server.start("helper")
        assert first.agent_id != second.agent_id
        assert first.agent_id.startswith("helper-")


async def test_messages_that_it_starts_with_are_its_past_and_start_no_run(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        past = ["hello", Message.assistant("hi, how can I help?")]
        await server.start("helper", agent_id=env.id(), messages=past)
        assert [message.text for message in await server.messages(env.id())] == ["hello", "hi, how can I help?"]
        assert await server.get_status(env.id()) is Status.IDLE


async def test_an_agent_object_cannot_cross_a_network(serve: Any) -> None:
    app = app_of()
    async with serve(app) as (server, _):
        with pytest.raises(AgentNotRegistered, match="helper"):
            await server.start(await app.make(AgentRef(name="helper")))


async def test_a_message_is_answered_and_the_same_id_counts_once(serve: Any) -> None:
    """B-64: accepted at once; a repetition with the same id changes nothing."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        accepted = [await server.add_message(env.id(), "hello", id="m1") for _ in range(3)]
        assert {answer.id for answer in accepted} == {"m1"}
        await settled(server, env.id())
        assert [message.text for message in await server.messages(env.id())] == ["hello", "heard hello"]


async def test_execute_returns_at_once_and_a_second_one_is_refused(serve: Any) -> None:
    """B-61, E-27."""
    gate = Gate()
    async with serve(gate.app) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=["go"])
        assert (await server.execute(env.id())).status is Status.RUNNING
        assert await server.get_status(env.id()) is Status.RUNNING
        with pytest.raises(CannotExecute, match="Cannot execute, server is in state: running") as refused:
            await server.execute(env.id())
        assert refused.value.status == Status.RUNNING
        gate.open()
        await settled(server, env.id())


async def test_cancel_ends_a_run_and_is_refused_where_none_is(serve: Any) -> None:
    """L-43, E-30: a running task is cancelled; refused when idle, or when it has been already."""
    gate = Gate()
    async with serve(gate.app) as (server, env):
        await server.start("helper", agent_id=env.id())
        with pytest.raises(CannotCancel, match=r"server is not running \(status: idle\)"):
            await server.cancel(env.id())
        await server.add_message(env.id(), "go")
        await until(lambda: _in_tool(server, env.id()))
        await server.cancel(env.id())
        await reaches(server, env.id(), Status.CANCELLED)
        with pytest.raises(CannotCancel, match=r"\(status: cancelled\)"):
            await server.cancel(env.id())


async def test_decisions_reach_the_interrupts_they_name(serve: Any) -> None:
    """B-62: an interrupted agent goes on; by place or by id."""
    async with serve(app_of(uses("refund", at_once=2, order="7"), refund)) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        first, second = await server.interrupts(env.id())
        with pytest.raises(CannotResume, match="Decision count"):
            await server.resume(env.id(), Approve())
        await server.resume(env.id(), Answering(decision=Reject("no"), interrupt_id=second.id))
        assert [interrupt.id for interrupt in await server.interrupts(env.id())] == [first.id]
        await server.resume(env.id(), [Approve()])
        await settled(server, env.id())
        results = [r.text for message in await server.messages(env.id()) for r in message.tool_results]
        assert results[0] == "refunded 7"
        assert "rejected by a human reviewer. Reason: no" in results[1]
        with pytest.raises(CannotResume, match="server is not interrupted"):
            await server.resume(env.id(), Approve())


async def test_an_absent_agent_has_a_status_and_no_info(serve: Any) -> None:
    """L-61, L-62, L-66, E-26."""
    async with serve(app_of()) as (server, _):
        assert await server.get_status("nobody") is Status.NOT_RUNNING
        assert await server.agent_info("nobody") is None
        assert await server.whereis("nobody") is None


async def test_everything_else_on_an_absent_agent_says_that_it_is_absent(serve: Any) -> None:
    """E-38, B-65."""
    async with serve(app_of()) as (server, _):
        for call in (
            server.execute("nobody"),
            server.cancel("nobody"),
            server.resume("nobody", Approve()),
            server.add_message("nobody", "hello"),
            server.get_state("nobody"),
            server.interrupts("nobody"),
        ):
            with pytest.raises(AgentNotFound):
                await call
        assert await server.stop("nobody") == "not_running"


async def test_info_tells_what_the_agent_is(serve: Any) -> None:
    """L-62, B-65."""
    async with serve(desk()) as (server, env):
        await server.start("helper", conversation_id=env.prefix)
        agent_id = f"conversation-{env.prefix}"
        await server.add_message(agent_id, "refund")
        await reaches(server, agent_id, Status.INTERRUPTED)
        info = await server.agent_info(agent_id)
        assert info is not None
        assert (info.agent_id, info.agent, info.status) == (agent_id, "helper", Status.INTERRUPTED)
        assert (info.message_count, info.has_interrupt) == (2, True)
        assert info.uptime_ms >= 0
        assert info.conversation_id == env.prefix


async def test_where_an_agent_is_says_temporals_own_handle(serve: Any) -> None:
    """L-66."""
    async with serve(app_of()) as (server, env):
        session = await server.start("helper", agent_id=env.id())
        handle = await server.whereis(env.id())
        assert handle is not None
        assert handle.id == session.handle.id == env.id()


async def test_running_agents_are_listed_counted_and_found_by_pattern(serve: Any) -> None:
    """L-63, L-64, L-65: only `*` is special, and the pattern is anchored at both ends."""
    async with serve(app_of()) as (server, env):
        ids = sorted(f"{name}-{env.prefix}" for name in ("conversation", "conversion", "x.conversation"))
        await asyncio.gather(*(server.start("helper", agent_id=agent_id) for agent_id in ids))

        async def all_listed() -> bool:
            return bool(await server.list_running_agents() == ids)

        await until(all_listed)
        assert await server.agent_count() == 3
        assert await server.list_agents_matching(f"conversation-{env.prefix}") == [f"conversation-{env.prefix}"]
        assert await server.list_agents_matching("conver*") == ids[:2]
        assert await server.list_agents_matching(f"*conversation-{env.prefix}") == [ids[0], ids[2]]
        assert await server.list_agents_matching("conversation") == []
        assert await server.list_agents_matching("conv?rsation*") == []
        assert await server.list_agents_matching("x' OR 'a' = 'a") == []
        await server.stop(ids[0])

        async def one_less() -> bool:
            return bool(await server.list_running_agents() == ids[1:])

        await until(one_less)


async def _in_tool(server: AgentServer, agent_id: str) -> bool:
    return any(message.tool_calls for message in await server.messages(agent_id))
