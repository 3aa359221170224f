"""What is out of reach says nothing about agents: E-58, B-133."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from sagents import Approve, CannotAnswer, Status
from sagents.client import AgentServer
from sagents.errors import StoreUnavailable
from sagents.ports import SavedHead
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import DevServer, free_port
from sagents_infra.settings import Settings
from sagents_infra.stores.memory import MemoryStore
from tests.client.apps import Gate, app_of
from tests.client.patience import settled

pytestmark = pytest.mark.asyncio
SOON = timedelta(seconds=2)


def _calls(server: AgentServer, agent_id: str) -> list[Any]:
    return [
        server.get_status(agent_id),
        server.agent_info(agent_id),
        server.get_state(agent_id),
        server.interrupts(agent_id),
        server.add_message(agent_id, "hello"),
        server.execute(agent_id),
        server.cancel(agent_id),
        server.resume(agent_id, Approve()),
        server.stop(agent_id),
    ]


async def _all_cannot_answer(calls: list[Any]) -> None:
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [CannotAnswer] * len(calls)


async def test_without_a_worker_nothing_is_said_about_the_agent(serve: Any) -> None:
    async with serve(app_of(), worker=False, patience=SOON) as (server, env):
        await server.start("helper", agent_id=env.id())
        await _all_cannot_answer(_calls(server, env.id()))
        assert await server.whereis(env.id()) is not None  # Temporal itself knows


async def test_a_namespace_that_does_not_exist_is_no_absent_agent(serve: Any) -> None:
    async with serve(app_of(), worker=False) as (_, env):
        address = env.client.service_client.config.target_host
        client = await Client.connect(address, namespace="nowhere", data_converter=pydantic_data_converter)
        server = AgentServer(client, store=MemoryStore(), channel=MemoryChannel(), patience=SOON)
        lists = [server.list_running_agents(), server.agent_count(), server.whereis("a"), server.start("helper")]
        await _all_cannot_answer([*_calls(server, "a"), *lists])


async def test_a_server_that_went_away_is_no_absent_agent(tmp_path: Any) -> None:
    temporal = await asyncio.to_thread(DevServer.start, tmp_path)
    try:
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        server = AgentServer(client, store=MemoryStore(), channel=MemoryChannel(), patience=SOON)
        assert await server.get_status("a") is Status.NOT_RUNNING
    finally:
        await asyncio.to_thread(temporal.stop)
    began = time.monotonic()
    lists = [server.list_running_agents(), server.agent_count(), server.whereis("a"), server.start("helper")]
    await _all_cannot_answer([*_calls(server, "a"), *lists])
    assert time.monotonic() - began < 60


async def test_nobody_listens_at_an_address(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    with pytest.raises(CannotAnswer, match="does not answer"):
        await AgentServer.connect(Settings(home=tmp_path))


async def test_a_store_that_is_down_does_not_make_an_agent_unknown(serve: Any) -> None:
    class Down(MemoryStore):
        async def load(self, agent_id: str) -> SavedHead | None:
            raise StoreUnavailable("the disk is full")

    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.stop(env.id())
        other = AgentServer(env.client, store=Down(), channel=env.channel, task_queue=env.settings.task_queue)
        for call in (other.add_message(env.id(), "hello"), other.get_state(env.id())):
            with pytest.raises(StoreUnavailable):
                await call


async def test_who_gives_up_waiting_is_not_told_that_temporal_is_away(serve: Any) -> None:
    async with serve(app_of(), worker=False) as (server, env):
        await server.start("helper", agent_id=env.id())
        asking = asyncio.create_task(server.add_message(env.id(), "hello"))
        await asyncio.sleep(0.3)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_worker_that_comes_back_in_time_answers(serve: Any) -> None:
    gate = Gate()
    gate.open()
    async with serve(gate.app, worker=False) as (server, env):
        await server.start("helper", agent_id=env.id())
        sending = asyncio.create_task(server.add_message(env.id(), "hello", id="m1"))
        await asyncio.sleep(0.5)
        async with env.worker():
            assert (await sending).id == "m1"
            await settled(server, env.id())
            assert (await server.messages(env.id()))[-1].text == "done: open"


async def test_what_came_later_cannot_answer_either(serve: Any) -> None:
    """E-58: for touching, resetting, moving and viewing, too."""
    async with serve(app_of(), worker=False) as (_, env):
        address = env.client.service_client.config.target_host
        client = await Client.connect(address, namespace="nowhere", data_converter=pydantic_data_converter)
        server = AgentServer(client, store=MemoryStore(), channel=MemoryChannel(), patience=SOON)
        calls = [
            server.touch("a"),
            server.reset("a"),
            server.export_state("a"),
            server.restore_state("a", {"version": 3, "state": {}}),
            server.configure("a", options={}),
            server.dismiss_interrupt("a"),
            server.notify_middleware("a", "notes"),
            server.join("a", "ann"),
            server.leave("a", "ann"),
            server.inactivity("a"),
            server.exists("a"),
            server.delete("a"),
        ]
        await _all_cannot_answer(calls)
