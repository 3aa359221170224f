"""Messages for agents that no worker has cached, after tasks that commanded nothing.

worker   ──touched: nothing to do──model step done: nothing to do──┐
another                                                             ⤷ replays both, and takes a message
                                                                      (as a function of Lambda does, each time)

The SDK would hand over the model step's end together with the message, and replays one after the other: other commands
come of it, and the agent would be lost (temporalio/sdk-rust#1146).
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from sagents import Agent, Message, Sagents, Status, contract
from sagents.client import AgentServer
from sagents.ports import DeltaSink, ModelRequest
from sagents_workflows import AgentWorkflow
from tests.support.deciding import server_of
from tests.support.driving import spoken, until
from tests.support.models import Thinks, last_user_text
from tests.support.replaying import replayer, worker

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

MESSAGES = 3


@dataclass
class Last:
    """A model that answers when a task has commanded nothing, so that its own end is the next one."""

    handles: list[WorkflowHandle[Any, Any]] = field(default_factory=list)

    @property
    def app(self) -> Sagents:
        app = Sagents()
        app.agent("helper", Agent(model=Thinks(self._think)))
        return app

    async def _think(self, request: ModelRequest, _: DeltaSink) -> Message:
        await self.handles[0].signal(contract.TOUCH)
        await until(self._alone)
        return Message.assistant(f"heard {last_user_text(request)}")

    async def _alone(self) -> bool:
        described = (await self.handles[0].describe()).raw_description
        return len(described.pending_activities) == 1 and not described.HasField("pending_workflow_task")


async def is_idle(server: AgentServer, agent_id: str) -> bool:
    return await server.get_status(agent_id) is Status.IDLE


async def test_a_message_to_an_agent_that_nobody_has_cached_leaves_a_history_that_every_worker_can_replay(
    agent_env: Any,
) -> None:
    """E-58, B-8: and it is heard like every other."""
    last = Last()
    async with agent_env(last.app, worker=False) as env, worker(env, max_cached_workflows=0):
        server, agent_id = server_of(env), env.id("agent")
        last.handles.append(env.client.get_workflow_handle(agent_id))
        await server.start("helper", agent_id=agent_id)
        for number in range(MESSAGES):
            await server.add_message(agent_id, f"message {number}")
            await until(partial(is_idle, server, agent_id))
        said = spoken(await server.messages(agent_id))
        assert said == [part for number in range(MESSAGES) for part in (f"message {number}", f"heard message {number}")]
        history = await last.handles[0].fetch_history()
    await replayer(AgentWorkflow).replay_workflow(history)
