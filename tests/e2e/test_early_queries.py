"""Queries that come between two workflow tasks: Temporal hands them out with events that no task has taken yet.

workflow worker   ──task──┐                                ┌──query──task──▶
activity worker   ──────────────model step──────done──────
client                       query waits       message    ⤷ the task has both, news and message

The SDK would answer by running ahead, and what comes of that no replay ever does again: the agent would be lost.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from sagents import Agent, Message, Sagents, Status, tool
from sagents.client import AgentServer
from sagents.ports import DeltaSink, ModelRequest
from sagents_infra.testing import AgentEnv
from sagents_workflows import AgentWorkflow
from tests.support.deciding import server_of
from tests.support.driving import spoken, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user
from tests.support.replaying import replayer, worker

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

AGENTS = 12
"""Temporal gives out the query before the task to every second or third; one of so many is among them."""


@tool
def look() -> str:
    """Look around."""
    return "all is well"


@dataclass
class Slow:
    """An application whose model looks around once it may, and then answers."""

    may_look: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def app(self) -> Sagents:
        app = Sagents()
        app.agent("helper", Agent(model=Thinks(self._think), tools=[look]))
        return app

    async def _think(self, request: ModelRequest, _: DeltaSink) -> Message:
        text = last_user_text(request)
        if results_since_user(request):
            return Message.assistant(f"heard {text}")
        self.asked[text] += 1
        await until(self._may_look)
        return asks_for(("look", {}))

    async def _may_look(self) -> bool:
        return self.may_look

    async def heard(self, messages: int) -> bool:
        return self.asked.total() == messages


async def history(env: AgentEnv, agent_id: str) -> WorkflowHistory:
    return await env.client.get_workflow_handle(agent_id).fetch_history()


async def has_looked(env: AgentEnv, agent_id: str) -> bool:
    """Whether its first model step is done; before that it was woken."""
    events = (await history(env, agent_id)).events
    return [event.event_type for event in events].count(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED) == 2


async def is_idle(server: AgentServer, agent_id: str) -> bool:
    return await server.get_status(agent_id) is Status.IDLE


async def test_a_query_between_two_workflow_tasks_leaves_a_history_that_every_worker_can_replay(agent_env: Any) -> None:
    """E-58: and it is answered all the same."""
    slow = Slow()
    async with agent_env(slow.app, worker=False) as env:
        server = server_of(env)
        ids = [env.id(f"agent-{number}") for number in range(AGENTS)]
        async with worker(env, workflows=[]):
            async with worker(env, activities=[]):
                for agent_id in ids:
                    await server.start("helper", agent_id=agent_id)
                    await server.add_message(agent_id, f"first of {agent_id}")
                await until(partial(slow.heard, AGENTS))
            asking = [asyncio.create_task(server.get_status(agent_id)) for agent_id in ids]
            assert all([await server.whereis(agent_id) for agent_id in ids])  # on their way, then
            slow.may_look = True
            for agent_id in ids:
                await until(partial(has_looked, env, agent_id))
            telling = [asyncio.create_task(server.add_message(agent_id, f"second of {agent_id}")) for agent_id in ids]
            assert all([await server.whereis(agent_id) for agent_id in ids])
            async with worker(env, activities=[]):
                assert set(await asyncio.gather(*asking)) <= {Status.RUNNING, Status.IDLE}
                await asyncio.gather(*telling)
                await until(partial(slow.heard, 2 * AGENTS))
                for agent_id in ids:
                    await until(partial(is_idle, server, agent_id))
                    said = [f"{which} of {agent_id}" for which in ("first", "second")]
                    assert spoken(await server.messages(agent_id))[::2] == said
        for agent_id in ids:
            await replayer(AgentWorkflow).replay_workflow(await history(env, agent_id))
