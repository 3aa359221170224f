"""Applications that keep states and transcripts in a store of their own (B-106, B-115, B-116)."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from sagents import Agent, Coordinator, InvalidAgent, Message, Sagents, State, TodoList, ask, tool
from sagents.errors import StoreUnavailable
from sagents_activities import display_mirror
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.deciding import server_of
from tests.support.driving import Driven, started, until
from tests.support.models import echoes, uses
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


class States:
    """Keeps states by conversation, and what it was told of waiting."""

    def __init__(self) -> None:
        self.kept: dict[str, Mapping[str, Any]] = {}
        self.lifecycles: list[str] = []
        self.flags: list[bool] = []
        self.scopes: list[Any] = []

    async def persist_state(self, scope: Any, data: Mapping[str, Any], context: Mapping[str, Any], /) -> None:
        self.kept[context["conversation_id"]] = data
        self.lifecycles.append(context["lifecycle"])
        self.scopes.append(scope)

    def load_state(self, scope: Any, context: Mapping[str, Any], /) -> Mapping[str, Any] | None:
        self.scopes.append(scope)
        return self.kept.get(context["conversation_id"])

    def set_interrupted(self, scope: Any, context: Mapping[str, Any], interrupted: bool, /) -> None:
        self.flags.append(interrupted)


class Messages:
    """Writes down each call, with its tenant."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Any]] = []

    def save_message(self, scope: Any, message: Message, context: Mapping[str, Any], /) -> None:
        assert scope == {"tenant": "acme"}
        self.calls.append(("save_message", message.role, [row.id for row in context["rows"]]))

    async def update_tool_status(
        self, scope: Any, status: str, info: Mapping[str, Any], context: Mapping[str, Any], /
    ) -> None:
        assert scope == {"tenant": "acme"}
        self.calls.append(("update_tool_status", status, info.get("result") or info.get("hitl_decision")))


class AllMessages(Messages):
    def resolve_tool_result(self, scope: Any, tool_call_id: str, text: str, context: Mapping[str, Any], /) -> None:
        self.calls.append(("resolve_tool_result", tool_call_id, text))

    def save_synthetic_message(self, scope: Any, row: Mapping[str, Any], context: Mapping[str, Any], /) -> None:
        self.calls.append(("save_synthetic_message", row["content_type"], row["id"]))


async def _round(env: AgentEnv, answer: Any = "approve") -> Driven:
    agent = await started(env, "helper", scope={"tenant": "acme"}, conversation_id="c1")
    await agent.say("refund", "m1")
    await agent.update("resume", answer)
    await agent.reaches("idle")
    return agent


async def test_a_transcript_goes_to_the_applications_own_store_too(agent_env: Any) -> None:
    """B-106, B-116: scope first; rows have stable ids; the optional methods may be missing."""
    messages = Messages()
    app = Sagents(display=messages)
    app.agent("helper", Agent(model=uses("refund", order="7"), tools=[refund]))
    async with agent_env(app) as env:
        agent = await _round(env)

        async def is_told() -> bool:
            return len(messages.calls) >= 7

        await until(is_told)
        rows = await env.store.rows(agent.agent_id)
        assert messages.calls == [
            ("save_message", "user", ["m1.0"]),
            ("save_message", "assistant", [rows[1].id]),
            ("update_tool_status", "interrupted", None),
            ("update_tool_status", "pending", "approved"),
            ("update_tool_status", "executing", "approved"),
            ("update_tool_status", "completed", "refunded 7"),
            ("save_message", "assistant", [rows[-1].id]),
        ]


async def test_answers_and_rows_that_nobody_said_go_to_methods_of_their_own(agent_env: Any) -> None:
    messages = AllMessages()
    todos = [{"id": 1, "content": "look", "status": "pending"}]
    app = Sagents(display=messages)
    model = uses("write_todos", merge=False, todos=todos)
    app.agent("helper", Agent(model=model, middleware=[TodoList(inline=True)]))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.say("plan", "m1")

        async def is_told() -> bool:
            return any(call[0] == "save_synthetic_message" for call in messages.calls)

        await until(is_told)
        assert [call[1] for call in messages.calls if call[0] == "save_synthetic_message"] == ["todo_snapshot"]


async def test_a_rejected_call_resolves_its_result(agent_env: Any) -> None:
    messages = AllMessages()
    app = Sagents(display=messages)
    app.agent("helper", Agent(model=uses("refund", order="7"), tools=[refund]))
    async with agent_env(app) as env:
        await _round(env, "reject")

        async def is_told() -> bool:
            return [call[0] for call in messages.calls].count("save_message") == 3

        await until(is_told)
        assert ("update_tool_status", "cancelled", "rejected") in messages.calls
        (resolved,) = [call for call in messages.calls if call[0] == "resolve_tool_result"]
        assert "rejected by a human reviewer" in resolved[2]


async def test_a_callback_that_raises_costs_neither_the_run_nor_the_message(agent_env: Any) -> None:
    """E-66: failures are logged only."""

    class Broken:
        def save_message(self, *_: Any) -> None:
            raise ValueError("disk full")

        update_tool_status = persist_state = load_state = set_interrupted = save_message

    app = Sagents(display=Broken(), persistence=Broken())
    app.agent("helper", Agent(model=uses("refund", order="7"), tools=[refund]))
    async with agent_env(app) as env:
        agent = await _round(env)
        assert [str(message.role) for message in await agent.messages()] == ["user", "assistant", "tool", "assistant"]
        assert len(await env.store.rows(agent.agent_id)) == 4


async def test_a_state_goes_to_the_applications_own_store_and_comes_back_from_it(agent_env: Any) -> None:
    """B-115: with the reason why; the flag of waiting is told when it changes only."""
    states = States()
    app = Sagents(persistence=states)
    app.agent("helper", Agent(model=uses("refund", order="7"), tools=[refund]))
    async with agent_env(app) as env:
        agent = await _round(env)
        await agent.update("stop")
        await until(agent.is_closed)
        assert states.lifecycles == ["on_interrupt", "on_completion", "on_shutdown"]
        assert states.flags == [True, False]
        assert states.scopes == [{"tenant": "acme"}] * 3

        scope = {"tenant": "acme"}
        again = await State.load_or_new(states, scope, {"agent_id": "other", "conversation_id": "c1"})
        assert [str(message.role) for message in again.messages] == ["user", "assistant", "tool", "assistant"]

        server = server_of(env)
        coordinator = Coordinator(server, "helper", agent_id_for=lambda _: env.id("copy"), load=states)
        session = await coordinator.start_conversation_session("c1", scope=scope)

        async def is_restored() -> bool:
            return len(await server.messages(session.agent_id)) == 4

        await until(is_restored)


async def test_what_is_no_store_is_refused_where_it_is_given() -> None:
    wrong: Any = object()
    with pytest.raises(InvalidAgent, match="it has no persist_state and no load_state"):
        Sagents(persistence=wrong)
    with pytest.raises(InvalidAgent, match="make an object of it"):
        Sagents(display=Messages)  # type: ignore[arg-type]
    assert Sagents().display is None


async def test_a_callback_that_hangs_is_given_up_and_holds_no_event_back(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E-66: the run goes on, and who watches hears of the tool while it works."""
    monkeypatch.setattr(display_mirror, "PATIENT", 0.5)
    monkeypatch.setattr(display_mirror, "SHORT", 0.5)
    go = threading.Event()

    class Hangs:
        async def save_message(self, *_: Any) -> None:
            await asyncio.Event().wait()

        async def update_tool_status(self, *_: Any) -> None:
            await asyncio.Event().wait()

    @tool
    async def work() -> str:
        """Work."""
        await asyncio.to_thread(go.wait, 20)
        return "done"

    app = Sagents(display=Hangs())
    app.agent("helper", Agent(model=uses("work"), tools=[work], default_middleware=False))
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.send("go", "m1")

        async def works() -> bool:
            told = [event.data.get("status") for event in await env.store.events(agent.agent_id)]
            return "executing" in told

        await until(works)
        go.set()
        await agent.settled()
        assert await agent.last_text() == "done: done"


async def test_a_reply_is_told_again_where_a_worker_may_have_been_lost_before_it_was(agent_env: Any) -> None:
    """At least once, under the same ids: the second attempt finds the rows written, and cannot know more."""
    messages, failed = Messages(), list[str]()

    async def fail_once(call: StoreCall) -> None:
        if call.method == "save" and call.effect == "model_step" and not failed:
            failed.append(call.method)
            raise StoreUnavailable("away")

    app = Sagents(display=messages)
    app.agent("helper", Agent(model=echoes(), default_middleware=False))
    async with agent_env(app, store=WatchedStore(MemoryStore(), before=fail_once)) as env:
        agent = await started(env, "helper", scope={"tenant": "acme"}, conversation_id="c1")
        await agent.say("hi", "m1")
        (_, reply) = await env.store.rows(agent.agent_id)
        assert messages.calls.count(("save_message", "assistant", [reply.id])) == 2
