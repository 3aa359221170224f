"""Sub-agents on a real server: sent side by side, cancelled with their parent, asked through it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sagents import (
    Agent,
    Approve,
    CompiledSubAgent,
    HookContext,
    Message,
    Middleware,
    Reject,
    Sagents,
    State,
    SubAgent,
    SubAgentConfig,
    Tool,
    ask,
    tool,
)
from sagents.messages import ToolResult
from sagents.ports import DeltaSink, ModelRequest
from tests.support.deciding import server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, uses

pytestmark = pytest.mark.asyncio

SOON = 5.0


@tool
def look(number: int = 0) -> str:
    """Look at something."""
    return f"seen {number}"


def tasks(*names: str, instructions: str = "Look") -> Message:
    return asks_for(*(("task", {"instructions": f"{instructions} {n}", "task_name": name}) for n, name in enumerate(names)))


def sends(*names: str) -> Thinks:
    """Sends these sub-agents at once, then tells what they said."""

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        results = results_since_user(request)
        return Message.assistant(f"told: {'; '.join(results)}") if results else tasks(*names)

    return Thinks(think)


def config(name: str = "research", model: Any = None, tools: Any = (look,), **options: Any) -> SubAgentConfig:
    return SubAgentConfig(
        name=name, description="Looks at things", instructions="Look.", model=model, tools=list(tools), **options
    )


def desk(*subagents: Any, model: Any = None, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("desk", Agent(model=model or sends("research"), middleware=[SubAgent(list(subagents))], **options))
    return app


async def results(agent: Driven) -> list[ToolResult]:
    return [result for message in await agent.messages() for result in message.tool_results]


async def test_a_sub_agent_works_in_a_workflow_of_its_own_and_its_last_words_are_the_result(agent_env: Any) -> None:
    """B-46, B-50, B-51: one call, one child; nothing of the conversation goes with it."""
    seen: list[ModelRequest] = []
    steps = uses("look", number=3)

    def think(request: ModelRequest, sink: DeltaSink) -> Any:
        seen.append(request)
        return steps.think(request, sink)

    async with agent_env(desk(config(model=Thinks(think)))) as env:
        agent = await started(env, "desk")
        assert await agent.say("Hello") == "told: done: seen 3"
        assert [message.text for message in seen[0].messages] == ["Look 0"]
        child = env.client.get_workflow_handle(f"{agent.agent_id}/research-1.1.0")
        description = await child.describe()
        assert (description.workflow_type, description.status.name) == ("SubAgentWorkflow", "COMPLETED")


async def test_sub_agents_run_side_by_side(agent_env: Any) -> None:
    """B-46: each of them waits for the other one, so that in line none would ever end."""
    together = asyncio.Barrier(3)

    async def think(request: ModelRequest, _: DeltaSink) -> Message:
        await asyncio.wait_for(together.wait(), 30)
        return Message.assistant(f"did {last_user_text(request)}")

    async with agent_env(desk(config(model=Thinks(think)), model=sends("research", "research", "research"))) as env:
        agent = await started(env, "desk")
        assert await agent.say("Go") == "told: did Look 0; did Look 1; did Look 2"
