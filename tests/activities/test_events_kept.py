"""What an agent announces outlives the worker that did not get to it."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from sagents import Agent, ModelError, ModelErrorKind, Sagents, ToolContext, tool
from sagents.display import MessageType
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents.messages import Message
from sagents.ports import DeltaSink, ModelRequest, News
from sagents_activities import publisher
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.driving import started, until
from tests.support.models import Thinks, asks_for, results_since_user, uses
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio


class Dies(MemoryStore):
    """A store that takes no event of a reply until its step is on record and a second attempt has asked for it."""

    asked = 0

    async def get(self, agent_id: str, key: str) -> str | None:
        found = await super().get(agent_id, key)
        self.asked += found is not None and '"operations"' in found
        return found

    async def append(self, agent_id: str, news: Any, workflow_run_id: str | None) -> tuple[Event, ...]:
        if self.asked == 0 and any(self._is_of_a_reply(one) for one in news):
            raise StoreUnavailable("the worker dies")
        return await super().append(agent_id, news, workflow_run_id)

    def _is_of_a_reply(self, one: News) -> bool:
        is_row = one.row is not None and one.row.message_type is MessageType.ASSISTANT
        return is_row or one.event.type in ("llm_message", "tool_call_identified")


async def test_a_reply_on_record_is_told_by_the_attempt_that_finds_it(agent_env: Any) -> None:
    """The model is not asked again, and each event of the reply is in the log once."""
    asked: list[str] = []

    @tool
    def look() -> str:
        """Look."""
        return "empty"

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        asked.append(request.messages[-1].text)
        return Message.assistant("Nothing there.") if results_since_user(request) else asks_for(("look", {}))

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think), tools=[look], default_middleware=False))
    async with agent_env(app, store=Dies()) as env:
        agent = await started(env, "helper")
        assert await agent.say("hi", "m1") == "Nothing there."
        events = await env.store.events(agent.agent_id)
        counted = Counter(event.type for event in events)
        assert len(asked) == 2
        assert (counted["llm_message"], counted["tool_call_identified"]) == (2, 1)


async def test_events_wait_for_a_store_that_is_away_longer_than_a_batch(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come in their order, in front of newer ones, and who watches hears each of them once."""
    monkeypatch.setattr(publisher, "PATIENCE", 0.01)
    refused: list[str] = []
    is_back, is_missed = threading.Event(), threading.Event()

    @tool
    async def work(context: ToolContext) -> str:
        """Work."""
        context.emit("step.one", {})
        await asyncio.to_thread(is_missed.wait, 30)
        context.emit("step.two", {})
        is_back.set()
        return "done"

    async def away(call: StoreCall) -> None:
        if call.method == "append" and call.effect == "tool_call" and not is_back.is_set():
            refused.append(call.key)
            if len(refused) > 3:
                is_missed.set()
            raise StoreUnavailable("away")

    app = Sagents()
    app.agent("helper", Agent(model=uses("work"), tools=[work], default_middleware=False))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=away)) as env:
        agent = await started(env, "helper")
        live: list[Event] = []

        async def listen() -> None:
            async for event in env.channel.listen(agent.agent_id):
                live.append(event)  # noqa: PERF401 - read meanwhile

        listening = asyncio.create_task(listen())
        await agent.say("hi", "m1")
        told = [event.type for event in await env.store.events(agent.agent_id)]
        steps = ["tool_execution_update", "step.one", "step.two", "tool_execution_update"]
        assert [type for type in told if type in steps] == steps
        listening.cancel()
        assert [event.type for event in live if event.type in steps] == steps
        assert [event for event in live if event.id is None and event.type in steps] == []


async def test_a_tool_that_ends_while_the_store_is_away_is_told_when_it_is_back(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs once: nobody would tell of it again."""
    monkeypatch.setattr(publisher, "PATIENCE", 0.01)
    refused: list[str] = []
    runs: list[str] = []

    @tool
    def work() -> str:
        """Work."""
        runs.append("once")
        return "done"

    async def away(call: StoreCall) -> None:
        if call.method == "append" and call.effect == "tool_call" and len(refused) < 8:
            refused.append(call.key)
            raise StoreUnavailable("away")

    app = Sagents()
    app.agent("helper", Agent(model=uses("work"), tools=[work], default_middleware=False))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=away)) as env:
        agent = await started(env, "helper")
        await agent.say("hi", "m1")
        told = [event.data for event in await env.store.events(agent.agent_id) if event.type == "tool_execution_update"]
        assert [data["status"] for data in told] == ["executing", "completed"]
        assert (runs, len(refused)) == (["once"], 8)


async def test_a_save_whose_events_the_store_does_not_take_is_tried_again(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a save tells goes into the same places again, so nothing is lost and nothing is there twice."""
    monkeypatch.setattr(publisher, "PATIENCE", 0.01)
    refused: list[str] = []

    async def away(call: StoreCall) -> None:
        if call.method == "append" and call.effect == "save" and len(refused) < 4:
            refused.append(call.key)
            raise StoreUnavailable("away")

    def fail(*_: Any) -> Message:
        raise ModelError("no credit", ModelErrorKind.FAIL)

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(fail), default_middleware=False))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=away)) as env:
        agent = await started(env, "helper")
        await agent.send("hi", "m1")
        await agent.reaches("error")

        async def is_told() -> bool:
            told = Counter(event.type for event in await env.store.events(agent.agent_id))
            return told["chain_error"] == 1

        await until(is_told)
        assert len(refused) == 4


class Beaten(MemoryStore):
    """A store to which another attempt has always brought its plan a moment before; then that one was lost."""

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        other = body.replace("Hello.", "Good day.")
        await super().put_once(agent_id, key, other, workflow_run_id)
        return await super().put_once(agent_id, key, body, workflow_run_id)


async def test_the_reply_of_a_faster_attempt_that_was_lost_is_shown_and_told(agent_env: Any) -> None:
    """What is on record counts, whoever is left to write it."""
    app = Sagents()
    app.agent("helper", Agent(model=Thinks(lambda *_: Message.assistant("Hello.")), default_middleware=False))
    async with agent_env(app, store=Beaten()) as env:
        agent = await started(env, "helper")
        assert await agent.say("hi", "m1") == "Good day."
        assert [row.text for row in await env.store.rows(agent.agent_id)] == ["hi", "Good day."]
        assert (await replies(env, agent.agent_id))[-1] == "Good day."


async def replies(env: AgentEnv, agent_id: str) -> list[str]:
    """What the log says that the model said."""
    told: list[Any] = [event.data for event in await env.store.events(agent_id) if event.type == "llm_message"]
    return [data["message"]["content"] for data in told]


async def test_a_reply_told_by_an_attempt_that_was_lost_before_its_record_is_put_right(agent_env: Any) -> None:
    """The model says something else when it is asked again; the one that counts is told last (B-153)."""
    asked: list[str] = []

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        asked.append(request.messages[-1].text)
        return Message.assistant(f"Answer {len(asked)}.")

    async def dies(call: StoreCall) -> None:
        if call.method == "put_once" and call.effect == "model_step" and len(asked) == 1:
            raise StoreUnavailable("the worker dies")

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think), default_middleware=False))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=dies)) as env:
        agent = await started(env, "helper")
        assert await agent.say("hi", "m1") == "Answer 2."
        assert await replies(env, agent.agent_id) == ["Answer 1.", "Answer 2."]
        assert [row.text for row in await env.store.rows(agent.agent_id)] == ["hi", "Answer 2."]
