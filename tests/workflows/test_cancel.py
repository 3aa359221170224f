"""Cancel and stop reach whatever runs; what was said is kept, and the agent lives on."""

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.messages import Message, MessageStatus
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents_infra.worker import make_kit, worker_options
from tests.support.driving import started, until
from tests.support.models import Thinks, asks_for, echoes, results_since_user

pytestmark = pytest.mark.asyncio

SOON = 20.0
"""Seconds on a loaded machine; an idle one takes less than two. What is not reached at all runs for minutes."""


def streams_for_ever(begun: threading.Event) -> Thinks:
    """A reply that is told in part; then `begun` is set."""

    async def think(request: ModelRequest, on_delta: DeltaSink) -> Message:
        if any(message.status is MessageStatus.CANCELLED for message in request.messages):
            return Message.assistant("back again")
        on_delta(Delta(text="Once upon "))
        on_delta(Delta(text="a time"))
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")

    return Thinks(think)


async def is_set(event: threading.Event) -> None:
    await until(lambda: asyncio.sleep(0, event.is_set()))


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


async def test_cancel_reaches_a_model_stream_keeps_its_partial_text_and_the_agent_goes_on(agent_env: Any) -> None:
    """L-43, E-30."""
    begun = threading.Event()
    async with agent_env(app_of(streams_for_ever(begun))) as env:
        agent = await started(env, "helper")
        await agent.send("Tell me a story")
        await is_set(begun)
        asked = time.monotonic()
        await agent.update("cancel")
        assert await agent.settled() == "cancelled"
        assert time.monotonic() - asked < SOON
        partial = (await agent.messages())[-1]
        assert (partial.text, partial.status) == ("Once upon a time", "cancelled")
        assert await agent.say("And then?") == "back again"


async def test_a_worker_hears_of_a_cancel_within_a_second(agent_env: Any) -> None:
    """Temporal answers a heartbeat with the cancel; the SDK would keep heartbeats back for longer."""
    async with agent_env(app_of(echoes()), worker=False) as env:
        options = worker_options(env.client, make_kit(env.app, env.store, env.channel, env.presence), env.settings)
        assert options["max_heartbeat_throttle_interval"] == timedelta(seconds=1)
        assert options["default_heartbeat_throttle_interval"] == timedelta(seconds=1)


async def test_cancel_reaches_an_async_tool_and_closes_its_call(agent_env: Any) -> None:
    reached = threading.Event()

    @tool
    async def for_ever() -> str:
        """Never ends."""
        try:
            await asyncio.Event().wait()
        finally:
            reached.set()
        return "never"

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        return (
            Message.assistant("ok")
            if results_since_user(request) or len(request.messages) > 2
            else asks_for(("for_ever", {}))
        )

    async with agent_env(app_of(Thinks(think), tools=[for_ever])) as env:
        agent = await started(env, "helper")
        await agent.send("Go")

        async def called() -> bool:
            return len(await agent.messages()) > 1

        await until(called)
        begun = time.monotonic()
        await agent.handle.signal("cancel")
        assert await agent.settled() == "cancelled"
        assert time.monotonic() - begun < SOON
        assert reached.is_set()
        closing = (await agent.messages())[-1].tool_results
        assert [result.is_error for result in closing] == [True]
        assert await agent.say("Still there?") == "ok"


async def test_what_ended_before_a_cancel_keeps_its_result(agent_env: Any) -> None:
    """B-70, B-71: finished parts of a cancelled batch are kept, the others are closed."""

    @tool
    async def quick() -> str:
        """Ends at once."""
        return "quick result"

    @tool
    async def for_ever() -> str:
        """Never ends."""
        await asyncio.Event().wait()
        return "never"

    async with agent_env(
        app_of(Thinks(lambda _, __: asks_for(("quick", {}), ("for_ever", {}))), tools=[quick, for_ever])
    ) as env:
        agent = await started(env, "helper")
        await agent.send("Go")

        async def quick_is_done() -> bool:
            events = await agent.events()
            ended = [event for event in events if event.HasField("activity_task_completed_event_attributes")]
            return len(ended) >= 3

        await until(quick_is_done)
        await agent.update("cancel")
        assert await agent.settled() == "cancelled"
        results = (await agent.messages())[-1].tool_results
        assert [(result.name, result.is_error) for result in results] == [("quick", False), ("for_ever", True)]
        assert results[0].text == "quick result"


async def test_cancel_of_an_idle_agent_is_refused_and_says_what_it_is(agent_env: Any) -> None:
    """L-43, E-30."""
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        refusal = await agent.refused("cancel")
        assert refusal.message == "Cannot cancel, server is not running (status: idle)"
        await agent.handle.signal("cancel")
        assert await agent.say("hello again") == "heard hello again"


async def test_a_queued_message_survives_the_cancel_of_the_run_before_it(agent_env: Any) -> None:
    """B-71: the queue of pending messages is kept."""
    begun = threading.Event()
    async with agent_env(app_of(streams_for_ever(begun))) as env:
        agent = await started(env, "helper")
        await agent.send("Tell me a story")
        await is_set(begun)
        await agent.send("And another")
        await agent.update("cancel")

        async def answered() -> bool:
            return await agent.last_text() == "back again" and await agent.is_settled()

        await until(answered)


async def test_a_blocking_hook_does_not_silence_heartbeats(agent_env: Any) -> None:
    def blocks(_: Any, __: Any) -> Message:
        time.sleep(7)  # longer than the heartbeat time-out: user code has a loop of its own
        return Message.assistant("slept well")

    async with agent_env(app_of(Thinks(blocks))) as env:
        agent = await started(env, "helper")
        assert await agent.say("Sleep") == "slept well"
        attempts = [
            event.activity_task_started_event_attributes.attempt
            for event in await agent.events()
            if event.HasField("activity_task_started_event_attributes")
        ]
        assert set(attempts) == {1}


async def test_temporals_own_cancel_is_a_graceful_stop(agent_env: Any) -> None:
    """L-42: after the stop's patience it reaches the stream, whose partial text is saved."""
    begun = threading.Event()
    async with agent_env(app_of(streams_for_ever(begun))) as env:
        agent = await started(env, "helper", lifecycle={"stop_patience_ms": 1_000})
        await agent.send("Tell me a story")
        await is_set(begun)
        await agent.handle.cancel()
        farewell = await asyncio.wait_for(agent.handle.result(), 60)
        assert (farewell["reason"], farewell["status"]) == ("cancelled_by_operator", "cancelled")
        row = await env.store.load(agent.agent_id)
        assert row is not None
        assert '"Once upon a time"' in (row.head or "")


async def test_stop_saves_and_says_why(agent_env: Any) -> None:
    """L-41."""
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await agent.update("stop", {"reason": "maintenance"})
        farewell = await asyncio.wait_for(agent.handle.result(), 60)
        assert farewell["reason"] == "maintenance"
