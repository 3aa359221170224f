"""Messages that come while an agent is busy: none is lost, none is answered twice."""

from itertools import groupby
from typing import Any

import pytest

from sagents import Agent, Sagents, ToolContext, tool
from sagents.messages import Message, Role
from sagents.policy import ask
from sagents.replies import Pause
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, echoes, results_since_user, uses
from tests.support.skipping import Slowly, app_of, statuses

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


async def running(env: Any, slowly: Slowly, **lifecycle: Any) -> Driven:
    """An agent in the middle of its first run."""
    agent = await started(env, "helper", lifecycle=lifecycle)
    await agent.send("one")
    await slowly.is_asked()
    return agent


async def texts(agent: Driven) -> list[str]:
    return [message.text for message in await agent.messages()]


def parts_of(message: Message) -> list[Any]:
    assert isinstance(message.content, tuple)
    return [part.content for part in message.content]


async def is_told(env: Any, agent: Driven, status: str) -> bool:
    return (await statuses(env, agent))[-1] == status


async def test_messages_that_wait_become_one_with_a_part_for_each(agent_env: Any) -> None:
    """B-74, E-62, E-60: a user's message; nobody's words are lost."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        await agent.send("three")
        slowly.go(2)
        await agent.settled()
        first, _, merged, _ = await agent.messages()
        assert (first.content, merged.role) == ("one", "user")
        assert parts_of(merged) == ["two", "three"]
        assert slowly.asked == 2


async def test_a_single_message_that_waits_stays_as_it_is(agent_env: Any) -> None:
    """B-74, E-62."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        slowly.go(2)
        await agent.settled()
        assert (await agent.messages())[2].content == "two"


async def test_only_a_users_message_may_be_queued(agent_env: Any) -> None:
    """B-74, E-62."""
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        refusal = await agent.refused("add_message", {"content": "x", "role": "assistant"})
        assert "Only :user messages can be queued" in refusal.message


async def test_no_idle_lies_between_a_run_and_the_one_that_waited_for_it(agent_env: Any) -> None:
    """B-75, E-59: the queued message is answered exactly once."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        slowly.go(2)
        await agent.settled()
        assert await texts(agent) == ["one", "heard one", "two", "heard two"]
        told = [status for status, _ in groupby(await statuses(env, agent))]
        assert told in (["running", "idle"], ["idle", "running", "idle"])  # the boot may come before the message


async def test_a_message_that_waits_is_announced(agent_env: Any) -> None:
    """B-77."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly)
        await agent.send("two")

        async def announced() -> list[Any]:
            return [event for event in await env.store.events(agent.agent_id) if event.type == "message_queued"]

        (event,) = await until(announced)
        assert event.data["message"]["content"] == "two"
        slowly.go(2)
        await agent.settled()


@pytest.mark.parametrize("mode", ["enqueue", "steer", "cancel_and_run"])
async def test_it_is_told_once_that_waiting_messages_are_let_go(agent_env: Any, mode: str) -> None:
    """B-77: all that waited at once, before the run that hears them; a message that never waited tells nothing."""
    slowly = Slowly()

    @tool
    def read() -> str:
        """Read."""
        return "read"

    async def think(request: Any, delta: Any) -> Message:
        first = slowly.asked == 0
        reply = await slowly.model.ask(request, delta)
        return await uses("read").ask(request, delta) if first and mode == "steer" else reply

    async with agent_env(app_of(Thinks(think), tools=[read])) as env:
        agent = await running(env, slowly, while_running=mode)
        await agent.send("two")
        if mode == "enqueue":
            await agent.send("three")
        slowly.go(3)
        await agent.settled()
        await agent.say("four")
        told = await env.store.events(agent.agent_id)
        (drained,) = [event for event in told if event.type == "messages_drained"]
        assert drained.data == {"count": 2 if mode == "enqueue" else 1}
        after = [event.type for event in told if event.id > drained.id]
        assert ("status_changed" in after[:1]) == (mode != "steer")


async def test_a_save_that_is_no_rest_tells_no_status(agent_env: Any) -> None:
    """B-75, B-77: another lifecycle is saved, and nobody hears that the agent is idle a second time."""
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("one")
        told = await statuses(env, agent)
        saved = (await env.store.load(agent.agent_id)).seq
        await agent.update("configure", {"lifecycle": {"inactivity_timeout_ms": None}})

        async def is_saved() -> bool:
            return bool((await env.store.load(agent.agent_id)).seq > saved)

        await until(is_saved)
        await agent.say("two")
        assert await statuses(env, agent) == [*told, "running", "idle"]


@pytest.mark.parametrize("news", ["viewer_joined", "touch"])
async def test_an_open_question_holds_what_was_queued_before_it(agent_env: Any, news: str) -> None:
    """B-75, E-61: until it is answered; a viewer who comes to look does not push it aside."""

    async def think(request: Any, _: Any) -> Message:
        if slowly.asked == 0:
            await slowly.model.ask(request, _)
            return await uses("delete_file", path="a").ask(request, _)
        results = results_since_user(request)
        return Message.assistant(results[-1] if results else "heard " + request.messages[-1].text)

    slowly = Slowly()
    async with agent_env(app_of(Thinks(think), tools=[delete_file])) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        slowly.go()
        await agent.reaches("interrupted")
        await agent.handle.signal(news, "user-1" if news == "viewer_joined" else None)
        assert await agent.status() == "interrupted"
        await agent.update("resume", "approve")
        assert await agent.settled() == "idle"
        assert await agent.last_text() == "heard two"
        assert "deleted a" in await texts(agent)


async def test_an_error_holds_what_was_queued_before_it_until_somebody_speaks(agent_env: Any) -> None:
    """B-75, E-61."""
    slowly = Slowly()

    async def think(request: Any, delta: Any) -> Message:
        reply = await slowly.model.ask(request, delta)
        if slowly.asked == 1:
            raise RuntimeError("broken")
        return reply

    async with agent_env(app_of(Thinks(think))) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        slowly.go(2)
        await agent.reaches("error")
        await agent.handle.signal("viewer_joined", "user-1")
        assert await agent.status() == "error"
        assert (await agent.info()).queued == 1
        await agent.send("three")
        assert await agent.settled() == "idle"
        assert parts_of((await agent.messages())[-2]) == ["two", "three"]


@tool
def rest() -> Pause:
    """Pause the run."""
    return Pause("needs a rest")


async def test_a_pause_holds_what_was_queued_before_it(agent_env: Any) -> None:
    """B-75, E-61, E-29."""
    slowly = Slowly()

    async def think(request: Any, delta: Any) -> Message:
        if slowly.asked == 0:
            await slowly.model.ask(request, delta)
            return await uses("rest").ask(request, delta)
        return Message.assistant("heard " + [m.text for m in request.messages if m.role == "user"][-1])

    async with agent_env(app_of(Thinks(think), tools=[rest])) as env:
        agent = await running(env, slowly)
        await agent.send("two")
        slowly.go()
        await agent.reaches("paused")
        assert (await agent.info()).queued == 1
        await until(lambda: is_told(env, agent, "paused"))
        await agent.update("resume")
        assert await agent.settled() == "idle"
        assert (await texts(agent))[-3:] == ["heard one", "two", "heard two"]


async def test_steered_messages_reach_the_model_within_the_run(agent_env: Any) -> None:
    """B-75: `while_running: steer`, before the next model call."""
    slowly = Slowly()

    async def think(request: Any, delta: Any) -> Message:
        if slowly.asked == 0:
            await slowly.model.ask(request, delta)
            return await uses("read").ask(request, delta)
        return Message.assistant("heard " + request.messages[-1].text)

    @tool
    def read() -> str:
        """Read."""
        return "read"

    async with agent_env(app_of(Thinks(think), tools=[read])) as env:
        agent = await running(env, slowly, while_running="steer")
        await agent.send("two")
        slowly.go()
        await agent.settled()
        assert [message.role for message in await agent.messages()] == [
            "user", "assistant", "tool", "user", "assistant",
        ]  # fmt: skip
        assert await agent.last_text() == "heard two"


async def test_a_message_may_cancel_the_run_and_be_answered_instead(agent_env: Any) -> None:
    """B-75: `while_running: cancel_and_run`."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly, while_running="cancel_and_run")
        await agent.send("two")
        await slowly.is_asked(2)
        slowly.go(2)
        assert await agent.settled() == "idle"
        assert await texts(agent) == ["one", "two", "heard two"]


async def test_a_busy_agent_may_refuse_messages(agent_env: Any) -> None:
    """B-75: `while_running: reject`; by signal it is said in the info."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await running(env, slowly, while_running="reject")
        assert (await agent.refused("add_message", "two")).type == "AgentBusy"
        await agent.handle.signal("add_message", "three")
        assert (await agent.info()).problem
        slowly.go()
        await agent.settled()
        assert await texts(agent) == ["one", "heard one"]


async def test_ten_runs_that_only_machines_ask_for_are_enough(agent_env: Any) -> None:
    """B-76, B-73, E-63: eleven runs with the person's own, then the message waits until a person speaks."""

    @tool
    def again(context: ToolContext) -> str:
        """Ask for another run."""
        context.queue_message("go on")
        return "queued"

    app = Sagents()
    app.agent("helper", Agent(model=uses("again"), tools=[again]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.send("start")

        async def stopped() -> list[Any]:
            return [e for e in await env.store.events(agent.agent_id) if e.type == "auto_execution_limit_reached"]

        (event,) = await until(stopped)
        assert event.data["limit"] == 10
        await agent.handle.signal("viewer_joined", "user-1")
        assert await agent.settled() == "idle"
        assert [m.role for m in await agent.messages()].count(Role.USER) == 11
        assert (await agent.info()).queued == 1
        await until(lambda: is_told(env, agent, "idle"))
        assert (await statuses(env, agent))[-2:] == ["running", "idle"]
        await agent.send("a person")

        async def again_stopped() -> bool:
            return len(await stopped()) == 2

        await until(again_stopped)
        assert [m.role for m in await agent.messages()].count(Role.USER) == 22


async def test_a_message_to_an_interrupted_agent_goes_before_its_question(agent_env: Any) -> None:
    """E-37, B-64: the question is closed, which is told, and the message is answered."""
    asked = 0

    async def think(request: Any, delta: Any) -> Message:
        nonlocal asked
        asked += 1
        return await (uses("delete_file", path="a") if asked == 1 else echoes()).ask(request, delta)

    async with agent_env(app_of(Thinks(think), tools=[delete_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        assert await agent.say("Never mind") == "heard Never mind"
        assert await agent.interrupts() == []
        assert (await statuses(env, agent))[-4:] == ["interrupted", "idle", "running", "idle"]
