"""Conversations and their agents."""

import asyncio
from typing import Any

import pytest

from sagents import Status
from sagents.client import Coordinator
from tests.client.apps import app_of
from tests.client.patience import settled

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
