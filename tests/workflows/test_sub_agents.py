"""Sub-agents on a real server: sent side by side, cancelled with their parent, asked through it."""

import asyncio
import time
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from sagents import (
    Agent,
    Approve,
    HookContext,
    Message,
    Middleware,
    Reject,
    Sagents,
    State,
    Status,
    SubAgent,
    SubAgentConfig,
    ask,
    halt,
    tool,
)
from sagents.errors import InterruptGone
from sagents.messages import ToolResult
from sagents.ports import DeltaSink, ModelRequest
from tests.support.deciding import server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, uses

pytestmark = pytest.mark.asyncio

SOON = 20.0
"""Seconds on a loaded machine. What is not reached at all runs for minutes."""


@tool
def look(number: int = 0) -> str:
    """Look at something."""
    return f"seen {number}"


def tasks(*names: str, instructions: str = "Look") -> Message:
    return asks_for(
        *(("task", {"instructions": f"{instructions} {n}", "task_name": name}) for n, name in enumerate(names))
    )


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


async def test_a_failing_sub_agent_is_an_error_result_and_the_others_go_on(agent_env: Any) -> None:
    """B-51, E-86."""

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        raise RuntimeError("no idea")

    configs = (config("broken", model=Thinks(think)), config("research", model=uses("look", number=1)))
    async with agent_env(desk(*configs, model=sends("broken", "research"))) as env:
        agent = await started(env, "desk")
        await agent.say("Go")
        bad, good = await results(agent)
        assert (bad.is_error, good.is_error) == (True, False)
        assert bad.text.startswith("Task 'broken' failed (")
        assert good.text == "done: seen 1"


async def test_max_runs_and_until_tool_are_honoured(agent_env: Any) -> None:
    """B-47, B-51: a run too long is an error; the tool to reach gives the result."""
    endless = config("endless", model=uses("look", times=9), max_runs=2)
    reaching = config("reaching", model=uses("look", times=9, number=7), until_tool="look")
    async with agent_env(desk(endless, reaching, model=sends("endless", "reaching"))) as env:
        agent = await started(env, "desk")
        await agent.say("Go")
        bad, good = await results(agent)
        assert bad.is_error
        assert "Task 'endless' failed (exceeded_max_runs)" in bad.text
        assert (good.text, good.is_error) == ("seen 7", False)


class Notes(Middleware):
    """Writes down which hooks ran, for whom, and what the metadata was."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, tuple[str, ...], Any]] = []

    def before_run(self, state: State, context: HookContext, /) -> State:
        self.ran.append(("before_run", context.path, state.get_metadata("tone")))
        return state if context.path else state.put_metadata("tone", "kind").put_metadata("shared", {"from": "desk"})

    def before_model(self, state: State, context: HookContext, /) -> None:
        self.ran.append(("before_model", context.path, None))

    def after_run(self, state: State, context: HookContext, /) -> State | None:
        self.ran.append(("after_run", context.path, None))
        if not context.path:
            return None
        return state.put_metadata("own", 1).put_metadata("shared", {"from": "desk", context.path[-1]: "was here"})


async def test_hooks_of_inherited_middleware_run_in_each_sub_agent_and_only_shared_metadata_comes_back(
    agent_env: Any,
) -> None:
    """B-49, B-50: a snapshot of the metadata goes down, `shared` comes up, from two at once."""
    notes = Notes()
    app = Sagents()
    sub = SubAgent([config("a", model=uses("look")), config("b", model=uses("look"))])
    app.agent("desk", Agent(model=sends("a", "b"), middleware=[notes, sub]))
    async with agent_env(app) as env:
        agent = await started(env, "desk")
        await agent.say("Go")
        for name in ("a", "b"):
            mine = [(hook, value) for hook, path, value in notes.ran if path == (name,)]
            assert [hook for hook, _ in mine] == ["before_run", "before_model", "before_model", "after_run"]
            assert mine[0] == ("before_run", "kind")
        state = await server_of(env).get_state(agent.agent_id)
        assert state.metadata == {"tone": "kind", "shared": {"from": "desk", "a": "was here", "b": "was here"}}


async def test_events_of_a_sub_agent_are_on_its_roots_channel_with_its_path(agent_env: Any) -> None:
    """B-57, B-50: whoever watches the agent sees what its sub-agents do; their tools act in its name."""
    async with agent_env(desk(config(model=uses("look")))) as env:
        agent = await started(env, "desk")
        await agent.say("Go")
        events = await env.store.events(agent.agent_id)
        below = [event for event in events if event.path]
        assert {event.path for event in below} == {("research",)}
        assert {event.sub_agent_id for event in below} == {f"{agent.agent_id}/research-1.1.0"}
        assert {event.agent_id for event in events} == {agent.agent_id}
        kinds = [event.type for event in below]
        for kind in ("subagent_started", "subagent_status_changed", "llm_message", "tool_execution_update"):
            assert kind in kinds
        assert kinds[-1] == "subagent_completed"
        assert below[0].data["parent_id"] == agent.agent_id
        assert below[0].data["call_id"] == (await results(agent))[0].tool_call_id
        above = [event for event in events if not event.path and event.type == "tool_execution_update"]
        assert [event.data["status"] for event in above] == ["executing", "completed"]
        assert {event.sub_agent_id for event in above} == {None}
        assert [event for event in events if event.type == "status_changed" and event.path] == []


def thinks_for_ever() -> Thinks:
    async def think(request: ModelRequest, _: DeltaSink) -> Message:
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")

    return Thinks(think)


async def closed(agent: Driven, *ids: str) -> bool:
    handles = [agent.env.client.get_workflow_handle(f"{agent.agent_id}/{one}") for one in ids]
    described = [await handle.describe() for handle in handles]
    return all(one.status is not WorkflowExecutionStatus.RUNNING for one in described)


async def runs(agent: Driven, *ids: str) -> None:
    """Wait until these sub-agents run a step."""

    async def running() -> bool:
        events = await agent.env.store.events(agent.agent_id)
        begun = [event for event in events if event.type == "subagent_started"]
        return len(begun) >= len(ids)

    await until(running)


async def test_cancel_closes_all_sub_agents_within_five_seconds(agent_env: Any) -> None:
    """B-55: at work in a model call, and parked on a person; the parent's call is closed, and it lives on."""

    @tool(approval=ask())
    def shred() -> str:
        """Shred it."""
        return "shredded"

    ids = ("busy-1.1.0", "busy-1.1.1", "parked-1.1.2")
    configs = (config("busy", model=thinks_for_ever()), config("parked", model=uses("shred"), tools=[shred]))
    async with agent_env(desk(*configs, model=sends("busy", "busy", "parked"))) as env:
        agent = await started(env, "desk")
        await agent.send("Go")
        await runs(agent, *ids)

        async def asked() -> bool:
            return len(await env.store.interrupts()) == 1

        await until(asked)
        begun = time.monotonic()
        await agent.update("cancel")
        await until(lambda: closed(agent, *ids))
        assert time.monotonic() - begun < SOON
        assert await agent.settled() == "cancelled"
        assert await env.store.interrupts() == ()
        rows = await env.store.logged(f"{agent.agent_id}/parked-1.1.2")
        assert '"cancelled"' in rows[-1]
        told = [event.type for event in await env.store.events(agent.agent_id)]
        assert told.count("subagent_cancelled") == 3


async def test_a_terminated_sub_agent_is_an_error_result_and_the_parent_goes_on(agent_env: Any) -> None:
    """E-86: killed from outside."""
    async with agent_env(desk(config(model=thinks_for_ever()))) as env:
        agent = await started(env, "desk")
        await agent.send("Go")
        await runs(agent, "research-1.1.0")
        await env.client.get_workflow_handle(f"{agent.agent_id}/research-1.1.0").terminate()
        assert await agent.settled() == "idle"
        (result,) = await results(agent)
        assert result.is_error
        assert result.text.startswith("Task 'research' failed (TerminatedError)")


# ── what people decide ───────────────────────────────────────────────────────────────────────────────────────────


@tool(approval=ask())
def shred(paper: str = "a") -> str:
    """Shred a paper."""
    return f"shredded {paper}"


def gated(name: str = "research", **arguments: Any) -> SubAgentConfig:
    return config(name, model=uses("shred", **arguments), tools=[shred])


async def test_a_gated_call_two_levels_down_is_in_the_inbox_with_its_path_and_is_decided_there(agent_env: Any) -> None:
    """B-52, E-86: the parent is interrupted as long as nothing else is under way, and goes on with the answer."""
    lead = config("lead", model=sends("writer"), middleware=[SubAgent([gated("writer")])])
    async with agent_env(desk(lead, model=sends("lead"))) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")
        await agent.reaches("interrupted")
        assert (await agent.info()).has_interrupt
        assert await until(lambda: server.list_running_agents(status=Status.INTERRUPTED)) == [agent.agent_id]
        (item,) = await server.inbox()
        assert item.agent_id == f"{agent.agent_id}/lead-1.1.0/writer-1.1.0"
        assert (item.interrupt.path, item.interrupt.tool) == (("lead", "writer"), "shred")
        (view,) = await agent.interrupts()
        assert (view.agent_id, view.interrupt.id) == (item.agent_id, item.interrupt.id)
        assert item.agent_id in view.answer_with
        answer = await server.decide(item.agent_id, item.interrupt.id, Approve())
        assert answer.status == "approved"
        await agent.reaches("idle")
        assert await agent.last_text() == "told: told: done: shredded a"
        assert await server.inbox() == []
        told = [event.data for event in await env.store.events(agent.agent_id) if event.type == "status_changed"]
        assert [data["status"] for data in told][-3:] == ["interrupted", "running", "idle"]
        asked = next(data["data"] for data in told if data["status"] == "interrupted")
        assert asked["type"] == "subagent_hitl"
        assert asked["interrupts"][0]["sub_agent_id"] == item.agent_id


@pytest.mark.parametrize("first", [0, 1])
async def test_two_parallel_sub_agents_that_wait_are_decided_in_either_order(agent_env: Any, first: int) -> None:
    """B-54 is no limitation here; each is decided through the parent."""
    app = desk(gated("a", paper="one"), gated("b", paper="two"), model=sends("a", "b"))
    async with agent_env(app) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")
        await agent.reaches("interrupted")

        async def both() -> bool:
            return len(await agent.interrupts()) == 2

        await until(both)
        views = await agent.interrupts()
        assert [view.interrupt.path for view in views] == [("a",), ("b",)]
        for place in (first, 1 - first):
            view = views[place]
            decision = Approve() if place == 0 else Reject("no")
            await server.decide(view.agent_id, view.interrupt.id, decision)
        await agent.reaches("idle")
        one, two = await results(agent)
        assert one.text == "done: shredded one"
        assert "rejected by a human reviewer. Reason: no" in two.text


async def test_decisions_in_the_order_shown_reach_whoever_asked(agent_env: Any) -> None:
    """E-86: the parent is answered as for interrupts of its own."""
    app = desk(gated("a", paper="one"), gated("b", paper="two"), model=sends("a", "b"))
    async with agent_env(app) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")

        async def both() -> bool:
            return len(await agent.interrupts()) == 2

        await until(both)
        accepted = await server.resume(agent.agent_id, [Approve(), Reject("no")])
        assert [answer.status for answer in accepted.decisions] == ["approved", "rejected"]
        await agent.reaches("idle")


async def test_a_plain_signal_to_the_parent_is_handed_on(agent_env: Any) -> None:
    async with agent_env(desk(gated())) as env:
        agent = await started(env, "desk")
        await agent.send("Go")
        await agent.reaches("interrupted")
        await agent.handle.signal("resume", [{"type": "approve"}])
        await agent.reaches("idle")
        assert await agent.last_text() == "told: done: shredded a"


async def test_a_new_message_supersedes_what_sub_agents_wait_for(agent_env: Any) -> None:
    """T-30 one level down: the sub-agent is cancelled, its question is closed, the message is answered."""

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        text = last_user_text(request)
        return tasks("research") if text == "Go" else Message.assistant(f"heard {text}")

    async with agent_env(desk(gated(), model=Thinks(think))) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")
        await agent.reaches("interrupted")
        (item,) = await server.inbox()
        await agent.send("Never mind")

        async def answered() -> bool:
            return await agent.last_text() == "heard Never mind"

        await until(answered)
        assert await agent.settled() == "idle"
        assert await server.inbox() == []
        with pytest.raises(InterruptGone):
            await server.decide(item.agent_id, item.interrupt.id, Approve())


async def test_a_second_question_of_the_same_sub_agent_is_answered_like_the_first(agent_env: Any) -> None:
    """E-86."""
    twice = config("research", model=uses("shred", times=2), tools=[shred])
    async with agent_env(desk(twice)) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")
        seen: set[str] = set()
        for _ in range(2):

            async def another() -> bool:
                return bool({view.interrupt.id for view in await agent.interrupts()} - seen)

            await until(another)
            (view,) = await agent.interrupts()
            seen.add(view.interrupt.id)
            await server.decide(agent.agent_id, view.interrupt.id, Approve())
        await agent.reaches("idle")


async def test_a_halt_in_a_sub_agent_halts_the_parent_without_another_model_call(agent_env: Any) -> None:
    """B-53, E-87: the text reaches people, with who it comes from; the sub-agent has ended."""

    @tool
    def give_up() -> str:
        """End the work."""
        halt("The archive is on fire.")

    asked: list[str] = []
    sending = sends("research")

    def think(request: ModelRequest, sink: DeltaSink) -> Any:
        asked.append(last_user_text(request))
        if last_user_text(request) == "It is out now.":
            return Message.assistant("Good.")
        return sending.think(request, sink)

    fragile = config("research", model=uses("give_up"), tools=[give_up])
    async with agent_env(desk(fragile, model=Thinks(think))) as env:
        agent = await started(env, "desk")
        await agent.send("Go")
        await agent.reaches("interrupted")
        (view,) = await agent.interrupts()
        assert (view.agent_id, view.interrupt.reason) == (agent.agent_id, "halt")
        assert view.interrupt.message == "The archive is on fire."
        assert view.interrupt.data == {"source_task": "research", "source_tool": "give_up"}
        assert await closed(agent, "research-1.1.0")
        assert asked == ["Go"]
        assert await agent.say("It is out now.") == "Good."


async def test_stop_ends_what_waits_below_at_once(agent_env: Any) -> None:
    """DESIGN 7: sub-agents are stopped with their parent, and their approvals are closed."""
    async with agent_env(desk(gated())) as env:
        agent, server = await started(env, "desk"), server_of(env)
        await agent.send("Go")
        await agent.reaches("interrupted")
        begun = time.monotonic()
        assert await server.stop(agent.agent_id) == "stopped"
        assert time.monotonic() - begun < SOON
        assert await closed(agent, "research-1.1.0")
        assert await server.inbox() == []


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_five_sub_agents_of_ten_calls_leave_a_small_history_in_their_parent(agent_env: Any) -> None:
    """The benchmark `children` in small: what they do is in their own histories."""
    names = ["research"] * 5
    async with agent_env(desk(config(model=uses("look", times=10)), model=sends(*names))) as env:
        agent = await started(env, "desk")
        await agent.say("Go")
        assert [result.text for result in await results(agent)] == ["done: seen 0"] * 5
        assert (await agent.info()).history_bytes < 75_000
