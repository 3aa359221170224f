"""Approvals and questions: a run waits for a person, for as long as it takes."""

from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.hooks import Middleware
from sagents.messages import Message
from sagents.policy import ask
from sagents.replies import Pause, RaiseInterrupt
from tests.support.driving import started, until
from tests.support.models import Thinks, asks_for, results_since_user, uses

pytestmark = pytest.mark.asyncio

deleted: list[str] = []


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    deleted.append(path)
    return f"deleted {path}"


@tool
def read_file(path: str) -> str:
    """Read a file."""
    return f"content of {path}"


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


def deleter(*paths: str) -> Thinks:
    """Deletes the paths, reads another file beside, then says what came of it."""

    def think(request: Any, _: Any) -> Message:
        results = results_since_user(request)
        if results:
            return Message.assistant(" | ".join(results))
        return asks_for(*[("delete_file", {"path": path}) for path in paths], ("read_file", {"path": "b"}))

    return Thinks(think)


async def test_an_approved_call_runs_and_nothing_of_its_batch_ran_before(agent_env: Any) -> None:
    deleted.clear()
    async with agent_env(app_of(deleter("a"), tools=[delete_file, read_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        assert await agent.settled() == "interrupted"
        (waiting,) = await agent.interrupts()
        assert (waiting.interrupt.tool, deleted) == ("delete_file", [])
        assert waiting.interrupt.created_at is not None
        assert f"--workflow-id {agent.agent_id}" in waiting.answer_with
        await agent.update("resume", [{"type": "approve"}])
        assert await agent.settled() == "idle"
        assert await agent.last_text() == "deleted a | content of b"


async def test_a_rejected_call_does_not_run_and_the_model_reads_why(agent_env: Any) -> None:
    deleted.clear()
    async with agent_env(app_of(deleter("a"), tools=[delete_file, read_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.handle.signal("resume", [{"type": "reject", "reason": "we need it"}])
        assert await agent.settled() == "idle"
        assert "rejected by a human reviewer. Reason: we need it" in await agent.last_text()
        assert deleted == []


async def test_decisions_by_id_may_come_one_by_one_and_in_any_order(agent_env: Any) -> None:
    deleted.clear()
    async with agent_env(app_of(deleter("a", "c"), tools=[delete_file, read_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a and c")
        await agent.reaches("interrupted")
        first, second = [view.interrupt.id for view in await agent.interrupts()]
        await agent.update("resume", [{"type": "approve", "interrupt_id": second}])
        assert await agent.status() == "interrupted"
        assert deleted == []
        await agent.update("resume", [{"type": "reject", "interrupt_id": first}])
        await agent.settled()
        assert deleted == ["c"]


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        ([], "No decision was given"),
        ([{"type": "approve"}, {"type": "approve"}], "Decision count (2) does not match HITL tool count (1)"),
        (
            [{"type": "respond", "content": "x"}],
            "Decision 'respond' is not allowed for 'delete_file'; allowed: approve",
        ),
        ([{"type": "approve", "interrupt_id": "other"}], "No pending interrupt has the id 'other'"),
        ([{"reason": "x"}], "type"),
        ([7], "resume takes"),
    ],
)
async def test_a_decision_that_does_not_fit_is_refused_and_the_question_stays_open(
    agent_env: Any, decisions: Any, told: str
) -> None:
    async with agent_env(app_of(deleter("a"), tools=[delete_file, read_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        assert told in (await agent.refused("resume", decisions)).message
        await agent.handle.signal("resume", decisions)
        await agent.reaches("interrupted")
        await agent.update("resume", "approve")
        assert await agent.settled() == "idle"


async def test_resume_of_an_agent_that_waits_for_nothing_is_refused(agent_env: Any) -> None:
    """B-62 in its first half; the rest is the client's."""
    async with agent_env(app_of(uses("read_file", path="x"), tools=[read_file])) as env:
        agent = await started(env, "helper")
        await agent.say("read")
        refusal = await agent.refused("resume", [{"type": "approve"}])
        assert refusal.message == "Cannot resume, server is not interrupted"


async def test_a_new_message_supersedes_an_open_question(agent_env: Any) -> None:
    deleted.clear()
    async with agent_env(app_of(deleter("a"), tools=[delete_file, read_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.send("Never mind, delete it again")
        await until(lambda: has_new_interrupt(agent))
        messages = await agent.messages()
        assert [message.role for message in messages] == ["user", "assistant", "tool", "user", "assistant"]
        assert all("did not respond" in result.text for result in messages[2].tool_results)
        assert deleted == []


async def has_new_interrupt(agent: Any) -> bool:
    return await agent.status() == "interrupted" and len(await agent.messages()) == 5


class Questions(Middleware):
    """Answers tools that ask."""

    id = "questions"

    def handle_resume(self, interrupt: Any, decision: Any, state: Any, context: Any, /) -> Any:
        if interrupt.reason != "favourite":
            return None
        from sagents.messages import ToolResult

        result = ToolResult(
            tool_call_id=interrupt.tool_call_id, name=interrupt.tool, content=f"they like {decision.content}"
        )
        return state.replace_tool_result(interrupt.tool_call_id, result)


@tool
def ask_favourite() -> str:
    """Ask for a colour."""
    raise RaiseInterrupt("Which colour?", reason="favourite")


async def test_a_tools_own_question_is_answered_through_the_middleware_that_knows_it(agent_env: Any) -> None:
    """B-18."""
    app = app_of(uses("ask_favourite"), tools=[ask_favourite], middleware=[Questions()])
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.send("Ask me")
        assert await agent.settled() == "interrupted"
        (waiting,) = await agent.interrupts()
        assert (waiting.interrupt.reason, waiting.interrupt.message) == ("favourite", "Which colour?")
        await agent.update("resume", [{"type": "respond", "content": "blue"}])
        assert await agent.settled() == "idle"
        assert await agent.last_text() == "done: they like blue"


async def test_an_answer_that_nobody_understands_leaves_the_question_open_with_the_reason(agent_env: Any) -> None:
    """B-18: nobody handles it."""
    app = app_of(uses("ask_favourite"), tools=[ask_favourite])
    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.send("Ask me")
        await agent.reaches("interrupted")
        await agent.update("resume", [{"type": "respond", "content": "blue"}])

        async def reopened() -> Any:
            views = await agent.interrupts()
            return views and views[0].interrupt.problem

        assert await until(reopened) == "No middleware handled the resume for this interrupt"


@tool
def rest() -> Pause:
    """Pause the run."""
    return Pause("needs a rest")


async def test_a_paused_run_goes_on_with_resume(agent_env: Any) -> None:
    """B-12, K-4."""
    async with agent_env(app_of(uses("rest"), tools=[rest])) as env:
        agent = await started(env, "helper")
        await agent.send("Work")
        assert await agent.settled() == "paused"
        await agent.update("resume")
        assert await agent.settled() == "idle"
        assert (await agent.last_text()).startswith("done:")
