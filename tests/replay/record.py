"""Records histories of living agents for the replay test: `python -m tests.replay.record [name ...]`.

A released kernel has to replay every history that an earlier one wrote, so files are added, not written anew; a change
that breaks them needs `patched`. Before the first release they may be recorded again.
"""

import asyncio
import json
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHistory

from sagents import Agent, Approve, Edit, Middleware, Sagents, SubAgent, SubAgentConfig, Tool, groups, tool
from sagents.errors import Damaged
from sagents.limits import Limits
from sagents.messages import Message, MessageStatus
from sagents.policy import ask
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents.replies import Pause, RaiseInterrupt
from sagents.state import State
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import DevServer
from sagents_infra.payloads import data_converter
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.deciding import ALICE, BOB, server_of
from tests.support.driving import Driven, signalled, started, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user
from tests.support.watched_store import StoreCall, WatchedStore

HISTORIES = Path(__file__).parent / "histories"

# ── an agent that does what it is told ───────────────────────────────────────────────────────────────────────────


@tool
def look(number: int = 0) -> str:
    """Look at something."""
    return f"seen {number}"


@tool(parallel=False)
def step(number: int = 0) -> str:
    """Take a step, one after the other."""
    return f"stepped {number}"


@tool(approval=ask())
def shred(paper: str = "a") -> str:
    """Shred a paper."""
    return f"shredded {paper}"


@tool(approval=ask(approvers=groups("finance"), required_approvals=2))
def burn(paper: str = "a") -> str:
    """Burn a paper, if two people agree."""
    return f"burned {paper}"


@tool(approval=ask(expires_after=timedelta(seconds=1.5), remind_after=timedelta(seconds=1)))
def send() -> str:
    """Send it, if somebody says so in time."""
    return "sent"


@tool
def wonder() -> str:
    """Ask a person."""
    raise RaiseInterrupt(message="Which colour?")


@tool
def rest() -> Pause:
    """Pause the run."""
    return Pause("tired")


@tool
def finish() -> str:
    """The tool to reach."""
    return "reached"


def several(name: str, count: int) -> Message:
    return asks_for(*((name, {"number": number}) for number in range(count)))


WISHES: dict[str, Callable[[], Message]] = {
    "look": lambda: asks_for(("look", {})),
    "look at all": lambda: several("look", 5),
    "walk": lambda: several("step", 3),
    "shred": lambda: asks_for(("shred", {}), ("look", {})),
    "shred two": lambda: asks_for(("shred", {"paper": "a"}), ("shred", {"paper": "b"})),
    "burn": lambda: asks_for(("burn", {})),
    "send": lambda: asks_for(("send", {})),
    "wonder": lambda: asks_for(("wonder", {})),
    "rest": lambda: asks_for(("rest", {})),
    "finish": lambda: asks_for(("finish", {})),
    "send two": lambda: asks_for(sent("research", "look at all"), sent("clerk", "shred")),
    "lead": lambda: asks_for(sent("lead", "pass it on")),
    "pass it on": lambda: asks_for(sent("clerk", "shred")),
}


def sent(name: str, instructions: str) -> tuple[str, dict[str, Any]]:
    return "task", {"task_name": name, "instructions": instructions}


talks = threading.Event()


async def think(request: ModelRequest, on_delta: DeltaSink) -> Message:
    wish, results = last_user_text(request), results_since_user(request)
    if wish == "count" and len(results) < 8:
        return asks_for(("look", {"number": len(results)}))
    if wish == "talk for ever" and not any(message.status is MessageStatus.CANCELLED for message in request.messages):
        on_delta(Delta(text="Once upon a time"))
        talks.set()
        await asyncio.Event().wait()
    if wish == "fail":
        raise RuntimeError("no idea")
    return WISHES[wish]() if wish in WISHES and not results else Message.assistant(f"{wish}: {', '.join(results)}")


class Notes(Middleware):
    """Hooks at both ends of a run."""

    def before_run(self, state: State, context: Any, /) -> State:
        return state.put_metadata("runs", int(str(state.get_metadata("runs") or 0)) + 1)

    def after_run(self, state: State, context: Any, /) -> State:
        return state.put_metadata("ended", True)


def application() -> Sagents:
    app = Sagents()
    tools: list[Tool[..., Any]] = [look, step, shred, burn, send, wonder, rest, finish]
    app.agent("helper", Agent(model=Thinks(think), tools=tools, middleware=[Notes(), SubAgent(sub_agents())]))
    return app


def sub_agents() -> list[SubAgentConfig]:
    """They do what their instructions say; the lead passes it on."""
    clerk = SubAgentConfig(name="clerk", description="Shreds", instructions="Shred.", tools=[shred, look])
    lead = SubAgentConfig(
        name="lead", description="Leads", instructions="Lead.", tools=[look], middleware=[SubAgent([clerk])]
    )
    return [SubAgentConfig(name="research", description="Looks", instructions="Look.", tools=[look]), clerk, lead]


# ── what happens to it ───────────────────────────────────────────────────────────────────────────────────────────

Scenario = Callable[[AgentEnv], Awaitable[Driven]]
SCENARIOS: dict[str, Scenario] = {}
LIMITS = {"renewed_in_mid_run": Limits(events=40), "renewed_while_parked": Limits(parked_events=40, calls_at_once=2)}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


@scenario
async def a_tool(env: AgentEnv) -> Driven:
    agent = await started(env, "helper", conversation_id="7", scope={"owner": "ann"})
    await agent.say("look", "m1")
    return agent


@scenario
async def many_tools(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.say("look at all", "m1")
    await agent.say("walk", "m2")
    return agent


@scenario
async def approved(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("shred", "m1")
    await agent.reaches("interrupted")
    await agent.update("resume", [{"type": "approve"}])
    await agent.reaches("idle")
    return agent


@scenario
async def rejected_by_signal_one_by_one(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("shred two", "m1")
    await agent.reaches("interrupted")
    for view in reversed(await agent.interrupts()):
        await agent.handle.signal("resume", [{"type": "reject", "reason": "no", "interrupt_id": view.interrupt.id}])
    await agent.reaches("idle")
    return agent


@scenario
async def edited_by_two(env: AgentEnv) -> Driven:
    agent, server = await started(env, "helper"), server_of(env)
    await agent.send("burn", "m1")
    await agent.reaches("interrupted")
    (view,) = await agent.interrupts()
    await server.decide(agent.agent_id, view.interrupt.id, Edit({"paper": "b"}), principal=ALICE)
    await server.decide(agent.agent_id, view.interrupt.id, Edit({"paper": "b"}), principal=BOB)
    await agent.reaches("idle")
    return agent


@scenario
async def nobody_answers(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("send", "m1")
    await until(lambda: _last_starts(agent, "send: Nobody answered in time"))
    return agent


@scenario
async def superseded(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("shred", "m1")
    await agent.reaches("interrupted")
    await agent.say("look", "m2")
    return agent


@scenario
async def cancelled_in_a_stream(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("talk for ever", "m1")
    assert await asyncio.to_thread(talks.wait, 20)
    await agent.send("look", "m2")
    await agent.update("cancel")
    await until(lambda: _last_is(agent, "look: seen 0"))
    return agent


@scenario
async def stopped_after_some_patience(env: AgentEnv) -> Driven:
    agent = await started(env, "helper", lifecycle={"stop_patience_ms": 500})
    await agent.send("talk for ever", "m1")
    await until(lambda: _has_begun(agent))
    await agent.update("stop")
    await agent.send("look", "m2")
    await until(lambda: _last_is(agent, "look: seen 0"))
    return agent


@scenario
async def renewed_in_mid_run(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.say("count", "m1")
    return agent


@scenario
async def renewed_while_parked(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.say("look at all", "m1")
    await agent.send("shred", "m2")
    await agent.reaches("interrupted")
    await agent.update("resume", [{"type": "approve"}])
    await agent.reaches("idle")
    return agent


@scenario
async def sub_agents_report(env: AgentEnv) -> Driven:
    """Two side by side; one waits for a person and is answered."""
    agent = await started(env, "helper")
    await agent.send("send two")
    await agent.reaches("interrupted")
    (view,) = await agent.interrupts()
    await server_of(env).decide(view.agent_id, view.interrupt.id, Approve())
    await agent.reaches("idle")
    return agent


@scenario
async def a_sub_agent_of_a_sub_agent_waits(env: AgentEnv) -> Driven:
    """A plain signal to the agent above answers it."""
    agent = await started(env, "helper")
    await agent.send("lead")
    await agent.reaches("interrupted")
    await agent.handle.signal("resume", [{"type": "reject", "reason": "no"}])
    await agent.reaches("idle")
    return agent


@scenario
async def sub_agents_cancelled(env: AgentEnv) -> Driven:
    """While one of them waits for a person."""
    agent = await started(env, "helper")
    await agent.send("send two")
    await agent.reaches("interrupted")
    await agent.update("cancel")
    await agent.settled()
    return agent


@scenario
async def left_and_woken(env: AgentEnv) -> Driven:
    agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": 700})
    await agent.say("look", "m1")
    await asyncio.sleep(0.4)  # the alarm fires early and is armed again
    await agent.say("hello", "m2")
    await asyncio.wait_for(agent.handle.result(), 60)
    await signalled(env, agent.agent_id, "add_message", {"content": "again", "id": "m3"})
    await until(lambda: _last_is(agent, "again: "))
    await agent.update("stop", {"reason": "night"})
    await asyncio.wait_for(agent.handle.result(), 60)
    return agent


@scenario
async def paused(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("rest", "m1")
    await agent.reaches("paused")
    await agent.update("resume")
    await agent.reaches("idle")
    return agent


@scenario
async def a_question_and_its_answer(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.send("wonder", "m1")
    await agent.reaches("interrupted")
    await agent.update("resume", [{"type": "respond", "content": "blue"}])
    await agent.reaches("idle")
    return agent


@scenario
async def until_a_tool(env: AgentEnv) -> Driven:
    agent = await started(env, "helper", messages=[{"role": "user", "content": "finish"}])

    async def knows_its_past() -> bool:
        return (await agent.info()).message_count == 1

    await until(knows_its_past)
    await agent.update("execute", {"until_tool": ["finish"]})
    await agent.reaches("idle")
    return agent


@scenario
async def failed_and_went_on(env: AgentEnv) -> Driven:
    agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": "soon"})
    await agent.handle.signal("add_message", {"colour": "blue"})
    await agent.send("fail", "m1")
    await agent.reaches("error")
    await agent.say("look", "m2")
    return agent


@scenario
async def a_store_with_a_hole(env: AgentEnv) -> Driven:
    """Waking and saving fail for good, and work when news come."""
    effects = ["wake", "save"]

    async def hole(call: StoreCall) -> None:
        if effects and call.effect == effects[0]:
            raise Damaged("the disk has a hole")

    assert isinstance(env.store, WatchedStore)
    env.store.before = hole
    agent = await started(env, "helper", messages=[{"role": "user", "content": "look"}])
    await agent.reaches("error")
    effects.pop(0)
    await agent.send("look", "m1")
    await agent.reaches("idle")
    await agent.send("shred", "m2")
    await until(lambda: _has_problem(agent))
    effects.clear()
    await agent.update("resume", [{"type": "approve"}])
    await agent.reaches("idle")
    return agent


@scenario
async def went_back_to_before_a_tool(env: AgentEnv) -> Driven:
    agent = await started(env, "helper")
    await agent.say("look", "m1")
    await agent.handle.signal("add_message", {"content": "hello", "id": "m2"})
    await until(lambda: _last_is(agent, "hello: "))
    scheduled = (event.activity_task_scheduled_event_attributes for event in await agent.events())
    task = next(a.workflow_task_completed_event_id for a in scheduled if a.activity_type.name == "tool_call")
    before = (await agent.info()).workflow_run_id
    request = ResetWorkflowExecutionRequest(
        namespace=env.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=agent.agent_id, run_id=before),
        workflow_task_finish_event_id=task,
        request_id=agent.agent_id,
    )
    await env.client.workflow_service.reset_workflow_execution(request)
    await until(lambda: _is_another(agent, before))
    await until(lambda: _last_is(agent, "hello: "))
    return agent


async def _is_another(agent: Driven, run_id: str) -> bool:
    return (await agent.info()).workflow_run_id != run_id


async def _last_starts(agent: Driven, text: str) -> bool:
    return (await agent.last_text()).startswith(text) and await agent.is_settled()


async def _last_is(agent: Driven, text: str) -> bool:
    return await agent.last_text() == text and await agent.is_settled()


async def _has_begun(agent: Driven) -> bool:
    return (await agent.info()).run_id is not None


async def _has_problem(agent: Driven) -> bool:
    return bool((await agent.info()).problem)


# ── the recorder ─────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def environment(server: DevServer, name: str, home: Path) -> AsyncIterator[AgentEnv]:
    env = AgentEnv(
        app=application(),
        client=await Client.connect(server.address, data_converter=data_converter(), identity="recorder"),
        store=WatchedStore(MemoryStore()),
        channel=MemoryChannel(),
        presence=MemoryPresence(),
        settings=Settings(home=home, task_queue=name),
        limits=LIMITS.get(name, Limits()),
        prefix=name,
    )
    async with env.worker():
        yield env


async def record(server: DevServer, name: str, home: Path) -> None:
    """One file for each workflow run of the scenario's agent, the oldest first."""
    async with asyncio.timeout(60), environment(server, name, home) as env:
        agent = await SCENARIOS[name](env)
        for old in HISTORIES.glob(f"{name}.*.json"):
            old.unlink()
        for number, run_id in enumerate(await agent.run_ids(), 1):
            history = await env.client.get_workflow_handle(agent.agent_id, run_id=run_id).fetch_history()
            (HISTORIES / f"{name}.{number}.json").write_text(brief(history))
            await _record_below(env, name, history)


async def _record_below(env: AgentEnv, name: str, history: WorkflowHistory) -> None:
    """The sub-agents that a history speaks of, and theirs; a file is named by the last part of the sub-agent's id."""
    begun = [event.child_workflow_execution_started_event_attributes for event in history.events]
    for child in (one.workflow_execution for one in begun if one.workflow_execution.workflow_id):
        below = await env.client.get_workflow_handle(child.workflow_id, run_id=child.run_id).fetch_history()
        (HISTORIES / f"{name}.{child.workflow_id.rpartition('/')[2]}.json").write_text(brief(below))
        await _record_below(env, name, below)


def _plain(event: Any) -> Any:
    """Without stack traces: they name the folders of whoever recorded it."""
    if isinstance(event, dict):
        return {key: _plain(value) for key, value in event.items() if key != "stackTrace"}
    return [_plain(one) for one in event] if isinstance(event, list) else event


def brief(history: WorkflowHistory) -> str:
    """The history as the replayer reads it, an event a line."""
    events = (json.dumps(_plain(event), separators=(",", ":")) for event in history.to_json_dict()["events"])
    return '{"events":[\n' + ",\n".join(events) + "\n]}\n"


async def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="sagents-record-") as folder:
        server = DevServer.start(Path(folder), tied=True)
        try:
            for name in names or SCENARIOS:
                await record(server, name, Path(folder))
                files = sorted(HISTORIES.glob(f"{name}.*.json"))
                print(
                    f"{name}: {len(files)} runs, {sum(file.stat().st_size for file in files) / 1024:.0f} KiB",
                    flush=True,
                )
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    sys.stdout.flush()
    os._exit(0)
