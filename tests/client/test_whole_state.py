"""`get_state` joins what the store has with what the workflow has, and proves it."""

from typing import Any

import pytest

from sagents import AgentNotFound, Approve, StateDelta, Status, Todo, ToolResult, tool
from sagents.client import AgentServer
from sagents.errors import Damaged
from sagents.limits import Limits
from sagents.ports import Chain
from sagents_infra.stores.memory import MemoryStore
from tests.client.apps import app_of, desk
from tests.client.patience import reaches, settled
from tests.support.models import uses

pytestmark = pytest.mark.asyncio
LONG = "x" * 3_000


async def _say(server: AgentServer, agent_id: str, *texts: str) -> None:
    for text in texts:
        await server.add_message(agent_id, text)
        await settled(server, agent_id)


async def test_the_whole_conversation_is_read_though_the_workflow_holds_its_end(serve: Any) -> None:
    """B-65; more was said than the window of 16 KiB shows."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        texts = [f"{n} {LONG}" for n in range(8)]
        await _say(server, env.id(), *texts)
        state = await server.get_state(env.id())
        assert [message.text for message in state.messages if message.role == "user"] == texts
        assert len(state.messages) == 16
        assert state.agent_id == env.id()


async def test_what_is_not_saved_yet_is_read_too(serve: Any) -> None:
    """B-70: a run that waits for a person has said things that are in its tail or its base; both are read."""
    async with serve(desk(), limits=Limits(tail_bytes=1)) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), LONG)
        await reaches(server, env.id(), Status.INTERRUPTED)
        assert [message.role for message in await server.messages(env.id())] == ["user", "assistant"]
        await server.resume(env.id(), Approve())
        await settled(server, env.id())
        roles = [message.role for message in await server.messages(env.id())]
        assert roles == ["user", "assistant", "tool", "assistant"]


async def test_todos_and_metadata_are_part_of_it(serve: Any) -> None:
    @tool
    def note() -> ToolResult:
        """Note something."""
        return ToolResult("ok", state=StateDelta(todos=(Todo(id=1, content="call"),), metadata={"seen": [1]}))

    async with serve(app_of(uses("note"), note)) as (server, env):
        await server.start("helper", agent_id=env.id())
        await _say(server, env.id(), "go")
        state = await server.get_state(env.id())
        assert [todo.content for todo in state.todos] == ["call"]
        assert await server.todos(env.id()) == state.todos
        assert state.get_metadata("seen") == [1]
        await server.stop(env.id())
        assert await server.todos(env.id()) == state.todos


async def test_a_sleeping_agent_can_be_read_and_its_questions_too(serve: Any) -> None:
    async with serve(desk()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        awake = await server.get_state(env.id()), await server.interrupts(env.id())
        assert await server.stop(env.id()) == "stopped"
        assert await server.get_status(env.id()) is Status.NOT_RUNNING
        assert (await server.get_state(env.id()), await server.interrupts(env.id())) == awake


async def test_an_agent_that_wakes_is_never_read_as_an_empty_one(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await _say(server, env.id(), "remember")
        for _ in range(5):
            await server.stop(env.id())
            await server.start("helper", agent_id=env.id())
            assert len(await server.messages(env.id())) == 2


async def test_what_somebody_changed_in_the_store_is_not_taken_for_the_state(serve: Any) -> None:
    class Altered(MemoryStore):
        async def chain(self, agent_id: str, digest: str) -> Chain | None:
            chain = await super().chain(agent_id, digest)
            return chain and chain.but(segments=tuple(s.replace("hello", "jello") for s in chain.segments))

    async with serve(app_of(), store=Altered()) as (server, env):
        await server.start("helper", agent_id=env.id())
        await _say(server, env.id(), "hello")
        with pytest.raises(Damaged, match="does not have the digest"):
            await server.get_state(env.id())


async def test_an_agent_that_was_never_saved_is_unknown_once_it_is_gone(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        session = await server.start("helper", agent_id=env.id())
        await session.handle.terminate()
        with pytest.raises(AgentNotFound):
            await server.get_state(env.id())
