"""The same agents for programs without an event loop."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from sagents import AgentNotFound, CannotAnswer, Status
from sagents.client import AgentServer, SyncAgentServer
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.testing import AgentEnv
from tests.client.apps import app_of


@pytest_asyncio.fixture
async def env(agent_env: Any) -> AsyncIterator[AgentEnv]:
    async with agent_env(app_of()) as opened:
        yield opened


def _sync(env: AgentEnv) -> SyncAgentServer:
    async def opened() -> AgentServer:
        config = env.client.service_client.config
        client = await Client.connect(config.target_host, data_converter=env.client.data_converter)
        return AgentServer(
            client,
            store=env.store,
            channel=MemoryChannel(),
            presence=env.presence,
            task_queue=env.settings.task_queue,
        )

    return SyncAgentServer(opened)


def test_it_has_every_method_with_the_same_signature() -> None:
    def public(of: type) -> dict[str, Any]:
        return {name: value for name, value in inspect.getmembers(of, callable) if not name.startswith("_")}

    theirs, ours = public(AgentServer), public(SyncAgentServer)
    assert sorted(theirs) == sorted(ours)
    for name in theirs.keys() - {"connect", "close"}:
        assert inspect.signature(ours[name]) == inspect.signature(theirs[name])
        assert not inspect.iscoroutinefunction(inspect.unwrap(ours[name], stop=lambda _: True))


@pytest.mark.asyncio
async def test_a_program_without_a_loop_talks_to_an_agent(env: AgentEnv) -> None:
    def program() -> list[str]:
        with _sync(env) as server:
            session = server.start("helper", agent_id=env.id())
            assert session.started
            server.add_message(env.id(), "hello", id="m1")
            for event in server.watch(env.id(), after=0):
                if (
                    event.type == "status_changed"
                    and event.data.get("status") == "idle"
                    and server.messages(env.id())[1:]
                ):
                    break
            assert server.get_status(env.id()) is Status.IDLE
            said = [message.text for message in server.get_state(env.id()).messages]
            assert server.stop(env.id()) == "stopped"
            with pytest.raises(AgentNotFound):
                server.execute(env.id())
            return said

    assert await asyncio.to_thread(program) == ["hello", "heard hello"]


@pytest.mark.asyncio
async def test_threads_share_one(env: AgentEnv) -> None:
    def program() -> list[bool]:
        with _sync(env) as server, ThreadPoolExecutor(8) as threads:
            sessions = list(threads.map(lambda _: server.start("helper", agent_id=env.id()), range(8)))
            return sorted(session.started for session in sessions)

    assert await asyncio.to_thread(program) == [False] * 7 + [True]


@pytest.mark.asyncio
async def test_a_closed_one_says_so(env: AgentEnv) -> None:
    def program() -> None:
        server = _sync(env)
        server.close()
        server.close()
        with pytest.raises(RuntimeError, match="is closed"):
            server.get_status("a")

    await asyncio.to_thread(program)


def test_what_does_not_open_raises_and_leaves_no_thread() -> None:
    async def nowhere() -> AgentServer:
        raise CannotAnswer("Temporal does not answer")

    with pytest.raises(CannotAnswer):
        SyncAgentServer(nowhere)
