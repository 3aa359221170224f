"""Agents that sleep come back with what is told to them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagents import AgentNotFound, Approve, CannotResume, Lifecycle, Status
from tests.client.apps import app_of, desk
from tests.client.patience import reaches, settled
from tests.support.driving import until

pytestmark = pytest.mark.asyncio


async def test_a_message_wakes_an_agent_that_sleeps(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one", id="m1")
        await settled(server, env.id())
        await server.stop(env.id())
        await server.add_message(env.id(), "two")
        await settled(server, env.id())
        said = [message.text for message in await server.messages(env.id())]
        assert said == ["one", "heard one", "two", "heard two"]


async def test_a_message_that_was_heard_before_it_slept_is_not_heard_again(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one", id="m1")
        await settled(server, env.id())
        await server.stop(env.id())
        await server.add_message(env.id(), "one", id="m1")
        await server.add_message(env.id(), "two", id="m2")
        await settled(server, env.id())
        assert [m.text for m in await server.messages(env.id()) if m.role == "user"] == ["one", "two"]


async def test_of_many_messages_at_once_one_wakes_it_and_all_are_heard(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.stop(env.id())
        await asyncio.gather(*(server.add_message(env.id(), str(n)) for n in range(8)))
        await settled(server, env.id())

        async def all_heard() -> bool:
            said = "".join(m.text for m in await server.messages(env.id()) if m.role == "user")
            return sorted(letter for letter in said if letter.isdigit()) == list("01234567")

        await until(all_heard)


async def test_a_decision_wakes_an_agent_that_sleeps_over_a_question(serve: Any) -> None:
    async with serve(desk()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        await server.stop(env.id())
        await server.resume(env.id(), Approve())
        await settled(server, env.id())
        assert (await server.messages(env.id()))[-1].text == "done: refunded 7"


async def test_a_decision_that_nobody_waits_for_is_refused_by_the_agent_it_woke(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.stop(env.id())
        with pytest.raises(CannotResume, match="not interrupted"):
            await server.resume(env.id(), Approve())


async def test_other_commands_do_not_wake_it(serve: Any) -> None:
    """E-38."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.stop(env.id())
        for call in (server.execute(env.id()), server.cancel(env.id())):
            with pytest.raises(AgentNotFound):
                await call
        assert await server.stop(env.id()) == "not_running"


async def test_an_agent_that_left_for_want_of_news_comes_back(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        lifecycle = Lifecycle(inactivity_timeout=timedelta(milliseconds=300))
        await server.start("helper", agent_id=env.id(), lifecycle=lifecycle)
        await server.add_message(env.id(), "one")
        await reaches(server, env.id(), Status.NOT_RUNNING)
        await server.add_message(env.id(), "two")
        await reaches(server, env.id(), Status.NOT_RUNNING)
        said = [message.text for message in await server.messages(env.id())]
        assert said == ["one", "heard one", "two", "heard two"]
