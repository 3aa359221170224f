"""Code changes under living agents: whatever a deploy takes away or adds, runs go on and nobody is stuck."""

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from sagents import Agent, Middleware, Sagents, ToolContext, tool
from sagents.messages import Message
from sagents.policy import ask
from sagents.ports import ModelRequest
from sagents.replies import RaiseInterrupt
from sagents.state import State
from sagents_infra.worker import restrictions
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, results_since_user

pytestmark = pytest.mark.asyncio

AT_ONCE = {"rolling_deploy": timedelta(0)}
"""Nobody else is newer than this worker: what it does not know is gone."""


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


def calls_once(*names: str, says: str = "done") -> Thinks:
    """One call of each tool, then their results."""

    def think(request: ModelRequest, _: Any) -> Message:
        results = results_since_user(request)
        if results:
            return Message.assistant(f"{says}: {' | '.join(results)}")
        return asks_for(*((name, {}) for name in names))

    return Thinks(think)


@tool(approval=ask())
def delete_all() -> str:
    """Delete everything."""
    return "all gone"


@tool
def look() -> str:
    """Look around."""
    return "seen"


class Greets(Middleware):
    """Tells the model how to greet, and notes that it did."""

    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    def system_prompt(self, context: Any, /) -> str:
        return f"Greet with {self.greeting}."

    def before_model(self, state: State, context: Any, /) -> State:
        return state.put_metadata("greeting", self.greeting)


async def test_prompt_tools_middleware_and_model_change_while_a_run_is_in_flight(agent_env: Any) -> None:
    called, is_new = threading.Event(), False

    @tool
    async def count_stars() -> str:
        """Takes for ever, until the deploy."""
        called.set()
        await asyncio.Event().wait() if not is_new else None
        return "seven"

    @tool
    def count_moons() -> str:
        """Not there before."""
        return "two"

    def new(request: ModelRequest, _: Any) -> Message:
        results = results_since_user(request)
        if len(results) < 2:
            return asks_for(("count_moons", {}))
        return Message.assistant(f"[{request.system_prompt}] {' and '.join(results)}")

    old_app = app_of(calls_once("count_stars"), tools=[count_stars], system_prompt="Old.", middleware=[Greets("hi")])
    new_app = app_of(
        Thinks(new, name="new"), tools=[count_moons, count_stars], system_prompt="New.", middleware=[Greets("hello")]
    )
    async with agent_env(old_app, worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Count")
            assert await asyncio.to_thread(called.wait, 20)
        is_new = True
        async with env.worker(new_app):
            assert await agent.settled() == "idle"
            answer = await agent.last_text()
            assert "New." in answer
            assert "Greet with hello." in answer
            assert answer.endswith("seven and two")


@pytest.mark.parametrize(
    ("decision", "read"),
    [
        ({"type": "approve"}, "Tool 'delete_all' not found"),
        ({"type": "reject"}, "rejected by a human reviewer"),
    ],
)
async def test_a_tool_that_is_gone_when_its_approval_comes_is_an_error_that_the_model_reads(
    agent_env: Any, decision: dict[str, Any], read: str
) -> None:
    async with agent_env(app_of(calls_once("delete_all", "look"), tools=[delete_all, look]), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Clean up")
            await agent.reaches("interrupted")
        async with env.worker(app_of(calls_once("look"), tools=[look]), **AT_ONCE):
            assert [view.interrupt.tool for view in await agent.interrupts()] == ["delete_all"]
            await agent.update("resume", [decision])
            assert await agent.settled() == "idle"
            first, second = (await agent.messages())[2].tool_results
            assert read in first.text
            assert first.is_error is (decision["type"] != "reject")
            assert (second.text, second.is_error) == ("seen", False)
            assert (await agent.last_text()).startswith("done: ")


async def test_an_edit_for_a_tool_that_is_gone_is_refused_and_the_question_stays(agent_env: Any) -> None:
    """Nobody can say whether the arguments fit: a person decides otherwise, or later."""
    async with agent_env(app_of(calls_once("delete_all", "look"), tools=[delete_all, look]), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Clean up")
            await agent.reaches("interrupted")
        async with env.worker(app_of(calls_once("look"), tools=[look]), **AT_ONCE):
            refused = await agent.refused("resume", [{"type": "edit", "arguments": {}}])
            assert (refused.type, "delete_all" in refused.message) == ("InvalidDecision", True)
            assert await agent.status() == "interrupted"


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
async def test_a_tool_may_become_inline_or_stop_being_so_while_its_call_waits(
    agent_env: Any, before: bool, after: bool
) -> None:
    """Nothing of a batch runs before its approvals, inline calls included (B-81)."""

    def version(inline: bool) -> Sagents:
        @tool(inline=inline)
        def note(context: ToolContext) -> str:
            """Take a note."""
            return f"noted {'inline' if inline else 'outside'}"

        return app_of(calls_once("delete_all", "note"), tools=[delete_all, note])

    async with agent_env(version(before), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Go")
            await agent.reaches("interrupted")
        async with env.worker(version(after), **AT_ONCE):
            await agent.update("resume", [{"type": "approve"}])
            assert await agent.settled() == "idle"
            assert await agent.last_text() == f"done: all gone | noted {'inline' if after else 'outside'}"


async def test_arguments_that_a_new_signature_refuses_are_an_error_that_the_model_reads(agent_env: Any) -> None:
    @tool(name="delete_all", approval=ask())
    def delete_some(folder: str) -> str:
        """Delete a folder."""
        return f"{folder} gone"

    async with agent_env(app_of(calls_once("delete_all"), tools=[delete_all]), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Clean up")
            await agent.reaches("interrupted")
        async with env.worker(app_of(calls_once("delete_all"), tools=[delete_some]), **AT_ONCE):
            await agent.update("resume", [{"type": "approve"}])
            assert await agent.settled() == "idle"
            assert "folder" in await agent.last_text()


async def test_a_question_whose_middleware_is_gone_stays_open_and_says_why(agent_env: Any) -> None:
    class Asks(Middleware):
        def before_run(self, state: State, context: Any, /) -> None:
            raise RaiseInterrupt(message="May I?")

    async with agent_env(app_of(calls_once("look"), tools=[look], middleware=[Asks()]), worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("Go")
            await agent.reaches("interrupted")
        async with env.worker(app_of(calls_once("look"), tools=[look]), **AT_ONCE):
            await agent.update("resume", [{"type": "approve"}])
            (view,) = await until(lambda: with_problem(agent))
            assert view.interrupt.problem == "No middleware handled the resume for this interrupt"
            assert await agent.say("Never mind") == "done: seen"


async def with_problem(agent: Driven) -> Any:
    views = await agent.interrupts()
    return views if views and views[0].interrupt.problem else None


# ── the wall: the workflow knows nothing of an agent's code ──────────────────────────────────────────────────────


@pytest.fixture
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Who has imported the application `noted`; nobody has yet."""
    file = tmp_path / "imports"
    file.touch()
    monkeypatch.setenv("NOTE_IMPORTS", str(file))
    for name in ("noted", "careless"):
        sys.modules.pop(f"tests.support.apps.{name}", None)
    return lambda: file.read_text().split()


async def test_no_code_of_an_agent_is_imported_by_the_workflow_sandbox(
    agent_env: Any, imports: Callable[[], list[str]]
) -> None:
    app = Sagents.load("tests.support.apps.noted:app")
    async with agent_env(app) as env:
        first, second = await started(env, "noted", env.id("a")), await started(env, "noted", env.id("b"))
        assert await first.say("Shout") == await second.say("Shout") == "done: HELLO"
    assert imports() == ["worker"]


async def test_an_import_by_the_workflow_sandbox_would_be_noticed(imports: Callable[[], list[str]]) -> None:
    careless = importlib.import_module("tests.support.apps.careless").Careless
    definition = workflow._Definition.must_from_class(careless)
    SandboxedWorkflowRunner(restrictions=restrictions()).prepare_workflow(definition)
    assert "sandbox" in imports()
