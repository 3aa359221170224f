"""Conversations without end: continue-as-new, leaving, waking, and who may write meanwhile."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from sagents import Agent, Sagents, tool
from sagents.known import unrolled
from sagents.limits import Limits
from sagents.messages import Message, Role
from sagents.operations import fold
from tests.support.driving import Driven, signalled, started, until
from tests.support.models import Thinks, asks_for, echoes, last_user_text, results_since_user, uses

pytestmark = pytest.mark.asyncio


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


@tool
def work(number: int = 0) -> str:
    """Do a piece of work."""
    return f"worked {number}"


async def test_an_agent_continues_as_new_between_messages_and_remembers_everything(agent_env: Any) -> None:
    def think(request: Any, _: Any) -> Message:
        said = [message.text for message in request.messages if message.role is Role.USER]
        return Message.assistant(f"{len(said)} so far, first {said[0]}")

    async with agent_env(app_of(Thinks(think)), limits=Limits(parked_events=40)) as env:
        agent = await started(env, "helper")
        for number in range(12):
            assert await agent.say(f"m{number}") == f"{number + 1} so far, first m0"
        assert len(await until(lambda: several_runs(agent))) >= 3
        assert (await agent.info()).message_count == 24


async def several_runs(agent: Driven) -> list[str]:
    runs = await agent.run_ids()
    return runs if len(runs) > 2 else []


async def test_a_run_of_200_tool_calls_continues_as_new_in_its_middle(agent_env: Any) -> None:
    """K-1: nothing of a long run is lost or done twice."""
    done: list[int] = []

    @tool
    def count(number: int) -> str:
        """Count."""
        done.append(number)
        return str(number)

    def think(request: Any, _: Any) -> Message:
        number = len(results_since_user(request))
        return asks_for(("count", {"number": number})) if number < 200 else Message.assistant("200 done")

    app = app_of(Thinks(think), tools=[count], max_runs=300)
    async with agent_env(app, limits=Limits(events=500)) as env:
        agent = await started(env, "helper")
        await agent.send("Count to 200")
        assert await agent.settled(within=90) == "idle"
        assert await agent.last_text() == "200 done"
        assert done == list(range(200))
        assert len(await agent.run_ids()) >= 4


async def test_an_idle_agent_leaves_and_the_next_message_wakes_it_with_all_it_knew(agent_env: Any) -> None:
    def think(request: Any, _: Any) -> Message:
        return Message.assistant(" ".join(message.text for message in request.messages if message.role is Role.USER))

    async with agent_env(app_of(Thinks(think))) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 300}, conversation_id="7")
        assert await agent.say("one") == "one"
        farewell = await asyncio.wait_for(agent.handle.result(), 60)
        assert farewell["reason"] == "inactivity"
        woken = await signalled(env, agent.agent_id, "add_message", "two")

        async def answered() -> bool:
            return await woken.last_text() == "one two"

        await until(answered)
        info = await woken.info()
        assert (info.agent, info.conversation_id, info.message_count) == ("helper", "7", 4)


async def test_an_id_that_was_answered_before_the_sleep_is_still_known_after_it(agent_env: Any) -> None:
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 300})
        await agent.send("one", "m1")
        await asyncio.wait_for(agent.handle.result(), 60)
        await signalled(env, agent.agent_id, "add_message", {"content": "one", "id": "m1"})
        await signalled(env, agent.agent_id, "add_message", {"content": "two", "id": "m2"})

        async def answered() -> bool:
            return await agent.last_text() == "heard two"

        await until(answered)
        assert [m.text for m in await agent.messages()] == ["one", "heard one", "two", "heard two"]


async def test_messages_race_with_leaving_and_none_is_lost_or_doubled(agent_env: Any) -> None:
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 1})
        for number in range(40):
            await signalled(env, agent.agent_id, "add_message", {"content": f"m{number}", "id": f"m{number}"})
            if number % 10 == 9:
                await until(agent.is_closed)
            await asyncio.sleep(number % 5 * 0.01)

        async def all_kept() -> bool:
            return len(await whole_log(env, agent)) >= 40

        await until(all_kept)
        assert await whole_log(env, agent) == [f"m{number}" for number in range(40)]
        assert len(await agent.run_ids()) >= 3


@pytest.mark.timeout(240)
async def test_400_messages_each_sent_twice_are_each_handled_once_over_many_continuations(
    agent_env: Any, cpu_load: None
) -> None:
    """Temporal's own dedup ends with each workflow run; ours does not."""
    heard: list[str] = []

    def think(request: Any, _: Any) -> Message:
        heard.append(last_user_text(request))
        return Message.assistant("ok")

    agents, each = 8, 50
    async with agent_env(app_of(Thinks(think)), limits=Limits(events=40, parked_events=40)) as env:
        driven = [await started(env, "helper", agent_id=env.id(f"a{n}")) for n in range(agents)]

        async def send_twice(agent: Driven, number: int) -> None:
            payload = {"content": f"{agent.agent_id}:{number}", "id": f"m{number}"}
            for attempt in range(2):
                await stubborn(agent, payload, f"u{number}-{attempt}")

        async def talk(agent: Driven) -> None:
            for start in range(0, each, 5):
                await asyncio.gather(*(send_twice(agent, n) for n in range(start, start + 5)))
                await agent.settled(within=60)  # a rest, in which it may continue as new

        await asyncio.gather(*(talk(agent) for agent in driven))
        for agent in driven:
            await agent.settled(within=60)
            page = await agent.info()
            assert page.queued == 0
        for agent in driven:
            users = await whole_log(env, agent)
            assert sorted(users) == sorted(f"{agent.agent_id}:{n}" for n in range(each))
        assert min([len(await agent.run_ids()) for agent in driven]) >= 5


async def stubborn(agent: Driven, payload: Any, update_id: str) -> None:
    """Send an update until it is accepted; one that a closing run dropped is sent again with its id."""
    for _ in range(50):
        try:
            await agent.handle.execute_update("add_message", payload, id=update_id)
        except (RPCError, WorkflowUpdateFailedError):
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError(f"{update_id} was never accepted")


async def whole_log(env: Any, agent: Driven) -> list[str]:
    """The texts of all user messages, from the store's chain and the tail."""
    row = await env.store.load(agent.agent_id)
    known = unrolled(await env.store.chain(agent.agent_id, row.base.digest))
    state = fold(known.state, (await agent.tail()).operations)
    said = [message.content for message in state.messages if message.role is Role.USER]
    parts = [content if isinstance(content, tuple) else (content,) for content in said]
    return [part if isinstance(part, str) else part.content for content in parts for part in content if part]


async def test_a_large_conversation_and_then_100_calls_of_5_kb(agent_env: Any) -> None:
    """sdk-python#1890: 800 KB of conversation, then one run of 100 tool calls that return 5 KB each."""

    @tool
    def lookup(number: int) -> str:
        """Look something up."""
        return f"{number}:" + "x" * 5_000

    def think(request: Any, _: Any) -> Message:
        number = len(results_since_user(request))
        return asks_for(("lookup", {"number": number})) if number < 100 else Message.assistant("all found")

    past = [{"role": role, "content": "y" * 40_000} for _ in range(10) for role in ("user", "assistant")]
    async with agent_env(app_of(Thinks(think), tools=[lookup], max_runs=200)) as env:
        agent = await started(env, "helper", messages=past)
        await agent.send("Find all")
        assert await agent.settled(within=90) == "idle"
        assert await agent.last_text() == "all found"
        sizes = [sum(event.ByteSize() for event in await agent.events(run)) for run in await agent.run_ids()]
        said = 800_000 + 100 * 5_000
        assert sum(sizes) <= 1.4 * said


@pytest.mark.timeout(240)
async def test_a_step_of_200_calls_with_200_kib_of_arguments_each_completes(agent_env: Any) -> None:
    """DESIGN 4.5: large arguments stay in the record; the head and the commands stay small."""

    @tool
    def swallow(text: str) -> int:
        """Take a long text."""
        return len(text)

    def think(request: Any, _: Any) -> Message:
        results = results_since_user(request)
        if results:
            return Message.assistant(f"{len(results)} results, {sum(map(int, results))} bytes")
        return asks_for(*[("swallow", {"text": f"{n:03}" + "z" * (200 * 1024 - 3)}) for n in range(200)])

    async with agent_env(app_of(Thinks(think), tools=[swallow])) as env:
        agent = await started(env, "helper")
        await agent.send("Swallow it all")
        # On a busy machine reading 40 MB may stop the workflow's thread for 2 s, and the SDK begins its task again.
        assert await agent.settled(within=220) == "idle"
        assert await agent.last_text() == f"200 results, {200 * 200 * 1024} bytes"


async def test_two_agents_know_nothing_of_each_other(agent_env: Any) -> None:
    async with agent_env(app_of(uses("work", number=1), tools=[work])) as env:
        first, second = await started(env, "helper", env.id("a")), await started(env, "helper", env.id("b"))
        await asyncio.gather(first.say("go"), second.say("go"))
        assert (await first.info()).message_count == (await second.info()).message_count == 4
