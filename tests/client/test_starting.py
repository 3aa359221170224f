"""What a start needs, what it may be given, and who goes on with an agent that has started."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, Interrupt, Lifecycle, Message, Sagents, State, Status, tool
from sagents.client import AgentServer
from sagents.decisions import Respond
from sagents.hooks import Middleware
from sagents.lifecycle import AutoSave, Presence
from sagents.replies import RaiseInterrupt
from tests.client.apps import app_of
from tests.client.patience import reaches, settled
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio


async def test_a_start_needs_an_agent_and_nothing_else(serve: Any) -> None:
    """L-8: no state, and nobody who watches; the rest has defaults."""
    async with serve(app_of()) as (server, _):
        session = await server.start("helper")
        state = await server.get_state(session.agent_id)
        assert (state.messages, state.todos, dict(state.metadata)) == ((), (), {})
        answer = await server.inactivity(session.agent_id)
        assert answer is not None
        assert (answer.inactivity_timeout_ms, answer.reason) == (300_000, "inactivity")
        with pytest.raises(TypeError):
            await server.start()


async def test_every_option_that_a_start_accepts_has_its_effect(serve: Any) -> None:
    """L-9: timeout, presence with its topic and grace period, auto-save, conversation, listener of new messages."""
    app, saved, heard = app_of(), list[str](), list[tuple[Any, str]]()

    @app.saver("crm")
    def save(agent_id: str, state: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        saved.append(context["lifecycle"])

    app.on_new_message(lambda conversation_id, message: heard.append((conversation_id, message.text)))
    lifecycle = Lifecycle(
        inactivity_timeout=timedelta(hours=1),
        grace_period=timedelta(milliseconds=400),
        presence=Presence(enabled=True, topic="room-7"),
        auto_save=AutoSave(saver="crm", interval=timedelta(minutes=1), on_idle=True),
    )
    async with serve(app) as (server, env):
        session = await server.start("helper", conversation_id=env.prefix, lifecycle=lifecycle)
        agent_id = session.agent_id
        answer = await server.inactivity(agent_id)
        assert answer is not None
        assert answer.inactivity_timeout_ms == 3_600_000
        await server.join(agent_id, "ann")
        await server.add_message(agent_id, "hello")
        await settled(server, agent_id)
        await until(lambda: _has(saved, "on_completion"))
        assert heard == [(env.prefix, "hello"), (env.prefix, "heard hello")]
        assert [one.viewer for one in (await env.presence.viewers("room-7")).present] == ["ann"]
        await server.leave(agent_id, "ann")
        await reaches(server, agent_id, Status.NOT_RUNNING)
        assert saved[-1] == "on_shutdown"


async def _has(values: list[str], value: str) -> bool:
    return value in values


async def test_agents_move_to_another_worker_when_theirs_goes_and_stay_gone_when_they_were_inactive(
    agent_env: Any,
) -> None:
    """E-57, L-15: many at once; state is read again wherever they go on. Nobody starts again who left by itself."""
    async with agent_env(app_of(), worker=False) as env:
        server = server_of(env)
        ids = [env.id(f"helper-{number}") for number in range(5)]
        asleep = env.id("asleep")
        async with env.worker():
            for agent_id in ids:
                await server.start("helper", agent_id=agent_id, lifecycle=Lifecycle(inactivity_timeout=None))
                await server.add_message(agent_id, "one")
            short = Lifecycle(inactivity_timeout=timedelta(milliseconds=300))
            await server.start("helper", agent_id=asleep, messages=["one"], lifecycle=short)
            for agent_id in ids:
                await settled(server, agent_id)
            await reaches(server, asleep, Status.NOT_RUNNING)
        async with env.worker():
            for agent_id in ids:
                await server.add_message(agent_id, "two")
            for agent_id in ids:
                await settled(server, agent_id)
                assert await _texts(server, agent_id) == ["one", "heard one", "two", "heard two"]
            assert await server.get_status(asleep) is Status.NOT_RUNNING
            assert await _texts(server, asleep) == ["one"]


async def _texts(server: AgentServer, agent_id: str) -> list[str]:
    return [message.text for message in (await server.get_state(agent_id)).messages]


class Colours(Middleware):
    """Asks for a colour, and can go on from an answer wherever its question is restored."""

    id = "colours"

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return data.get("reason") == "colour"

    def handle_resume(self, interrupt: Interrupt, decision: Any, state: State, context: Any, /) -> State | None:
        if interrupt.reason != "colour":
            return None
        result = next(r for m in state.messages for r in m.tool_results if r.tool_call_id == interrupt.tool_call_id)
        answered = result.but(content=f"they like {decision.content}", is_interrupt=False, interrupt_data=None)
        return state.replace_tool_result(result.tool_call_id, answered)


@tool
def ask_colour() -> str:
    """Ask for a colour."""
    raise RaiseInterrupt("Which colour?", reason="colour")


def asking(*middleware: Middleware) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=uses("ask_colour"), tools=[ask_colour], middleware=middleware))
    app.agent("other", Agent(model=uses("ask_colour"), tools=[ask_colour]))
    return app


async def test_a_restored_state_is_swept_and_a_question_that_its_middleware_claims_is_open_again(serve: Any) -> None:
    """B-66, L-16: it is asked again, and answered; where no middleware claims it, the model is told that it is lost."""
    async with serve(asking(Colours())) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "Ask me")
        await reaches(server, env.id(), Status.INTERRUPTED)
        exported = await server.export_state(env.id())
        await server.start("helper", agent_id=env.id("copy"))
        await server.restore_state(env.id("copy"), exported)
        await reaches(server, env.id("copy"), Status.INTERRUPTED)
        (question,) = await server.interrupts(env.id("copy"))
        assert (question.reason, question.message) == ("colour", "Which colour?")
        await server.resume(env.id("copy"), Respond("blue"))
        await settled(server, env.id("copy"))
        assert (await _texts(server, env.id("copy")))[-1] == "done: they like blue"
        assert await server.get_status(env.id()) is Status.INTERRUPTED
        await server.start("other", agent_id=env.id("other"))
        await server.restore_state(env.id("other"), exported)
        swept = await until(lambda: _results(server, env.id("other")))
        assert [(result.is_interrupt, result.is_error) for result in swept] == [(False, True)]
        assert "could not be resumed" in swept[0].text
        assert await server.get_status(env.id("other")) is Status.IDLE
        assert await server.interrupts(env.id("other")) == ()


async def _results(server: AgentServer, agent_id: str) -> list[Any]:
    messages: tuple[Message, ...] = await server.messages(agent_id)
    return [result for message in messages for result in message.tool_results]
