"""Watching on a real server: over restarts of workers, from before the first message, after a log was trimmed."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from sagents import Event, Sagents, Status
from sagents.client import AgentServer
from sagents.event_types import read
from sagents.event_types_life import Reset, Snapshot
from sagents.messages import Message
from sagents.ports import Delta, DeltaSink, ModelRequest
from tests.client.apps import app_of, desk
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import Thinks

pytestmark = pytest.mark.asyncio

SHORT = timedelta(seconds=1)


def streams() -> Sagents:
    def think(_: ModelRequest, on_delta: DeltaSink) -> Message:
        on_delta(Delta(text="Good "))
        on_delta(Delta(text="day"))
        return Message.assistant("Good day")

    return app_of(Thinks(think))


async def watch(server: AgentServer, agent_id: str, heard: list[Event], after: int | None = None) -> None:
    async with aclosing(server.watch(agent_id, after)) as events:
        async for event in events:
            heard.append(event)  # noqa: PERF401 - somebody reads it meanwhile


async def replies(heard: list[Event], count: int) -> None:
    """Until so many runs have ended."""

    async def there() -> bool:
        types = [event.type for event in heard]
        ends = [event for event in heard if event.type == "status_changed" and event.data["status"] == "idle"]
        return types.count("llm_message") == count and heard[-1] in ends

    await until(there)


async def test_a_watch_goes_on_with_the_next_worker(agent_env: Any) -> None:
    """B-130: who told the events is gone, somebody else tells them now; the watch is the same."""
    async with agent_env(streams(), worker=False) as env:
        server, heard = server_of(env), list[Event]()
        watching = asyncio.create_task(watch(server, env.id(), heard))
        async with env.worker():
            await server.start("helper", agent_id=env.id())
            await server.add_message(env.id(), "one")
            await replies(heard, 1)
        async with env.worker():
            await server.add_message(env.id(), "two")
            await replies(heard, 2)
        watching.cancel()
    ids = [event.id for event in heard if event.id is not None]
    assert ids == list(range(1, len(ids) + 1))


async def test_who_watches_before_the_first_message_loses_no_delta(agent_env: Any) -> None:
    """B-151: the agent's id is known before there is an agent. B-155: then it is started, then told the message."""
    async with agent_env(streams()) as env:
        server = server_of(env)
        session = await server.start("helper", agent_id=env.id(), subscribe=True)
        assert session.events is not None
        heard: list[Event] = []

        async def listen() -> None:
            async for event in session.events or ():  # type: ignore[union-attr]
                heard.append(event)  # noqa: PERF401

        watching = asyncio.create_task(listen())
        await server.add_message(env.id(), "hello")
        await replies(heard, 1)
        watching.cancel()
    deltas: list[Any] = [event for event in heard if event.type == "llm_deltas"]
    assert [delta["text"] for event in deltas for delta in event.data["deltas"]] == ["Good ", "day"]
    (said,) = (event for event in heard if event.type == "llm_message")
    assert {event.data["stream_id"] for event in deltas} == {said.data["stream_id"]}


async def snapshot(server: AgentServer, agent_id: str) -> Snapshot:
    """What somebody is told first who had heard one event."""
    async with aclosing(server.watch(agent_id, after=1)) as events:
        told = read(await asyncio.wait_for(anext(events), 20))
    assert isinstance(told, Reset)
    return told.snapshot


async def test_a_snapshot_says_what_waits_whether_the_agent_is_awake_or_not(agent_env: Any) -> None:
    """B-154: awake it is asked, asleep its last save is; and when nobody can be asked, that too."""
    async with agent_env(desk()) as env:
        server = server_of(env)
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund order 7")

        async def asked() -> bool:
            return await server.get_status(env.id()) is Status.INTERRUPTED

        await until(asked)
        (waits,) = await server.interrupts(env.id())
        last = (await env.store.events(env.id()))[-1].id or 0
        await env.store.trim(env.id(), last - 1)

        awake = await snapshot(server, env.id())
        assert (awake.status, awake.position) == (Status.INTERRUPTED, last)
        assert [one.id for one in awake.interrupts] == [waits.id]
        assert [row.text for row in awake.rows][:1] == ["refund order 7"]

        await server.stop(env.id())
        asleep = await snapshot(server, env.id())
        assert asleep.status is Status.NOT_RUNNING
        assert [one.id for one in asleep.interrupts] == [waits.id]
        assert await server.get_status(env.id()) is Status.NOT_RUNNING, "looking wakes nobody"


async def test_a_snapshot_is_the_last_save_where_nobody_can_be_asked(agent_env: Any) -> None:
    async with agent_env(streams()) as env:
        server = server_of(env)
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "hello")

        async def rests() -> bool:
            row = await env.store.load(env.id())
            return bool(row and row.head) and await server.get_status(env.id()) is Status.IDLE

        await until(rests)
        await env.store.trim(env.id(), 4)
    away = AgentServer(env.client, store=env.store, channel=env.channel, task_queue="nobody", patience=SHORT)
    assert (await snapshot(away, env.id())).status is Status.IDLE
