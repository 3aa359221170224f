"""Driving an agent by the wire contract alone, as the plain `temporal` CLI would."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from sagents import contract
from sagents.carried import Page, PageRequest
from sagents.contract import AgentInfo, InterruptView
from sagents.messages import Message
from sagents_infra.testing import AgentEnv

PATIENCE = 60.0
"""Seconds. Whoever waits in vain has failed, however long that takes; a machine that is busy has not."""

NOT_NOW = (contract.ASK_AGAIN, "Potential deadlock detected")
"""What a query is told that may be asked again: the second one is the SDK's, of a workflow that got no turn for 2 s."""


async def until(condition: Callable[[], Awaitable[Any]], within: float = PATIENCE) -> Any:
    """Wait for a condition, with a bound: what it returns when it is true at last."""
    deadline = time.monotonic() + within
    while not (result := await condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within} s in vain for {condition.__qualname__}")
        await asyncio.sleep(0.02)
    return result


def spoken(messages: Sequence[Message]) -> list[str]:
    """What was said, part by part: messages that waited together are one message with several parts (B-74)."""
    contents = [message.content for message in messages if message.content]
    parts = [content if isinstance(content, tuple) else (content,) for content in contents]
    return [part if isinstance(part, str) else part.content for content in parts for part in content]


@dataclass
class Driven:
    """One agent, driven from outside."""

    env: AgentEnv
    agent_id: str

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.env.client.get_workflow_handle(self.agent_id)

    async def update(self, name: str, payload: Any = None) -> Any:
        return await self.handle.execute_update(name, payload)

    async def refused(self, name: str, payload: Any = None) -> ApplicationError:
        """The typed refusal of an update."""
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await self.update(name, payload)
        refusal = caught.value.cause
        assert isinstance(refusal, ApplicationError)
        return refusal

    async def send(self, text: str, message_id: str | None = None) -> None:
        await self.update(contract.ADD_MESSAGE, {"content": text, "id": message_id})

    async def say(self, text: str, message_id: str | None = None) -> str:
        """Send a message, wait for the end of the run, return what the agent said last."""
        await self.send(text, message_id)
        await self.settled()
        return await self.last_text()

    async def ask(self, query: str, *args: Any, **options: Any) -> Any:
        """The answer to a query: asked again where it came between two workflow tasks, or the machine was too busy."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self.handle.query(query, *args, **options)
            except WorkflowQueryFailedError as error:
                if not any(said in error.message for said in NOT_NOW) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def status(self) -> str:
        return str(await self.ask(contract.STATUS))

    async def is_settled(self) -> bool:
        return await self.status() != "running"

    async def settled(self, within: float = PATIENCE) -> str:
        await until(self.is_settled, within)
        return await self.status()

    async def reaches(self, status: str, within: float = PATIENCE) -> None:
        async def reached() -> bool:
            return await self.status() == status

        await until(reached, within)

    async def info(self) -> AgentInfo:
        info: AgentInfo = await self.ask(contract.INFO, result_type=AgentInfo)
        return info

    async def messages(self) -> list[Message]:
        messages: list[Message] = await self.ask(contract.MESSAGES, result_type=list[Message])
        return messages

    async def interrupts(self) -> list[InterruptView]:
        views: list[InterruptView] = await self.ask(contract.INTERRUPTS, result_type=list[InterruptView])
        return views

    async def last_text(self) -> str:
        return next((message.text for message in reversed(await self.messages())), "")

    async def tail(self) -> Page:
        page: Page = await self.ask(contract.PAGE, PageRequest(since=-1), result_type=Page)
        return page

    async def is_closed(self) -> bool:
        return (await self.handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    async def run_ids(self) -> list[str]:
        """The workflow runs of this agent, oldest first."""
        found = [run async for run in self.env.client.list_workflows(f'WorkflowId = "{self.agent_id}"')]
        return [run.run_id for run in sorted(found, key=lambda run: run.start_time)]

    async def events(self, run_id: str | None = None) -> list[Any]:
        """The history of a workflow run, the newest one unless named."""
        history = await self.env.client.get_workflow_handle(self.agent_id, run_id=run_id).fetch_history()
        return list(history.events)


async def started(env: AgentEnv, name: str, agent_id: str | None = None, **payload: Any) -> Driven:
    """A running agent; the one that is there already where the id is taken."""
    agent_id = agent_id or env.id(name)
    await env.client.start_workflow(
        contract.AGENT_WORKFLOW,
        {"agent": name, **payload},
        id=agent_id,
        task_queue=env.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    return Driven(env, agent_id)


async def signalled(env: AgentEnv, agent_id: str, name: str, payload: Any, start: Any = None) -> Driven:
    """Signal-with-start: wakes a sleeping agent."""
    await env.client.start_workflow(
        contract.AGENT_WORKFLOW,
        start if start is not None else {},
        id=agent_id,
        task_queue=env.settings.task_queue,
        start_signal=name,
        start_signal_args=[payload],
    )
    return Driven(env, agent_id)
