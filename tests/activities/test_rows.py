"""The transcript as an agent's activities write it, on a real server (B-105, B-107, B-108)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sagents import (
    Agent,
    Message,
    Middleware,
    Model,
    ModelError,
    ModelErrorKind,
    Sagents,
    TodoList,
    Tool,
    ask,
    halt,
    tool,
)
from sagents.display import DisplayMessage
from sagents_infra.testing import AgentEnv
from tests.support.driving import Driven, signalled, started, until
from tests.support.models import Thinks, echoes, say_slowly, uses

pytestmark = pytest.mark.asyncio


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"{place} is empty"


@tool(inline=True)
def count(place: str) -> int:
    """Count what is there."""
    return 3


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


def app_of(model: Model, *tools: Tool[..., Any]) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, tools=tools))
    return app


def brief(rows: Sequence[DisplayMessage]) -> list[tuple[str, str, str, str]]:
    return [(str(row.message_type), str(row.content_type), row.text, str(row.status)) for row in rows]


async def rows_of(env: AgentEnv, agent: Driven) -> list[tuple[str, str, str, str]]:
    return brief(await env.store.rows(agent.agent_id))


async def test_a_round_with_a_tool_is_read_as_it_happened(agent_env: Any) -> None:
    async with agent_env(app_of(uses("look", place="here"), look)) as env:
        agent = await started(env, "helper")
        await agent.say("look around", "m1")
        assert await rows_of(env, agent) == [
            ("user", "text", "look around", "completed"),
            ("assistant", "tool_call", "Look", "completed"),
            ("tool", "tool_result", "here is empty", "completed"),
            ("assistant", "text", "done: here is empty", "completed"),
        ]


async def test_an_inline_tool_has_ended_when_its_row_is_shown(agent_env: Any) -> None:
    async with agent_env(app_of(uses("count", place="here"), count)) as env:
        agent = await started(env, "helper")
        await agent.say("count", "m1")
        assert await rows_of(env, agent) == [
            ("user", "text", "count", "completed"),
            ("assistant", "tool_call", "Count", "completed"),
            ("tool", "tool_result", "3", "completed"),
            ("assistant", "text", "done: 3", "completed"),
        ]


async def test_a_tool_that_nobody_knows_is_a_call_that_failed(agent_env: Any) -> None:
    """E-73."""
    async with agent_env(app_of(uses("lookk", place="here"), look)) as env:
        agent = await started(env, "helper")
        await agent.say("look around", "m1")
        assert (await rows_of(env, agent))[1:3] == [
            ("assistant", "tool_call", "lookk", "failed"),
            ("tool", "tool_result", "Tool 'lookk' not found", "failed"),
        ]


async def test_a_rejected_call_is_cancelled_and_says_who_decided_what(agent_env: Any) -> None:
    async with agent_env(app_of(uses("refund", order="7"), refund)) as env:
        agent = await started(env, "helper")
        await agent.say("refund", "m1")

        async def waits() -> bool:
            return (await rows_of(env, agent))[-1] == ("assistant", "tool_call", "Refund", "interrupted")

        await until(waits)
        await agent.update("resume", "reject")
        await agent.settled()
        _, call, result, said = await env.store.rows(agent.agent_id)
        assert brief([call]) == [("assistant", "tool_call", "Refund", "cancelled")]
        assert call.metadata["hitl_decision"] == "rejected"
        assert (result.content_type, result.tool_call_id) == ("tool_result", call.tool_call_id)
        assert said.content_type == "text"


async def test_an_edited_call_shows_what_ran_and_keeps_its_label(agent_env: Any) -> None:
    """B-108: the label of the decision outlives the states that follow."""
    async with agent_env(app_of(uses("refund", order="7"), refund)) as env:
        agent = await started(env, "helper")
        await agent.say("refund", "m1")
        await agent.update("resume", [{"type": "edit", "arguments": {"order": "8"}}])
        await agent.settled()
        _, call, result, _ = await env.store.rows(agent.agent_id)
        assert (call.status, call.metadata["hitl_decision"]) == ("completed", "edited")
        assert call.content["arguments"] == {"order": "8"}
        assert result.text == "refunded 8"
        told = [e for e in await env.store.events(agent.agent_id) if e.type == "display_message_updated"]
        statuses = [row["status"] for e in told if isinstance(row := e.data["row"], dict)]
        assert statuses == ["interrupted", "pending", "executing", "completed"]


async def test_messages_that_waited_together_are_each_a_row_of_their_own(agent_env: Any) -> None:
    """E-64, B-74: one message for the model, as many for people as were said, also without ids."""
    async with agent_env(app_of(echoes()), worker=False) as env:
        agent = await started(env, "helper")
        for payload in ({"content": "one", "id": "m1"}, "two", {"content": "three", "id": "m3", "display": "3"}):
            await agent.handle.signal("add_message", payload)
        await agent.handle.signal("add_message", {"content": "four", "id": "m4", "display": ""})
        async with env.worker():
            await agent.settled()
            await until(lambda: _has(env, agent, 4))
            (message, _) = await agent.messages()
        assert brief(await env.store.rows(agent.agent_id))[:3] == [
            ("user", "text", "one", "completed"),
            ("user", "text", "two", "completed"),
            ("user", "text", "3", "completed"),
        ]
        parts = message.content if isinstance(message.content, tuple) else ()
        assert [part.content for part in parts] == ["one", "two", "three", "four"]


async def test_a_message_longer_than_a_steps_argument_is_shown_too(agent_env: Any) -> None:
    """Such messages are read from the state; a second run does not show them again."""
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        for text in ("a" * 5_000, "b" * 5_000):
            await agent.update("add_message", text)
            await agent.settled()
        shown = [row.text[:1] for row in await env.store.rows(agent.agent_id) if row.message_type == "user"]
        assert shown == ["a", "b"]


async def test_a_failed_run_is_a_row_that_names_the_error(agent_env: Any) -> None:
    """B-109, B-103: framework rows are told by `display_message_saved` alone."""

    def fail(*_: Any) -> Message:
        raise ModelError("no credit", ModelErrorKind.FAIL)

    async with agent_env(app_of(Thinks(fail))) as env:
        agent = await started(env, "helper")
        await agent.say("hello", "m1")
        await until(lambda: _has(env, agent, 2))
        _, row = await env.store.rows(agent.agent_id)
        assert (row.message_type, row.content_type) == ("system", "error")
        assert row.content["error_type"] == "model_failed"
        assert "no credit" in row.text
        types = [event.type for event in await env.store.events(agent.agent_id)]
        assert types.count("display_message_saved") == 2
        assert "display_message_updated" not in types


async def test_what_was_said_before_the_stream_broke_takes_the_place_of_an_error(agent_env: Any) -> None:
    """E-68: the partial text is kept and marked, and no error row stands beside it."""

    def fail(_: Any, on_delta: Any) -> Message:
        say_slowly(on_delta, "As I was ")
        raise ModelError("cut off", ModelErrorKind.FAIL)

    async with agent_env(app_of(Thinks(fail))) as env:
        agent = await started(env, "helper")
        await agent.say("hello", "m1")
        await agent.reaches("error")
        await until(lambda: _told(env, agent, "chain_error"))
        _, row = await env.store.rows(agent.agent_id)
        assert (row.content_type, row.text, row.metadata["stop_reason"]) == ("text", "As I was ", "stream_error")
        assert "cut off" in str(row.metadata["stop_details"])


async def test_a_cancelled_run_leaves_its_calls_cancelled_and_a_notice(agent_env: Any) -> None:
    """E-70, E-71, B-103."""
    begun = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait for ever."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    async with agent_env(app_of(uses("wait"), wait)) as env:
        agent = await started(env, "helper")
        await agent.send("wait", "m1")
        await until(lambda: _true(begun.is_set()))
        await agent.update("cancel")
        await agent.reaches("cancelled")
        await until(lambda: _told(env, agent, "status_changed", status="cancelled"))
        rows = brief(await env.store.rows(agent.agent_id))
        assert rows[1] == ("assistant", "tool_call", "Wait", "cancelled")
        assert rows[-1] == ("system", "notification", "The run was cancelled.", "completed")


async def test_a_halt_is_one_row_of_the_assistants(agent_env: Any) -> None:
    """E-69: the halt's words, once, before anybody answers."""

    @tool
    def stop() -> None:
        """Stop here."""
        halt("Call us instead.")

    async with agent_env(app_of(uses("stop"), stop)) as env:
        agent = await started(env, "helper")
        await agent.say("hello", "m1")
        await agent.reaches("interrupted")
        shown = [row for row in await env.store.rows(agent.agent_id) if row.text == "Call us instead."]
        assert brief(shown) == [("assistant", "text", "Call us instead.", "completed")]
        await agent.update("resume", [{"type": "respond", "content": "No, go on."}])
        await agent.settled()
        said = [row.text for row in await env.store.rows(agent.agent_id) if row.message_type == "user"]
        assert said == ["hello", "No, go on."]


async def test_rows_outlive_reset_and_sleep(agent_env: Any) -> None:
    """B-105: what people see is only ever added to."""
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        await agent.say("one", "m1")
        await agent.update("reset")
        await until(lambda: _forgot(agent))
        await agent.update("stop")
        await until(agent.is_closed)
        again = await signalled(env, agent.agent_id, "add_message", {"content": "two", "id": "m2"})
        await until(lambda: _has(env, again, 4))
        texts = [row.text for row in await env.store.rows(agent.agent_id)]
        assert texts == ["one", "heard one", "two", "heard two"]


async def test_middleware_shapes_what_is_shown_and_not_what_is_known(agent_env: Any) -> None:
    """B-25: the last word on a reply; one that raises changes nothing."""

    class Secret(Middleware):
        def transform_display_message(self, message: Message, /) -> Message:
            return message.but(content=message.text.replace("1234", "****"))

    class Broken(Middleware):
        def transform_display_message(self, message: Message, /) -> Message:
            raise ValueError("no")

    app = Sagents()
    app.agent("helper", Agent(model=echoes(), middleware=[Broken(), Secret()]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        assert await agent.say("my pin is 1234", "m1") == "heard my pin is 1234"
        assert [row.text for row in await env.store.rows(agent.agent_id)] == ["my pin is 1234", "heard my pin is ****"]


async def test_rows_that_a_tool_shows_come_after_the_reply_that_called_it(agent_env: Any) -> None:
    """B-33: the snapshot of a list of tasks is a real row."""
    todos = [{"id": 1, "content": "look", "status": "pending"}]
    model = uses("write_todos", merge=False, todos=todos)
    app = Sagents()
    app.agent("helper", Agent(model=model, middleware=[TodoList(inline=True)]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("plan", "m1")
        kinds = [str(row.content_type) for row in await env.store.rows(agent.agent_id)]
        assert kinds == ["text", "tool_call", "tool_result", "todo_snapshot", "text"]


async def _has(env: AgentEnv, agent: Driven, count: int) -> bool:
    return len(await env.store.rows(agent.agent_id)) >= count


async def _told(env: AgentEnv, agent: Driven, type: str, **data: str) -> bool:
    events = await env.store.events(agent.agent_id)
    return any(event.type == type and data.items() <= event.data.items() for event in events)


async def _forgot(agent: Driven) -> bool:
    return not await agent.messages()


async def _true(value: bool) -> bool:
    return value
