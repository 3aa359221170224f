"""Conversations and their agents."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, AgentRequest, Approve, CannotResume, Lifecycle, Sagents, Status
from sagents.client import AgentServer, Coordinator
from sagents.errors import CannotDismiss
from tests.client.apps import app_of, desk
from tests.client.patience import reaches, settled
from tests.support.driving import until
from tests.support.models import echoes

pytestmark = pytest.mark.asyncio


async def test_a_conversation_starts_its_agent_on_demand(serve: Any) -> None:
    """L-57."""
    async with serve(app_of()) as (server, env):
        session = await Coordinator(server, "helper").start_conversation_session(env.prefix)
        assert (session.agent_id, session.conversation_id) == (f"conversation-{env.prefix}", env.prefix)
        assert session.started
        assert session.handle.id == session.agent_id


async def test_of_callers_at_once_one_starts_it_and_all_get_the_same(serve: Any) -> None:
    """L-59."""
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper")
        sessions = await asyncio.gather(*(coordinator.start_conversation_session(env.prefix) for _ in range(10)))
        assert sum(session.started for session in sessions) == 1
        assert {session.agent_id for session in sessions} == {f"conversation-{env.prefix}"}


async def test_a_conversation_that_ended_goes_on_with_its_state(serve: Any) -> None:
    """L-58: the saved state is restored."""
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper")
        first = await coordinator.start_conversation_session(env.prefix)
        await server.add_message(first.agent_id, "hello")
        await settled(server, first.agent_id)
        await server.stop(first.agent_id)
        again = await coordinator.start_conversation_session(env.prefix)
        assert again.started
        assert [message.text for message in await server.messages(again.agent_id)] == ["hello", "heard hello"]


async def test_an_application_may_name_agents_itself(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper", agent_id_for=lambda conversation: f"chat.{conversation}")
        session = await coordinator.start_conversation_session(env.prefix, options={"language": "de"})
        assert session.agent_id == f"chat.{env.prefix}"
        assert await server.get_status(session.agent_id) is Status.IDLE


async def test_a_session_that_is_there_already_starts_nothing(serve: Any) -> None:
    """E-52, B-121, L-60: the second start says that it started nothing; whoever subscribed hears what comes."""
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper")
        first = await coordinator.start_conversation_session(env.prefix, subscribe=True)
        again = await coordinator.start_conversation_session(env.prefix)
        assert (first.started, again.started) == (True, False)
        assert first.events is not None
        await server.add_message(first.agent_id, "hello")
        event = await asyncio.wait_for(anext(first.events), 20)
        assert event.agent_id == first.agent_id
        await first.events.aclose()


async def test_a_session_whose_agent_left_runs_again_and_keeps_its_subscription(serve: Any) -> None:
    """B-122."""
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper")
        session = await coordinator.start_conversation_session(env.prefix, subscribe=True)
        assert not (await coordinator.ensure_running(session)).started
        assert await coordinator.stop(env.prefix) == "stopped"
        assert not await coordinator.is_running(env.prefix)
        again = await coordinator.ensure_running(session)
        assert again.started
        assert again.events is session.events
        assert await coordinator.is_running(env.prefix)
        assert await coordinator.stop(env.prefix) == "stopped"
        assert await coordinator.stop(env.prefix) == "not_running"


async def test_an_application_chooses_the_agent_by_conversation_scope_and_options(serve: Any) -> None:
    """B-120, B-125: options reach the factory."""
    seen: list[tuple[Any, Any]] = []
    app = Sagents()

    @app.agent("german")
    def german(request: AgentRequest) -> Agent:
        seen.append((request.conversation_id, dict(request.options)))
        return Agent(model=echoes())

    def route(conversation_id: str, scope: Any, options: Any) -> str:
        return {"de": "german"}[options["language"]]

    async with serve(app) as (server, env):
        lifecycle = Lifecycle(inactivity_timeout=timedelta(minutes=10))
        coordinator = Coordinator(server, route, lifecycle=lifecycle)
        session = await coordinator.start_conversation_session(env.prefix, options={"language": "de"})
        await server.add_message(session.agent_id, "hallo")
        await settled(server, session.agent_id)
        assert set(map(str, seen)) == {str((env.prefix, {"language": "de"}))}
        inactivity = await server.inactivity(session.agent_id)
        assert inactivity is not None
        assert inactivity.inactivity_timeout_ms == 600_000


async def test_what_the_application_kept_begins_a_new_agent_once(serve: Any) -> None:
    """L-58, L-59, E-52: loaded for an agent that is new, ignored for one that is not."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=["kept"])
        exported = await server.export_state(env.id())
        loads: list[str] = []

        async def load(conversation_id: str, scope: Any) -> Any:
            loads.append(conversation_id)
            return {**exported, "serialized_at": str(len(loads))}

        coordinator = Coordinator(server, "helper", load=load)
        sessions = await asyncio.gather(*(coordinator.start_conversation_session(env.prefix) for _ in range(5)))
        assert sum(session.started for session in sessions) == 1
        agent_id = sessions[0].agent_id
        await server.add_message(agent_id, "hello")
        await until(lambda: _said(server, agent_id, ["kept", "hello", "heard hello"]))
        asked = len(loads)
        assert not (await coordinator.start_conversation_session(env.prefix)).started
        await coordinator.stop(env.prefix)
        assert (await coordinator.start_conversation_session(env.prefix)).started
        assert len(loads) == asked
        await until(lambda: _said(server, agent_id, ["kept", "hello", "heard hello"]))


async def test_a_conversation_without_anything_kept_begins_empty(serve: Any) -> None:
    """L-58."""

    async def load(conversation_id: str, scope: Any) -> None:
        return None

    async with serve(app_of()) as (server, env):
        session = await Coordinator(server, "helper", load=load).start_conversation_session(env.prefix)
        assert session.started
        assert await server.messages(session.agent_id) == ()


async def test_a_decision_reaches_a_conversation_awake_or_asleep(serve: Any) -> None:
    """B-123, E-50: asleep, it starts with the answer in hand; of several answers one counts."""
    async with serve(desk()) as (server, env):
        coordinator = Coordinator(server, "helper")
        session = await coordinator.start_conversation_session(env.prefix)
        await server.add_message(session.agent_id, "refund")
        await reaches(server, session.agent_id, Status.INTERRUPTED)
        await coordinator.stop(env.prefix)
        answers = await asyncio.gather(
            *(coordinator.resume(env.prefix, Approve()) for _ in range(3)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert [type(error) for error in refused] == [CannotResume, CannotResume]
        await settled(server, session.agent_id)
        assert (await server.messages(session.agent_id))[-1].text == "done: refunded 7"
        with pytest.raises(CannotResume, match="not interrupted"):
            await coordinator.resume(env.prefix, Approve())


async def test_an_answer_that_nothing_waits_for_is_discarded_with_the_status(serve: Any) -> None:
    """E-49."""
    async with serve(app_of()) as (server, env):
        coordinator = Coordinator(server, "helper")
        await coordinator.start_conversation_session(env.prefix)
        await coordinator.stop(env.prefix)
        with pytest.raises(CannotResume) as refused:
            await coordinator.resume(env.prefix, Approve())
        assert refused.value.status == Status.IDLE


async def test_a_question_is_not_dismissed(serve: Any) -> None:
    """B-124, E-51."""
    async with serve(desk()) as (server, env):
        coordinator = Coordinator(server, "helper")
        session = await coordinator.start_conversation_session(env.prefix)
        await server.add_message(session.agent_id, "refund")
        await reaches(server, session.agent_id, Status.INTERRUPTED)
        with pytest.raises(CannotDismiss):
            await coordinator.dismiss(env.prefix)


async def _said(server: AgentServer, agent_id: str, texts: list[str]) -> bool:
    return [message.text for message in await server.messages(agent_id)] == texts
