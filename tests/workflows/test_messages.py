"""Messages, runs and doors of a living agent, on a real server."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.messages import Message
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, echoes, uses

pytestmark = pytest.mark.asyncio


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


def app_of(*, model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


async def test_a_message_is_answered_with_what_a_tool_found_out(agent_env: Any) -> None:
    app = app_of(model=uses("word_count", text="how many words"), tools=[word_count])
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        assert await agent.say("Count!") == "done: 3"
        assert [message.role for message in await agent.messages()] == ["user", "assistant", "tool", "assistant"]


async def test_each_finished_part_of_a_run_is_in_the_state_while_it_goes_on(agent_env: Any) -> None:
    """B-70: the state rolls; what was said does not wait for the end of the run."""
    gate = threading.Event()

    @tool
    async def wait() -> str:
        """Wait for the gate."""
        await asyncio.to_thread(gate.wait, 20)
        return "open"

    async with agent_env(app_of(model=uses("wait"), tools=[wait])) as env:
        agent = await started(env, "helper")
        await agent.send("Go")

        async def asked_for_the_tool() -> bool:
            return any(message.tool_calls for message in await agent.messages())

        await until(asked_for_the_tool)
        assert await agent.status() == "running"
        gate.set()
        await agent.settled()


async def test_a_message_with_a_known_id_is_taken_once_by_signal_and_update(agent_env: Any) -> None:
    async with agent_env(app_of(model=echoes())) as env:
        agent = await started(env, "helper")
        first = await agent.update("add_message", {"content": "hello", "id": "m1"})
        await agent.settled()
        again = await agent.update("add_message", {"content": "hello", "id": "m1"})
        await agent.handle.signal("add_message", {"content": "hello", "id": "m1"})
        await agent.say("bye", "m2")
        assert first == again
        assert [m.text for m in await agent.messages()] == ["hello", "heard hello", "bye", "heard bye"]


async def test_starting_does_not_run_but_execute_does(agent_env: Any) -> None:
    """B-61; REQUIREMENTS 4.5 row 19: messages that an agent starts with are its past."""
    async with agent_env(app_of(model=echoes())) as env:
        agent = await started(env, "helper", messages=[{"role": "user", "content": "from before"}])
        info = await until(lambda: awake(agent))
        assert (info.status, info.message_count) == ("idle", 1)
        await agent.update("execute")
        await agent.settled()
        assert await agent.last_text() == "heard from before"


async def awake(agent: Driven) -> Any:
    info = await agent.info()
    return info if info.message_count else None


async def test_execute_is_refused_while_running_and_answers_at_once(agent_env: Any) -> None:
    """E-27, B-61: an update never waits for the run's end."""
    gate = threading.Event()

    async def slow(request: Any, _: Any) -> Message:
        await asyncio.to_thread(gate.wait, 20)
        return Message.assistant("at last")

    async with agent_env(app_of(model=Thinks(slow))) as env:
        agent = await started(env, "helper")
        await agent.send("Go")
        refusal = await agent.refused("execute")
        assert (refusal.type, refusal.message) == ("CannotExecute", "Cannot execute, server is in state: running")
        gate.set()
        assert await agent.settled() == "idle"


async def test_a_message_that_arrives_while_running_is_answered_in_a_run_of_its_own(agent_env: Any) -> None:
    asked, gate = threading.Event(), threading.Event()

    async def slow(request: Any, _: Any) -> Message:
        asked.set()
        await asyncio.to_thread(gate.wait, 20)
        return Message.assistant(f"answer {len(request.messages)}")

    async with agent_env(app_of(model=Thinks(slow))) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        await asyncio.to_thread(asked.wait, 20)
        await agent.send("two")
        gate.set()
        await agent.settled()
        assert [m.text for m in await agent.messages()] == ["one", "answer 1", "two", "answer 3"]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"contnt": "x"}, "content"),
        (17, "add_message takes"),
        (None, "content"),
        ({"content": "x", "role": "system"}, "role"),
    ],
)
async def test_a_malformed_signal_is_said_in_the_info_and_harms_nothing(
    agent_env: Any, payload: Any, told: str
) -> None:
    async with agent_env(app_of(model=echoes())) as env:
        agent = await started(env, "helper")
        await agent.handle.signal("add_message", payload)

        async def complains() -> bool:
            return told in ((await agent.info()).problem or "")

        await until(complains)
        assert (await agent.refused("add_message", payload)).type == "InvalidInput"
        assert await agent.say("still there?") == "heard still there?"


async def test_a_message_over_the_limit_is_refused_and_never_enters_history(agent_env: Any) -> None:
    async with agent_env(app_of(model=echoes())) as env:
        agent = await started(env, "helper")
        refusal = await agent.refused("add_message", "x" * 3_000_000)
        assert "at most" in refusal.message
        assert await agent.say("small") == "heard small"
        assert sum(event.ByteSize() for event in await agent.events()) < 20_000


async def test_an_unknown_agent_is_an_error_that_the_next_message_may_find_mended(agent_env: Any) -> None:
    app = app_of(model=echoes())
    async with agent_env(app, worker=False) as env:
        agent = await started(env, "nobody", agent_id=env.id())
        async with env.worker(rolling_deploy=timedelta(0)):
            await agent.send("anyone?")
            assert await agent.settled() == "error"
            error = (await agent.info()).error
            assert error is not None
            assert "No agent is registered as 'nobody' (registered: helper)" in error.message
        deployed = app_of(model=echoes())
        deployed.agent("nobody", Agent(model=echoes()))
        async with env.worker(deployed):
            assert await agent.say("and now?") == "heard and now?"


async def test_a_factory_that_raises_is_an_error_and_the_agent_lives(agent_env: Any) -> None:
    app = Sagents()
    broken = True

    @app.agent("helper")
    def helper(request: Any) -> Agent:
        if broken:
            raise RuntimeError("no database")
        return Agent(model=echoes())

    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.send("hello")
        assert await agent.settled() == "error"
        assert "no database" in ((await agent.info()).error or error_missing()).message
        broken = False
        assert await agent.say("again") == "heard again"


def error_missing() -> Any:
    raise AssertionError("the info has no error")


async def test_the_first_page_has_the_tail_since_the_last_save(agent_env: Any) -> None:
    async with agent_env(app_of(model=echoes())) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        page = await agent.tail()
        assert page.operations == ()
        assert page.position == 2
        row = await env.store.load(agent.agent_id)
        assert row is not None
        assert row.base.digest == page.digest
