"""What a transcript outlives, and what it does not repeat (B-105, issue of the records)."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    AskUserQuestion,
    HookContext,
    Message,
    Middleware,
    Sagents,
    State,
    SubAgent,
    SubAgentConfig,
    ToolContext,
    tool,
)
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents.ports import DeltaSink, ModelRequest
from sagents_activities import publisher
from sagents_activities.journal import Seen
from sagents_infra.stores.memory import MemoryStore
from tests.support.driving import started, until
from tests.support.models import Thinks, asks_for, echoes, results_since_user, uses
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio


class Forgets(Middleware):
    """Keeps nothing but the newest message, as a summary would."""

    def before_model(self, state: State, _: HookContext, /) -> State:
        return state.set_messages(state.messages[-1:])


async def test_rows_outlive_what_the_model_forgets(agent_env: Any) -> None:
    """B-105: a summary takes messages from the state, and none from the transcript."""
    app = Sagents()
    app.agent("helper", Agent(model=echoes(), middleware=[Forgets()], default_middleware=False))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        for number in range(3):
            await agent.say(f"message {number}", f"m{number}")
        assert len(await agent.messages()) == 2
        texts = [row.text for row in await env.store.rows(agent.agent_id)]
        assert texts == [text for n in range(3) for text in (f"message {n}", f"heard message {n}")]


async def test_rows_that_the_store_could_not_take_are_written_by_the_next_attempt(agent_env: Any) -> None:
    """The reply is on record by then and is not asked for again; its rows are there once."""
    asked: list[str] = []
    failed: list[str] = []

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        asked.append(request.messages[-1].text)
        return Message.assistant("Hello.")

    async def fail_once(call: StoreCall) -> None:
        if call.method == "append" and call.key.startswith("msg_") and not failed:
            failed.append(call.key)
            raise StoreUnavailable("away")

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think)))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=fail_once)) as env:
        agent = await started(env, "helper")
        await agent.say("hi", "m1")
        assert [row.text for row in await env.store.rows(agent.agent_id)] == ["hi", "Hello."]
        assert (len(asked), len(failed)) == (1, 1)


async def test_a_result_that_nobody_told_is_shown_by_the_next_step(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store was away while a tool ran, and for longer than a tool call waits: its row catches up with the record.

    Who watches has heard of it nevertheless.
    """
    monkeypatch.setattr(publisher, "PATIENCE", 0.01)
    monkeypatch.setattr(publisher, "AT_LAST", 0.1)

    @tool
    def look() -> str:
        """Look."""
        return "empty"

    async def fail(call: StoreCall) -> None:
        if call.method == "append" and call.effect == "tool_call":
            raise StoreUnavailable("away")

    app = Sagents()
    app.agent("helper", Agent(model=uses("look"), tools=[look]))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=fail)) as env:
        agent = await started(env, "helper")
        live: list[Event] = []

        async def listen() -> None:
            async for event in env.channel.listen(agent.agent_id):
                live.append(event)  # noqa: PERF401 - read meanwhile

        listening = asyncio.create_task(listen())
        await agent.say("hi", "m1")
        lost = [event.data["status"] for event in live if event.type == "tool_execution_update"]
        assert lost == ["executing", "completed"]
        listening.cancel()
        shown = [(str(row.content_type), row.text, str(row.status)) for row in await env.store.rows(agent.agent_id)]
        assert shown == [
            ("text", "hi", "completed"),
            ("tool_call", "Look", "completed"),
            ("tool_result", "empty", "completed"),
            ("text", "done: empty", "completed"),
        ]


async def test_a_question_is_answered_in_the_transcript(agent_env: Any) -> None:
    """B-95, B-106: the call waits, then has its answer; the user's words are a row of the user's."""
    options = [{"label": "Rome", "value": "rome"}, {"label": "Oslo", "value": "oslo"}]
    asking = uses("ask_user", question="Where to?", response_type="single_select", options=options)
    app = Sagents()
    app.agent("helper", Agent(model=asking, middleware=[AskUserQuestion()]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("Plan a trip", "m1")
        (call,) = [row for row in await env.store.rows(agent.agent_id) if row.content_type == "tool_call"]
        assert call.status == "interrupted"
        await agent.update("resume", [{"type": "answer", "selected": ["oslo"]}])
        await agent.settled()
        rows = await env.store.rows(agent.agent_id)
        assert [(str(row.message_type), row.text, str(row.status)) for row in rows[1:4]] == [
            ("assistant", "Asking a question", "completed"),
            ("user", "Oslo", "completed"),
            ("tool", "User selected: oslo", "completed"),
        ]


async def test_a_question_that_a_new_message_supersedes_is_cancelled(agent_env: Any) -> None:
    asking = Thinks(
        lambda request, _: (
            Message.assistant("Well.")
            if request.messages[-1].text == "Never mind"
            else asks_for(("ask_user", {"question": "Where to?", "response_type": "freeform"}))
        )
    )
    app = Sagents()
    app.agent("helper", Agent(model=asking, middleware=[AskUserQuestion()]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("Plan a trip", "m1")
        await agent.say("Never mind", "m2")

        async def is_cancelled() -> bool:
            rows = await env.store.rows(agent.agent_id)
            return any(row.content_type == "tool_call" and row.status == "cancelled" for row in rows)

        await until(is_cancelled)


async def test_a_sub_agent_is_a_call_and_a_result_and_a_cancel_ends_both(agent_env: Any) -> None:
    """E-71: what it says itself is for its parent."""
    begun = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait for ever."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        sends = ("task", {"instructions": "Look", "task_name": "research"})
        return Message.assistant("done") if results_since_user(request) else asks_for(sends)

    def research(tools: Any, model: Any) -> SubAgent:
        config = SubAgentConfig(name="research", description="Looks", system_prompt="Look.", tools=tools, model=model)
        return SubAgent(subagents=[config])

    app = Sagents()
    app.agent("quick", Agent(model=Thinks(think), middleware=[research([wait], echoes())]))
    app.agent("slow", Agent(model=Thinks(think), middleware=[research([wait], uses("wait"))]))
    async with agent_env(app) as env:
        agent = await started(env, "quick")
        await agent.say("hi", "m1")
        rows = await env.store.rows(agent.agent_id)
        assert [(str(row.content_type), str(row.status)) for row in rows] == [
            ("text", "completed"),
            ("tool_call", "completed"),
            ("tool_result", "completed"),
            ("text", "completed"),
        ]

        agent = await started(env, "slow", env.id("slow"))
        await agent.send("hi", "m1")
        await begun.wait()
        await agent.update("cancel")
        await agent.reaches("cancelled")

        async def is_told() -> bool:
            told = [event.type for event in await env.store.events(agent.agent_id)]
            kinds = [row.content_type for row in await env.store.rows(agent.agent_id)]
            return "subagent_cancelled" in told and "notification" in kinds

        await until(is_told)
        call = next(row for row in await env.store.rows(agent.agent_id) if row.content_type == "tool_call")
        assert call.status == "cancelled"


async def test_a_row_of_a_tool_is_changed_by_its_id(agent_env: Any) -> None:
    """It keeps its place; the same content again is no news."""

    @tool
    async def work(context: ToolContext) -> str:
        """Work."""
        for kind, done in (("saved", 0), ("saved", 7), ("updated", 50), ("updated", 100), ("updated", 50)):
            shown: dict[str, JsonValue] = {"content_type": "structured_data", "content": {"done": done}}
            row: dict[str, JsonValue] = {"id": "bar", "message_type": "system", **shown}
            context.emit(f"display_message_{kind}", {"row": row})
        return "done"

    app = Sagents()
    app.agent("helper", Agent(model=uses("work"), tools=[work]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("go", "m1")
        (bar,) = [row for row in await env.store.rows(agent.agent_id) if row.id == "bar"]
        assert bar.content == {"done": 100}
        told = [event for event in await env.store.events(agent.agent_id) if "bar" in str(event.data)]
        assert [event.type.rpartition("_")[2] for event in told] == ["saved", "updated", "updated"]
        assert bar.number == told[0].id


async def test_each_row_is_looked_up_once_however_long_the_run(agent_env: Any) -> None:
    """One for what the user said, two for each result: of the call and of what it came to."""
    reads: list[str] = []

    @tool
    def look() -> str:
        """Look."""
        return "empty"

    async def note(call: StoreCall) -> None:
        if call.method == "row" and call.effect in ("model_step", "save"):
            reads.append(call.key)

    app = Sagents()
    app.agent("helper", Agent(model=uses("look", times=5), tools=[look]))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=note)) as env:
        agent = await started(env, "helper")
        await agent.say("hi", "m1")
        assert len(reads) == len(set(reads)) == 1 + 2 * 5


async def test_a_process_remembers_so_much_and_no_more() -> None:
    seen = Seen(limit=2)
    seen.add("a", "b", "c")
    assert [key in seen for key in "abc"] == [False, True, True]
