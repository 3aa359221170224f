"""One life through every status, and what is told and kept on the way."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sagents import Agent, HookContext, Message, Sagents, State, Status, ToolContext, tool
from sagents.carried import Carried
from sagents.client import AgentServer
from sagents.hooks import Middleware
from sagents.policy import ask
from sagents.ports import ModelRequest, Save
from sagents.replies import Pause
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.deciding import server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user
from tests.support.skipping import statuses

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def refund() -> str:
    """Refund an order."""
    return "refunded"


@tool
def rest() -> Pause:
    """Pause the run."""
    return Pause("needs a rest")


@tool
async def wait() -> str:
    """Wait for ever."""
    await asyncio.sleep(600)
    return "waited"


def obeys(request: ModelRequest, _: Any) -> Message:
    """Calls the tool that it is told to, fails when told to, else says what it heard."""
    wanted, results = last_user_text(request), results_since_user(request)
    if wanted == "fail":
        raise RuntimeError("no")
    if wanted in ("refund", "rest", "wait") and not results:
        return asks_for((wanted, {}))
    return Message.assistant(f"heard {wanted}, {len(request.messages)}")


def obedient(**options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=Thinks(obeys), tools=[refund, rest, wait], **options))
    return app


async def test_a_life_goes_through_every_status_and_none_but_leaving_ends_it(agent_env: Any) -> None:
    """L-1, L-2, L-3, L-5, E-28: created, at rest, at work, waiting, cancelled, failed, and still there."""
    async with agent_env(obedient()) as env:
        server, agent = server_of(env), await started(env, "helper")
        assert await status_of(server, agent) is Status.IDLE
        await agent.send("refund")
        assert await agent.settled() == "interrupted"
        await agent.update("resume", "approve")
        assert await agent.settled() == "idle"
        await agent.send("rest")
        assert await agent.settled() == "paused"
        await agent.update("resume")
        assert await agent.settled() == "idle"
        await agent.send("wait")
        await agent.reaches("running")
        await agent.update("cancel")
        await agent.reaches("cancelled")
        assert (await agent.say("hello")).startswith("heard hello")
        assert await agent.status() == "idle"
        await agent.send("fail")
        assert await agent.settled() == "error"
        assert (await agent.say("hello again")).startswith("heard hello again")
        assert await agent.status() == "idle"
        await agent.update("stop")
        await until(agent.is_closed)
        assert await status_of(server, agent) is Status.NOT_RUNNING
        told = await statuses(env, agent)
        rests = [status for status in told if status != "running"]
        assert rests == ["idle", "interrupted", "idle", "paused", "idle", "cancelled", "idle", "error", "idle"]


async def status_of(server: AgentServer, agent: Driven) -> Status:
    return await server.get_status(agent.agent_id)


async def test_a_run_that_crashed_is_told_and_saved_as_an_error(agent_env: Any) -> None:
    """B-72, E-28: whoever restarts sees why; the reference forgets a crash."""
    async with agent_env(obedient()) as env:
        agent = await started(env, "helper")
        await agent.send("fail")
        assert await agent.settled() == "error"

        async def saved() -> Carried | None:
            row = await env.store.load(agent.agent_id)
            carried = Carried.model_validate_json(row.head) if row and row.head else None
            return carried if carried and carried.head.status is Status.ERROR else None

        carried: Carried = await until(saved)
        assert carried.head.ending is not None
        assert carried.head.ending.error is not None
        assert "no" in carried.head.ending.error.message
        event = [e for e in await env.store.events(agent.agent_id) if e.type == "status_changed"][-1]
        assert event.data["status"] == "error"
        await agent.update("stop")
        await until(agent.is_closed)
        back = await started(env, "helper", agent_id=agent.agent_id)
        await back.reaches("error")


class Rows(MemoryStore):
    """Notes for how many interrupts each save was."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[int] = []

    async def save(self, save: Save) -> Any:
        self.waiting.append(len(save.interrupts))
        return await super().save(save)


async def test_a_question_is_listed_once_and_taken_off_once_and_plain_turns_do_neither(agent_env: Any) -> None:
    """E-32: the list of what waits for people changes when a run is interrupted and when it is answered."""
    rows = Rows()
    async with agent_env(obedient(), store=rows) as env:
        agent = await started(env, "helper")
        for _ in range(2):
            await agent.say("hello")
        assert set(rows.waiting) == {0}
        await agent.send("refund")
        await agent.reaches("interrupted")
        await until(lambda: _lists(rows, agent, 1))
        await agent.update("resume", "approve")
        await until(lambda: _lists(rows, agent, 0))
        await agent.say("hello")
        changes = [now for before, now in zip([0, *rows.waiting], rows.waiting, strict=False) if now != before]
        assert changes == [1, 0]
        assert (await statuses(env, agent)).count("interrupted") == 1


async def _lists(rows: Rows, agent: Driven, count: int) -> bool:
    return len(await rows.interrupts(agent.agent_id)) == count


async def test_every_step_knows_its_conversation(agent_env: Any) -> None:
    """E-41: hooks, tools and the state that they are given, in each turn, also after the agent has slept."""
    seen: list[tuple[str, Any, Any]] = []

    @tool
    def look(context: ToolContext) -> str:
        """Look around."""
        seen.append(("tool", context.conversation_id, None))
        return "seen"

    class Watches(Middleware):
        def before_model(self, state: State, context: HookContext, /) -> None:
            seen.append(("hook", context.conversation_id, state.agent_id))

    def looks(request: ModelRequest, _: Any) -> Message:
        return Message.assistant("done") if results_since_user(request) else asks_for(("look", {}))

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(looks), tools=[look], middleware=[Watches()]))
    async with agent_env(app) as env:
        agent = await started(env, "helper", conversation_id="c1")
        for _ in range(2):
            await agent.say("hello")
        await agent.update("stop")
        await until(agent.is_closed)
        back = await started(env, "helper", agent_id=agent.agent_id)
        await back.say("hello")
    turn = [("hook", "c1", agent.agent_id), ("tool", "c1", None), ("hook", "c1", agent.agent_id)]
    assert seen == turn * 3


GOODBYE = {
    "reason",
    "agent_id",
    "status",
    "interrupt_restorable",
    "last_activity_at",
    "shutdown_at",
    "client_status",
}


@pytest.mark.parametrize(
    ("reason", "text", "lifecycle"),
    [
        ("manual", "hello", {}),
        ("manual", "refund", {}),
        ("manual", "fail", {}),
        ("inactivity", "hello", {"inactivity_timeout_ms": 300}),
        ("no_viewers", "hello", {"presence": {"enabled": True}, "grace_period_ms": 300}),
    ],
)
async def test_every_goodbye_has_one_shape_and_says_whether_a_question_outlives_it(
    agent_env: Any, reason: str, text: str, lifecycle: Mapping[str, Any]
) -> None:
    """E-47, L-25: true for an open question, false where none is."""
    async with agent_env(obedient()) as env:
        agent = await started(env, "helper", lifecycle=lifecycle)
        await agent.send(text)
        await until(lambda: _rests(env, agent))
        if reason == "manual":
            await agent.update("stop")
        await until(agent.is_closed)
        (goodbye,) = [e.data for e in await env.store.events(agent.agent_id) if e.type == "agent_shutdown"]
        assert set(goodbye) == GOODBYE
        assert (goodbye["reason"], goodbye["interrupt_restorable"]) == (reason, text == "refund")


async def _rests(env: AgentEnv, agent: Driven) -> bool:
    return (await statuses(env, agent))[-1:] not in ([], ["running"]) and len(await statuses(env, agent)) > 1
