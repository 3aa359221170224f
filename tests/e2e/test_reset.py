"""`temporal workflow reset`: back to before a tool, and forward again from what it returns now."""

import asyncio
import subprocess
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.errors import Superseded
from sagents.limits import Limits
from sagents.messages import Message
from sagents.policy import ask
from sagents.ports import ModelRequest
from sagents_infra.dev_server import DevServer, temporal_cli
from sagents_infra.stores import MemoryStore
from tests.support.driving import Driven, signalled, spoken, started, until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio


class Dice:
    """An agent that rolls a dice for each message and says what came; `asked` counts its model calls."""

    def __init__(self, *rolls: int, report: bool = False, gated: bool = False) -> None:
        self.rolls, self.asked = list(rolls), 0

        @tool(on_worker_loss="report" if report else "retry", approval=ask() if gated else None)
        def roll() -> int:
            """Roll the dice; without rolls left it shows the last one again."""
            return self.rolls.pop(0) if len(self.rolls) > 1 else self.rolls[0]

        self.app = Sagents()
        self.app.agent("helper", Agent(model=Thinks(self._think), tools=[roll]))

    def _think(self, request: ModelRequest, _: Any) -> Message:
        self.asked += 1
        results = results_since_user(request)
        return Message.assistant(f"{last_user_text(request)}: {results[0]}") if results else asks_for(("roll", {}))


async def before(agent: Driven, effect: str = "tool_call", run_id: str | None = None) -> int:
    """The event to reset to, so that the first such effect is scheduled again."""
    scheduled = (event.activity_task_scheduled_event_attributes for event in await agent.events(run_id))
    return next(int(a.workflow_task_completed_event_id) for a in scheduled if a.activity_type.name == effect)


async def reset(server: DevServer, agent: Driven, event: int, run_id: str | None = None) -> None:
    """As an operator types it."""
    run = ["--run-id", run_id] if run_id else []
    which = ["--address", server.address, "--workflow-id", agent.agent_id, "--event-id", str(event), *run]
    command = [str(temporal_cli()), "workflow", "reset", *which, "--reason", "the dice was loaded"]
    done = await asyncio.to_thread(lambda: subprocess.run(command, capture_output=True, text=True, check=False))
    assert done.returncode == 0, done.stderr


async def said(agent: Driven) -> list[str]:
    return spoken(await agent.messages())


async def says_now(agent: Driven, *texts: str) -> bool:
    return await said(agent) == list(texts) and await agent.status() == "idle"


@pytest.mark.parametrize("report", [False, True])
async def test_the_second_result_is_the_one_that_counts_and_the_model_is_asked_about_it(
    agent_env: Any, temporal_server: DevServer, report: bool
) -> None:
    dice = Dice(1, 6, report=report)
    async with agent_env(dice.app) as env:
        agent = await started(env, "helper")
        assert await agent.say("first", "m1") == "first: 1"
        assert dice.asked == 2
        await reset(temporal_server, agent, await before(agent))
        await until(lambda: says_now(agent, "first", "first: 6"))
        assert dice.asked == 3
        assert await agent.say("second", "m2") == "second: 6"


async def test_where_the_result_is_the_same_the_recorded_step_is_used(
    agent_env: Any, temporal_server: DevServer
) -> None:
    dice = Dice(4)
    async with agent_env(dice.app) as env:
        agent = await started(env, "helper")
        assert await agent.say("first", "m1") == "first: 4"
        dead = (await agent.info()).workflow_run_id
        await reset(temporal_server, agent, await before(agent))

        async def is_another() -> bool:
            info = await agent.info()
            return info.workflow_run_id != dead and info.message_count == 4

        await until(is_another)
        await until(lambda: says_now(agent, "first", "first: 4"))
        assert dice.asked == 2


@pytest.mark.parametrize("ids", [True, False])
async def test_messages_after_the_point_of_reset_are_heard_once_more_and_only_once(
    agent_env: Any, temporal_server: DevServer, ids: bool
) -> None:
    dice = Dice(1, 2, 3, 4, 5, 6)
    async with agent_env(dice.app) as env:
        agent = await started(env, "helper")
        assert await agent.say("first", "m1" if ids else None) == "first: 1"
        assert await agent.say("second", "m2" if ids else None) == "second: 2"
        await agent.handle.signal("add_message", {"content": "third", "id": "m3"} if ids else "third")
        await until(lambda: says_now(agent, "first", "first: 1", "second", "second: 2", "third", "third: 3"))
        await reset(temporal_server, agent, await before(agent))

        async def all_again() -> bool:
            return len(await said(agent)) >= 5 and await agent.is_settled()

        await until(all_again)
        users = spoken([message for message in await agent.messages() if message.role == "user"])
        assert users == ["first", "second", "third"]
        assert (await said(agent))[1] == "first: 4"
        if ids:
            await agent.send("second", "m2")
            assert spoken([message for message in await agent.messages() if message.role == "user"]) == users


async def test_an_earlier_workflow_run_of_an_agent_that_continued_as_new_can_be_reset(
    agent_env: Any, temporal_server: DevServer
) -> None:
    dice = Dice(1, 2, 3, 4, 5, 6)
    async with agent_env(dice.app, limits=Limits(parked_events=25)) as env:
        agent = await started(env, "helper")
        await agent.say("first", "m1")
        await agent.say("second", "m2")
        await agent.say("third", "m3")
        runs = await until(lambda: several_runs(agent))
        await reset(temporal_server, agent, await before(agent, run_id=runs[0]), runs[0])

        await until(
            lambda: says_now(agent, "first", "first: 4", "second", "third", "secondthird: 5")
        )  # both came while the first was at work


async def several_runs(agent: Driven) -> list[str]:
    runs = await agent.run_ids()
    return runs if len(runs) > 1 else []


async def test_a_decision_after_the_point_of_reset_is_asked_for_again(
    agent_env: Any, temporal_server: DevServer
) -> None:
    """It was about a question that has not been asked yet: nothing runs that nobody has approved now."""
    dice = Dice(1, 6, gated=True)
    async with agent_env(dice.app) as env:
        agent = await started(env, "helper")
        await agent.send("first", "m1")
        await agent.reaches("interrupted")
        await agent.update("resume", [{"type": "approve"}])
        await until(lambda: says_now(agent, "first", "first: 1"))
        dead = (await agent.info()).workflow_run_id
        await reset(temporal_server, agent, await before(agent, "model_step"))

        async def asks_again() -> bool:
            info = await agent.info()
            return info.workflow_run_id != dead and info.has_interrupt

        await until(asks_again)
        await agent.update("resume", [{"type": "approve"}])
        await until(lambda: says_now(agent, "first", "first: 6"))
        assert dice.asked == 3


async def test_a_reset_to_before_a_waking_keeps_what_the_agent_knows_and_hears_nothing_twice(
    agent_env: Any, temporal_server: DevServer
) -> None:
    """The saved head wins over the past of its workflow; messages are told apart by the ids that doors give them."""
    dice = Dice(1, 2, 3)
    async with agent_env(dice.app) as env:
        agent = await started(env, "helper")
        assert await agent.say("first", "m1") == "first: 1"
        await agent.update("stop")
        await agent.handle.result()
        await signalled(env, agent.agent_id, "add_message", {"content": "second", "id": "m2"})
        await until(lambda: says_now(agent, "first", "first: 1", "second", "second: 2"))
        dead = (await agent.info()).workflow_run_id
        await reset(temporal_server, agent, await before(agent, "wake"))

        async def is_back() -> bool:
            info = await agent.info()
            return info.workflow_run_id != dead and info.message_count == 8

        await until(is_back)
        assert await agent.say("third", "m3") == "third: 3"
        assert await said(agent) == ["first", "first: 1", "second", "second: 2", "third", "third: 3"]


async def test_the_dead_run_can_write_no_more(agent_env: Any, temporal_server: DevServer) -> None:
    """Its last save is on its way when the reset comes, and arrives when the new run has written."""
    held, let_go, refused = asyncio.Event(), asyncio.Event(), asyncio.Event()
    inner = MemoryStore()

    async def hold_the_first_save(call: StoreCall) -> None:
        if call.method == "save" and not held.is_set():
            held.set()
            await let_go.wait()

    class Noting(WatchedStore):
        async def save(self, save: Any) -> Any:
            try:
                return await super().save(save)
            except Superseded:
                refused.set()
                raise

    dice = Dice(1, 6)
    async with agent_env(dice.app, store=Noting(inner, before=hold_the_first_save)) as env:
        agent = await started(env, "helper")
        await agent.send("first", "m1")
        await asyncio.wait_for(held.wait(), 20)
        dead = (await agent.info()).workflow_run_id
        await reset(temporal_server, agent, await before(agent))
        await until(lambda: says_now(agent, "first", "first: 6"))
        row = await inner.load(agent.agent_id)
        assert row is not None
        assert row.workflow_run_id != dead
        let_go.set()
        await asyncio.wait_for(refused.wait(), 20)
        assert await inner.load(agent.agent_id) == row
        assert await agent.say("second", "m2") == "second: 6"
