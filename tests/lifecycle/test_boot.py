"""What an agent tells when it starts, and what it does with what it finds."""

from typing import Any

import pytest

from sagents import tool
from sagents.hooks import Middleware
from sagents.policy import ask
from tests.support.driving import signalled, started, until
from tests.support.models import uses
from tests.support.skipping import app_of, left, statuses

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


async def booted(env: Any, agent: Any) -> list[str]:
    return await until(lambda: statuses(env, agent))  # type: ignore[no-any-return]


async def test_a_new_agent_says_once_that_it_is_idle(skipping_env: Any) -> None:
    """L-4, E-24: into the log, which whoever watches from the beginning reads."""
    async with skipping_env(app_of()) as env:
        agent = await started(env, "helper")
        assert await booted(env, agent) == ["idle"]
        (event,) = await env.events(agent.agent_id, "status_changed")
        assert event.data == {"status": "idle", "data": None}


async def test_a_question_that_outlived_the_agent_is_told_of_at_its_boot(skipping_env: Any) -> None:
    """L-16, L-4, E-35: with its data, the call's id among them; and it can still be answered."""
    async with skipping_env(app_of(uses("delete_file", path="a"), tools=[delete_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.update("stop")
        await left(agent)
        told = len(await statuses(env, agent))
        back = await started(env, "helper", agent_id=agent.agent_id)

        async def again() -> list[str]:
            return (await statuses(env, agent))[told:]

        assert await until(again) == ["interrupted"]
        event = (await env.events(agent.agent_id, "status_changed"))[-1]
        (asked,) = event.data["data"]["action_requests"]
        assert (asked["tool_name"], asked["arguments"]) == ("delete_file", {"path": "a"})
        assert event.data["data"]["hitl_tool_call_ids"] == [asked["tool_call_id"]]
        await back.update("resume", "approve")
        assert await back.settled() == "idle"
        assert await back.last_text() == "done: deleted a"


async def test_an_answer_that_wakes_the_agent_is_told_as_running(skipping_env: Any) -> None:
    """L-4, E-48: never as interrupted."""
    async with skipping_env(app_of(uses("delete_file", path="a"), tools=[delete_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.update("stop")
        await left(agent)
        told = len(await statuses(env, agent))
        back = await signalled(env, agent.agent_id, "resume", "approve")

        async def answered() -> bool:
            return await back.last_text() == "done: deleted a" and await back.is_settled()

        await until(answered)
        assert "interrupted" not in (await statuses(env, agent))[told:]
        assert (await statuses(env, agent))[told] == "running"


async def test_an_answer_to_an_agent_that_asked_nothing_is_discarded(skipping_env: Any) -> None:
    """E-49: it boots idle and says so."""
    async with skipping_env(app_of()) as env:
        agent = await signalled(env, env.id(), "resume", "approve", {"agent": "helper"})
        assert await booted(env, agent) == ["idle"]
        assert await agent.say("hello") == "heard hello"


async def test_start_hooks_build_on_each_other_and_one_that_fails_is_passed_over(skipping_env: Any) -> None:
    """E-25, B-25."""

    class First(Middleware):
        def on_start(self, state: Any, context: Any, /) -> Any:
            return state.put_metadata("first", 1)

    class Broken(Middleware):
        def on_start(self, state: Any, context: Any, /) -> Any:
            raise RuntimeError("no")

    class Last(Middleware):
        def on_start(self, state: Any, context: Any, /) -> Any:
            return state.put_metadata("last", state.metadata["first"] + 1)

    seen: list[Any] = []

    class Sees(Middleware):
        def before_model(self, state: Any, context: Any, /) -> Any:
            seen.append(dict(state.metadata))

    stack = [First(), Broken(), Last(), Sees()]
    async with skipping_env(app_of(middleware=stack)) as env:
        agent = await started(env, "helper")
        assert await agent.say("hello") == "heard hello"
        assert {"first": 1, "last": 2}.items() <= seen[0].items()
        failed = [e for e in await env.events(agent.agent_id, "middleware_action") if "error" in e.data]
        assert [event.data["middleware"] for event in failed] == ["Broken"]
