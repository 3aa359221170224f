"""What fails behind the gate beside a run: a notice, a restore, news, a look at who is there. The agent goes on."""

import ast
import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sagents import Agent, Approve, Middleware, Sagents, SubAgent, SubAgentConfig, ask, tool
from sagents.errors import CannotResume, Damaged, StoreUnavailable
from sagents.messages import Message
from sagents.serialization import export_state
from sagents.state import State
from sagents.viewers import Viewers
from sagents_infra.presence import MemoryPresence
from sagents_infra.stores import MemoryStore
from sagents_workflows import gate
from tests.support.deciding import ALICE, server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, echoes, last_user_text, uses
from tests.support.watched_store import StoreCall, WatchedStore
from tests.workflows.test_gate import EFFECTS

pytestmark = pytest.mark.asyncio

HOLE = "the disk has a hole"
BESIDE = ("notify", "restore", "announce", "viewers", "review", "brief", "conclude")


@tool(approval=ask())
def publish() -> str:
    """Publish it."""
    return "published"


def app_of(model: Any = None, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model or echoes(), **options))
    return app


class Notes(Middleware):
    """Keeps what it is told."""

    id = "notes"

    def handle_message(self, message: Any, state: State, context: Any, /) -> State:
        return state.add_message(Message.user(f"note: {message}"))


@dataclass
class Failing:
    """Raises for one kind of activity, so many times."""

    effect: str
    error: Exception
    times: int = 1_000
    met: int = 0

    async def __call__(self, call: StoreCall) -> None:
        if call.effect == self.effect and self.met < self.times:
            self.met += 1
            raise self.error


async def problem_of(agent: Driven, text: str) -> None:
    async def told() -> bool:
        return text in ((await agent.info()).problem or "")

    await until(told)


async def texts(agent: Driven) -> list[str]:
    return [message.text for message in await agent.messages()]


def has(agent: Driven, *wanted: str) -> Callable[[], Awaitable[bool]]:
    async def has_them() -> bool:
        return await texts(agent) == list(wanted)

    return has_them


async def test_every_function_of_the_gate_is_broken_here_or_beside_runs() -> None:
    source = Path(gate.__file__).read_text(encoding="utf-8")  # noqa: ASYNC240 # a small file of ours
    functions = (node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    assert {name for name in functions if not name.startswith("_")} == {*EFFECTS, *BESIDE}


# ── for good ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_notice_that_fails_for_good_is_a_problem_and_changes_nothing(agent_env: Any) -> None:
    store = WatchedStore(MemoryStore())
    async with agent_env(app_of(middleware=[Notes()]), store=store, worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.say("one")
        store.before = Failing("notify", Damaged(HOLE))
        async with env.worker():  # one that has to read the state
            await agent.handle.signal("notify_middleware", {"middleware": "notes", "message": "milk"})
            await problem_of(agent, HOLE)
            assert await agent.say("two") == "heard two"


async def test_a_decision_that_cannot_be_checked_is_refused_and_the_question_stays(agent_env: Any) -> None:
    class AwayForGood:
        """Keys that nobody can reach."""

        async def knows(self, key_id: str) -> bool:
            raise Damaged(f"{HOLE}, {key_id} was in it")

    model = uses("publish")
    async with agent_env(app_of(model, tools=[publish]), worker=False) as env:
        server = server_of(env)
        async with env.worker(signer=AwayForGood()):
            agent = await started(env, "helper")
            await agent.send("Publish")
            await agent.reaches("interrupted")
            (view,) = await agent.interrupts()
            with pytest.raises(CannotResume, match=f"could not be checked, try again: {HOLE}"):
                await server.decide(agent.agent_id, view.interrupt.id, Approve(), principal=ALICE)
            assert await agent.status() == "interrupted"
        async with env.worker():
            await server.decide(agent.agent_id, view.interrupt.id, Approve(), principal=ALICE)
            assert await agent.settled() == "idle"


@pytest.mark.parametrize("end", ["brief", "conclude"])
async def test_a_sub_agent_that_cannot_begin_or_report_is_an_error_that_its_parent_reads(
    agent_env: Any, end: str
) -> None:
    """L-56."""
    store = WatchedStore(MemoryStore(), before=Failing(end, Damaged(HOLE)))
    clerk = SubAgentConfig(name="clerk", description="Looks", instructions="Look.", model=echoes(), tools=[publish])
    sends = uses("task", instructions="Look", task_name="clerk")
    async with agent_env(app_of(sends, middleware=[SubAgent([clerk])]), store=store) as env:
        agent = await started(env, "helper")
        assert HOLE in await agent.say("Go on")
        assert await agent.status() == "idle"


async def test_a_restore_that_fails_for_good_is_a_problem_and_keeps_the_state(agent_env: Any) -> None:
    store = WatchedStore(MemoryStore(), before=Failing("restore", Damaged(HOLE)))
    async with agent_env(app_of(), store=store) as env:
        agent = await started(env, "helper")
        await agent.say("one")
        await store.deposit(agent.agent_id, "import:1", exported("before"))
        await agent.update("restore_state", {"key": "import:1"})
        await problem_of(agent, HOLE)
        assert await agent.say("two") == "heard two"
        assert (await texts(agent))[0] == "one"


async def test_news_that_cannot_be_told_do_not_end_the_run_that_they_are_about(agent_env: Any) -> None:
    """A message that is queued behind a run is news; nobody hears of it, and it is answered all the same."""
    failing = Failing("announce", Damaged(HOLE))
    gate_open, is_asked = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, _: Any) -> Message:
        is_asked.set()
        while not gate_open.is_set():  # noqa: ASYNC110 # the test runs on another loop
            await asyncio.sleep(0.01)
        return Message.assistant(f"heard {last_user_text(request)}")

    async with agent_env(app_of(Thinks(slow)), store=WatchedStore(MemoryStore(), before=failing)) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        await until(lambda: asyncio.sleep(0, is_asked.is_set()))  # before, the second one would come with the first
        await agent.send("two")
        await until(lambda: asyncio.sleep(0, failing.met))
        gate_open.set()
        await until(has(agent, "one", "heard one", "two", "heard two"))


# ── for a while ──────────────────────────────────────────────────────────────────────────────────────────────────


def exported(text: str) -> str:
    return json.dumps(export_state(State().add_message(Message.user(text)), serialized_at=datetime.now(UTC)))


async def test_a_restore_is_tried_again_while_the_store_is_away(agent_env: Any) -> None:
    failing = Failing("restore", StoreUnavailable("the store is away"), times=3)
    store = WatchedStore(MemoryStore(), before=failing)
    async with agent_env(app_of(), store=store) as env:
        agent = await started(env, "helper")
        await agent.say("one")
        await store.deposit(agent.agent_id, "import:1", exported("before"))
        await agent.update("restore_state", {"key": "import:1"})
        await until(has(agent, "before"))
        assert failing.met == 3


class Blind(MemoryPresence):
    """Cannot say who is there, until it can."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.asked = 0

    async def viewers(self, topic: str) -> Viewers:
        self.asked += 1
        if self.error:
            raise self.error
        return await super().viewers(topic)


@pytest.mark.parametrize("error", [StoreUnavailable("nobody answers"), Damaged(HOLE), RuntimeError("a bug")])
async def test_an_agent_that_cannot_ask_who_looks_stays_and_answers(agent_env: Any, error: Exception) -> None:
    """DESIGN 7.2: it asks when a lease ends. Neither a presence that is away nor one with a bug costs it anything."""
    blind = Blind(error)
    async with agent_env(app_of(), worker=False) as env:
        env.presence = blind
        async with env.worker():
            presence = {"presence": {"enabled": True}, "grace_period_ms": 100}
            agent = await started(env, "helper", lifecycle=presence)
            assert await agent.say("one") == "heard one"
            await agent.handle.signal("viewer_joined", {"viewer": "ann", "connection": "tab", "lease_ms": 200})
            await until(lambda: asyncio.sleep(0, blind.asked))
            await asyncio.wait_for(agent.say("two"), 30)
            assert await agent.last_text() == "heard two"
            assert not await agent.is_closed()
            blind.error = None
            await agent.handle.signal("viewer_left", "ann")
            farewell = await asyncio.wait_for(agent.handle.result(), 30)
            assert farewell["reason"] == "no_viewers"
