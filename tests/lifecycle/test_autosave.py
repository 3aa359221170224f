"""The application's own copies: when its savers are called, with what, and how little harm they can do."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.client import AgentServer
from sagents.contract import EXECUTE
from sagents.messages import Message
from sagents.policy import ask
from sagents.serialization import export_state
from sagents.state import State
from tests.support.driving import Driven, started, until
from tests.support.models import uses
from tests.support.skipping import PRESENT, Slowly, app_of, left, seconds

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAVES = {"auto_save": {"saver": "crm"}}


class Copies:
    """A saver that keeps what it gets, and fails as often as it is told to."""

    def __init__(self, app: Sagents, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[tuple[str, Any, Any]] = []
        app.saver("crm")(self.save)

    def save(self, agent_id: str, state: Any, context: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the CRM is down")
        self.got.append((agent_id, state, context))

    @property
    def reasons(self) -> list[str]:
        return [context["lifecycle"] for _, _, context in self.got]

    @property
    def texts(self) -> list[list[str]]:
        return [
            [message.text for message in State.from_serialized(agent_id, state).messages]
            for agent_id, state, _ in self.got
        ]

    async def has(self, count: int) -> None:
        async def called() -> bool:
            return len(self.got) >= count

        await until(called)


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


@tool
def submit(text: str) -> str:
    """Hand in the result."""
    return text


async def test_a_saver_gets_the_exported_state_when_a_run_ends_and_before_leaving(skipping_env: Any) -> None:
    """L-46, L-47, L-49, L-50, L-52: by its name, with what can be restored, and a context."""
    app = app_of()
    copies = Copies(app)
    async with skipping_env(app) as env:
        agent = await started(env, "helper", conversation_id="c1", lifecycle={**SAVES, "inactivity_timeout_ms": 30_000})
        await agent.say("hello")
        assert copies.reasons == ["on_completion"]
        agent_id, exported, context = copies.got[0]
        assert (agent_id, context["conversation_id"]) == (agent.agent_id, "c1")
        assert (exported["version"], list(exported)) == (3, ["version", "state", "serialized_at"])
        await env.passes(seconds(35))
        await left(agent)
        assert copies.reasons == ["on_completion", "on_shutdown"]
        assert copies.texts == [["hello", "heard hello"]] * 2


async def test_an_idle_agent_that_has_not_changed_is_not_saved_again(skipping_env: Any) -> None:
    """L-48, L-50: the interval counts only what has changed."""
    app = app_of()
    copies = Copies(app)
    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle={**SAVES, "inactivity_timeout_ms": None})
        await agent.say("hello")
        await env.passes(seconds(600))
        assert copies.reasons == ["on_completion"]


async def test_a_long_run_is_saved_at_its_interval(skipping_env: Any) -> None:
    """L-48, L-50: between two steps, because it has changed."""
    app = app_of(uses("nap", times=3), tools=[nap])
    copies = Copies(app)
    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle={"auto_save": {"saver": "crm", "interval_ms": 300}})
        await agent.say("hello")
        assert "on_interval" in copies.reasons
        assert copies.reasons[-1] == "on_completion"


@tool
async def nap() -> str:
    """Sleep for a moment."""
    await asyncio.sleep(0.5)
    return "rested"


async def test_without_on_idle_the_saver_is_called_at_the_interval_and_before_leaving(skipping_env: Any) -> None:
    """L-49, L-50: a change waits for the interval; nothing changed, nothing saved."""
    app = app_of()
    copies = Copies(app)
    lifecycle = {"auto_save": {"saver": "crm", "on_idle": False}, "inactivity_timeout_ms": None}
    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle=lifecycle)
        await agent.say("one")
        await env.passes(seconds(40))
        await agent.say("two")
        assert copies.reasons == []
        await env.passes(seconds(25))
        await copies.has(1)
        assert copies.texts == [["one", "heard one", "two", "heard two"]]
        await env.passes(seconds(600))
        assert copies.reasons == ["on_interval"]
        await agent.update("stop")
        await left(agent)
        assert copies.reasons == ["on_interval", "on_shutdown"]


async def test_a_saver_that_fails_harms_nothing_and_is_tried_again(skipping_env: Any) -> None:
    """L-51: the agent stays as it is, and what failed stays to be done."""
    app = app_of()
    copies = Copies(app, failures=2)
    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle={**SAVES, "inactivity_timeout_ms": None})
        await agent.say("hello")
        assert (await agent.status(), copies.got) == ("idle", [])
        await env.passes(seconds(65))
        assert copies.got == []
        await env.passes(seconds(65))
        await copies.has(1)
        await env.passes(seconds(600))
        assert copies.texts == [["hello", "heard hello"]]


async def test_a_saver_that_nobody_registered_harms_nothing(skipping_env: Any) -> None:
    """L-51."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper", lifecycle=SAVES)
        assert await agent.say("hello") == "heard hello"
        await agent.update("stop")
        await left(agent)


async def test_a_saver_hears_of_an_interrupt_a_cancel_and_an_error(skipping_env: Any) -> None:
    """L-51: hooks of the lifecycle, each with its reason."""
    slowly = Slowly()
    app = app_of(uses("delete_file", path="a"), tools=[delete_file])
    app.agent("slow", Agent(model=slowly.model))
    app.agent("broken", Agent(model=uses("missing"), max_runs=1))
    copies = Copies(app)
    async with skipping_env(app) as env:
        asking = await started(env, "helper", lifecycle=SAVES)
        await asking.send("Delete a")
        await asking.reaches("interrupted")
        await copies.has(1)
        slow = await started(env, "slow", lifecycle=SAVES)
        await slow.send("hello")
        await slowly.is_asked()
        await slow.update("cancel")
        await slow.reaches("cancelled")
        await copies.has(2)
        broken = await started(env, "broken", lifecycle=SAVES)
        await broken.send("hello")
        await broken.reaches("error")
        await copies.has(3)
        assert copies.reasons == ["on_interrupt", "on_cancel", "on_error"]


async def test_a_saver_is_called_when_a_tool_ends_the_run_from_execute_and_from_resume(skipping_env: Any) -> None:
    """E-31."""
    app = app_of(uses("submit", text="done"), tools=[submit], interrupt_on={})
    app.agent("careful", Agent(model=uses("submit", text="done"), tools=[submit], interrupt_on={"submit": True}))
    copies = Copies(app)
    said = [{"role": "user", "content": "Go"}]
    async with skipping_env(app) as env:
        agent = await started(env, "helper", lifecycle=SAVES, messages=said)
        await agent.update(EXECUTE, {"until_tool": ["submit"]})
        assert await agent.settled() == "idle"
        assert copies.reasons[-1] == "on_completion"
        careful = await started(env, "careful", lifecycle=SAVES, messages=said)
        await careful.update(EXECUTE, {"until_tool": ["submit"]})
        await careful.reaches("interrupted")
        await until(lambda: asyncio.sleep(0, "on_interrupt" in copies.reasons))
        copies.got.clear()
        await careful.update("resume", "approve")
        assert await careful.settled() == "idle"
        assert copies.reasons == ["on_completion"]


# ── messages, one by one ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_listener_hears_each_new_message_once(skipping_env: Any) -> None:
    """L-10: user's, assistant's and tool's, with the conversation's id; also of an agent that sleeps between."""
    app = app_of(uses("submit", text="done"), tools=[submit])
    heard: list[tuple[Any, str]] = []
    app.on_new_message(lambda conversation_id, message: heard.append((conversation_id, str(message.role))))
    async with skipping_env(app) as env:
        agent = await started(env, "helper", conversation_id="c1", lifecycle={**PRESENT})
        await agent.say("hello")
        once = [("c1", "user"), ("c1", "assistant"), ("c1", "tool"), ("c1", "assistant")]
        assert heard == once
        await env.passes(seconds(6))
        await left(agent)
        back = await started(env, "helper", agent_id=agent.agent_id)
        await back.say("again")
        assert heard == once * 2


@pytest.mark.parametrize("way", ["messages", "exported"])
async def test_a_listener_hears_nothing_of_what_an_agent_starts_with(agent_env: Any, way: str) -> None:
    """L-10: its past, given as messages or as an export, is not new."""
    app = app_of()
    heard: list[str] = []
    app.on_new_message(lambda _, message: heard.append(message.text))
    past = State().add_message(Message.user("before"))
    given = {"messages": past.messages} if way == "messages" else {"exported": export_state(past, serialized_at=NOON)}
    async with agent_env(app) as env:
        server = AgentServer(env.client, store=env.store, channel=env.channel, task_queue=env.settings.task_queue)
        agent = Driven(env, env.id())
        await server.start("helper", agent_id=agent.agent_id, conversation_id="c1", **given)
        assert await agent.say("hello") == "heard hello"
        assert [message.text for message in await agent.messages()] == ["before", "hello", "heard hello"]
        assert heard == ["hello", "heard hello"]


async def test_without_a_conversation_no_listener_is_called(skipping_env: Any) -> None:
    """L-11."""
    app = app_of()
    heard: list[Any] = []
    app.on_new_message(lambda _, message: heard.append(message))
    async with skipping_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        assert heard == []


async def test_a_listener_that_raises_neither_harms_the_agent_nor_loses_the_message(skipping_env: Any) -> None:
    """L-10, E-66."""
    app = app_of()

    @app.on_new_message
    def fails(conversation_id: Any, message: Any) -> None:
        raise RuntimeError("no database")

    async with skipping_env(app) as env:
        agent = await started(env, "helper", conversation_id="c1")
        assert await agent.say("hello") == "heard hello"
        assert [m.text for m in await agent.messages()] == ["hello", "heard hello"]
