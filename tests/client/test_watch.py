"""Live events."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from sagents import Event
from sagents.client import AgentServer
from tests.client.apps import app_of
from tests.support.driving import until

pytestmark = pytest.mark.asyncio


async def test_who_watches_hears_a_run_from_its_first_event(serve: Any) -> None:
    """L-60: watch, then use the agent id; also one that is yet to start."""
    async with serve(app_of()) as (server, env):
        heard: list[Event] = []
        watching = asyncio.create_task(_watch(server, env.id(), heard))
        await asyncio.sleep(0.05)
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "hello")

        async def answered() -> bool:
            types = [event.type for event in heard]
            return "llm_message" in types and _statuses(heard)[-1] == "idle"

        await until(answered)
        assert heard[0].id == 1
        assert _statuses(heard)[-2:] == ["running", "idle"]
        watching.cancel()


def _statuses(heard: list[Event]) -> list[Any]:
    return [event.data["status"] for event in heard if event.type == "status_changed"]


async def test_watching_ends_when_whoever_watches_leaves(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())

        async def first() -> Event:
            async with aclosing(server.watch(env.id())) as events:
                return await anext(events)

        watching = asyncio.create_task(first())
        await asyncio.sleep(0.05)
        await server.add_message(env.id(), "hello")
        assert (await asyncio.wait_for(watching, 30)).agent_id == env.id()


async def _watch(server: AgentServer, agent_id: str, heard: list[Event]) -> None:
    async for event in server.watch(agent_id):
        heard.append(event)  # noqa: PERF401 - somebody reads it meanwhile


async def test_who_watches_after_the_newest_event_hears_all_that_comes_and_nothing_else(serve: Any) -> None:
    """B-151: whoever is about to speak knows from where to listen."""
    async with serve(app_of()) as (server, env):
        assert await server.last_event_id(env.id()) == 0
        await server.start("helper", agent_id=env.id())

        async def booted() -> bool:
            return bool(await server.last_event_id(env.id()))

        await until(booted)
        before = await server.last_event_id(env.id())
        await server.add_message(env.id(), "hello")
        async with aclosing(server.watch(env.id(), after=before)) as events:
            async for event in events:
                if event.id is not None:
                    break
        assert event.id == before + 1
