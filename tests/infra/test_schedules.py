"""A schedule wakes an agent and tells it something, on a real server and by the clock of the world."""

from collections.abc import Callable
from typing import Any

import pytest

from sagents.messages import Role
from sagents_infra.cli.spans import span
from sagents_infra.schedules import Reminder, ScheduleActivities, Schedules, times
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import echoes
from tests.support.skipping import app_of

pytestmark = pytest.mark.asyncio


async def test_agent_wakes_by_the_clock_and_is_told_the_same_in_one_conversation(agent_env: Callable[..., Any]) -> None:
    async with agent_env(app_of(echoes())) as env:
        schedules, server = Schedules(env.client, env.settings.task_queue), server_of(env)
        reminder = Reminder(agent="helper", conversation_id=env.id("c"), text="What is new?", owner="ann")
        await schedules.create(env.id("s"), reminder, times(span("1s"), "", ""))

        async def told_twice() -> bool:
            if not await server.exists(reminder.agent_id):
                return False
            said = [message for message in await server.messages(reminder.agent_id) if message.role is Role.USER]
            return len(said) >= 2 and {message.text for message in said} == {"What is new?"}

        await until(told_twice)
        await schedules.delete(env.id("s"))


async def test_message_of_one_time_is_taken_once_though_it_is_sent_twice(agent_env: Callable[..., Any]) -> None:
    async with agent_env(app_of(echoes())) as env:
        server = server_of(env)
        sending = ScheduleActivities(server)
        reminder = Reminder(agent="helper", conversation_id=env.id("c"), text="What is new?")
        for _ in range(2):
            await sending.send({**reminder.model_dump(), "id": "scheduled-1"})
        said = await server.messages(reminder.agent_id)
        assert [message.text for message in said if message.role is Role.USER] == ["What is new?"]
