"""Whatever fails behind the gate: the agent lives, says what is wrong, loses nothing, and goes on once it is mended."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from sagents import Agent, Sagents, tool
from sagents.contract import SEARCH_ATTRIBUTES
from sagents.errors import Damaged, StoreUnavailable
from sagents.hooks import Middleware
from sagents.limits import Limits
from sagents.messages import Message, Role
from sagents.plan import RunError
from sagents.ports import ModelRequest
from sagents.replies import RaiseInterrupt
from sagents.state import State
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import time_skipping_server
from sagents_infra.payloads import data_converter
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, echoes, results_since_user, uses
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = pytest.mark.asyncio

HOLE = "the disk has a hole"
EFFECTS = ("wake", "save", "model_step", "tool_call", "answer", "settle")


@dataclass
class Faults:
    """What a store does wrong, by kind of activity."""

    broken: dict[str, Exception] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    async def __call__(self, call: StoreCall) -> None:
        if error := self.broken.get(call.effect):
            self.met[call.effect] += 1
            raise error

    def breaks(self, *effects: str, error: Exception | None = None) -> None:
        self.broken = dict.fromkeys(effects, error or Damaged(HOLE))

    def mend(self) -> None:
        self.broken = {}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(faults: Faults) -> WatchedStore:
    return WatchedStore(MemoryStore(), before=faults)


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


@tool
def finish(text: str = "fine") -> str:
    """End the run."""
    return text


@tool
def ask_person() -> str:
    """Ask a person something."""
    raise RaiseInterrupt(message="Which colour?")


async def error_of(agent: Driven) -> RunError:
    error = (await agent.info()).error
    assert error is not None
    return error


async def knows(agent: Driven, messages: int) -> None:
    """Wait until the agent has so many messages."""

    async def so_many() -> bool:
        return (await agent.info()).message_count == messages

    await until(so_many)


async def said(agent: Driven) -> list[str]:
    """What users and the agent said, tools apart."""
    return [message.text for message in await agent.messages() if message.role is not Role.TOOL and message.text]


# ── for good ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_waking_that_fails_for_good_is_an_error_until_it_works_and_no_message_is_lost(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    faults.breaks("wake")
    async with agent_env(app_of(echoes()), store=store) as env:
        agent = await started(env, "helper")
        await agent.reaches("error")
        assert HOLE in ((await agent.info()).problem or "")
        await agent.send("one", "m1")
        await until(lambda: asyncio.sleep(0, faults.met["wake"] >= 2))
        assert await agent.status() == "error"
        faults.mend()
        await agent.send("two", "m2")
        await agent.reaches("idle")
        assert await said(agent) == ["onetwo", "heard onetwo"]  # one message with two parts (B-74)
        assert (await agent.info()).problem is None


async def test_a_save_that_fails_for_good_is_an_error_and_the_next_one_takes_all_with_it(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    faults.breaks("save")
    async with agent_env(app_of(echoes()), store=store) as env:
        agent = await started(env, "helper", messages=[{"role": "user", "content": "from before"}])
        await agent.reaches("error")
        assert HOLE in ((await agent.info()).problem or "")
        assert (await agent.info()).message_count == 1
        faults.mend()
        assert await agent.say("one") == "heard one"
        assert await agent.status() == "idle"
        row = await store.load(agent.agent_id)
        assert row is not None
        assert row.base.position == (await agent.tail()).position


async def test_a_model_step_that_fails_for_good_is_an_error_that_the_next_message_gets_over(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    faults.breaks("model_step")
    async with agent_env(app_of(echoes()), store=store) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        assert await agent.settled() == "error"
        error = await error_of(agent)
        assert error.type == "Damaged"
        assert HOLE in error.message
        faults.mend()
        assert await agent.say("two") == "heard two"
        assert await said(agent) == ["one", "two", "heard two"]


async def test_a_tool_call_that_fails_for_good_is_closed_for_the_model_and_the_run_is_an_error(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    faults.breaks("tool_call")
    async with agent_env(app_of(uses("finish"), tools=[finish]), store=store) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        assert await agent.settled() == "error"
        (closed,) = (await agent.messages())[-1].tool_results
        assert closed.is_error
        assert HOLE in closed.text
        faults.mend()
        assert await agent.say("two") == "done: fine"


async def test_hooks_after_a_run_that_fail_for_good_are_an_error_and_its_results_are_kept(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    faults.breaks("settle")
    async with agent_env(app_of(uses("finish"), tools=[finish]), store=store) as env:
        agent = await started(env, "helper", messages=[{"role": "user", "content": "go"}])
        await agent.reaches("idle")
        await agent.update("execute", {"until_tool": ["finish"]})
        assert await agent.settled() == "error"
        assert (await agent.messages())[-1].tool_results[0].text == "fine"
        faults.mend()
        assert await agent.say("two") == "done: fine"


async def test_an_answer_that_fails_for_good_is_an_error_and_the_conversation_goes_on(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    async with agent_env(app_of(uses("ask_person"), tools=[ask_person]), store=store, worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            await agent.send("one")
            assert await agent.settled() == "interrupted"
        faults.breaks("answer")
        async with env.worker():  # one that has to read the state, which it cannot
            await agent.update("resume", [{"type": "respond", "content": "blue"}])
            assert await agent.settled() == "error"
            assert faults.met["answer"]
            assert HOLE in (await error_of(agent)).message
            faults.mend()
            await agent.send("two")
            assert await agent.settled() == "interrupted"


async def test_a_state_that_the_store_lost_is_an_error_until_a_backup_brings_it_back(agent_env: Any) -> None:
    store = MemoryStore()
    async with agent_env(app_of(echoes()), store=store, worker=False) as env:
        async with env.worker():
            agent = await started(env, "helper")
            assert await agent.say("one") == "heard one"
        kept = store._agents[agent.agent_id]
        lost, kept.bases = kept.bases, {}
        async with env.worker():  # one that has not seen this agent yet
            await agent.send("two")
            assert await agent.settled() == "error"
            assert "lost the state" in (await error_of(agent)).message
            kept.bases |= lost
            assert await agent.say("three") == "heard three"
            assert await said(agent) == ["one", "heard one", "two", "three", "heard three"]


async def test_a_reply_that_cannot_be_saved_is_kept_by_the_agent(
    agent_env: Any, faults: Faults, store: WatchedStore
) -> None:
    """The last step of a run saves by itself; what was said does not depend on it."""
    async with agent_env(app_of(echoes()), store=store) as env:
        agent = await started(env, "helper")
        await agent.say("one")

        async def broken(call: StoreCall) -> None:
            if call.method == "save":
                raise Damaged(HOLE)

        store.before = broken
        await agent.send("two")
        await agent.reaches("error")
        assert HOLE in ((await agent.info()).problem or "")
        assert await said(agent) == ["one", "heard one", "two", "heard two"]
        store.before = faults
        assert await agent.say("three") == "heard three"
        assert await agent.status() == "idle"


# ── for a while ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("effect", EFFECTS)
async def test_what_fails_for_a_while_is_tried_again_and_nobody_notices(agent_env: Any, effect: str) -> None:
    """A life that passes every function of the gate: it wakes, saves, thinks, calls, asks, answers and settles."""
    store = WatchedStore(MemoryStore())
    left = 3

    async def away(call: StoreCall) -> None:
        nonlocal left
        if call.effect == effect and left:
            left -= 1
            raise StoreUnavailable("the store is away")

    def think(request: ModelRequest, _: Any) -> Message:
        results = results_since_user(request)
        return asks_for(("finish", {"text": results[-1]})) if results else asks_for(("ask_person", {}))

    app = app_of(Thinks(think), tools=[ask_person, finish])
    async with agent_env(app, store=store, worker=False) as env:
        async with env.worker():
            store.before = away
            agent = await started(env, "helper", messages=[{"role": "user", "content": "go"}])
            await knows(agent, 1)
            await agent.update("execute", {"until_tool": ["finish"]})
            await agent.reaches("interrupted")
        async with env.worker():
            await agent.update("resume", [{"type": "respond", "content": "blue"}])
            await agent.reaches("idle")
        assert left == 0


async def test_a_store_that_is_down_for_seconds_in_the_middle_of_a_run_only_delays_it(agent_env: Any) -> None:
    store = WatchedStore(MemoryStore())
    down_until = 0.0

    async def down(_: StoreCall) -> None:
        if time.monotonic() < down_until:
            raise StoreUnavailable("the store is down")

    @tool
    def pull_the_plug() -> str:
        """Take the store down for three seconds."""
        nonlocal down_until
        down_until = time.monotonic() + 3
        return "dark"

    store.before = down
    async with agent_env(app_of(uses("pull_the_plug"), tools=[pull_the_plug]), store=store) as env:
        agent = await started(env, "helper")
        await agent.send("go", "m1")
        await until(lambda: asyncio.sleep(0, down_until))
        await agent.send("and then?", "m2")  # doors do not need the store
        assert (await agent.info()).status == "running"

        async def both_done() -> bool:
            return len(await said(agent)) == 4 and await agent.is_settled()

        await until(both_done)
        assert await said(agent) == ["go", "done: dark", "and then?", "done: dark"]


async def test_a_run_whose_store_stays_away_can_be_cancelled(agent_env: Any) -> None:
    store = WatchedStore(MemoryStore())
    away = True

    async def gone(call: StoreCall) -> None:
        if away and call.effect == "model_step":
            raise StoreUnavailable("the store is away")

    store.before = gone
    async with agent_env(app_of(echoes()), store=store) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        await agent.reaches("running")
        await agent.update("cancel")
        assert await agent.settled() == "cancelled"
        away = False
        assert await agent.say("two") == "heard two"


# ── for longer than anyone waits: on the server that skips time ──────────────────────────────────────────────────


@pytest_asyncio.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping server that knows our search attributes."""
    server = str(time_skipping_server())
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server, data_converter=data_converter()
    ) as skipping:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        wanted = AddSearchAttributesRequest(search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, keyword))
        await skipping.client.operator_service.add_search_attributes(wanted)
        yield skipping


@pytest.mark.parametrize(("effect", "patience"), [("model_step", 60), ("tool_call", 75), ("settle", 60), ("save", 10)])
async def test_what_stays_away_for_too_long_is_an_error_that_says_so(
    skipping: WorkflowEnvironment, store: WatchedStore, faults: Faults, tmp_path: Path, effect: str, patience: int
) -> None:
    """The gate's patience is minutes; a kernel that waited for ever would look as if it worked."""
    settings = Settings(home=tmp_path, task_queue="skipping")
    app = app_of(uses("finish"), tools=[finish])
    env = AgentEnv(app, skipping.client, store, MemoryChannel(), MemoryPresence(), settings, Limits())
    go = [{"role": "user", "content": "go"}]
    seldom = ApplicationError("the store is away", type="StoreUnavailable", next_retry_delay=timedelta(minutes=9))
    async with env.worker():
        begun = await skipping.get_current_time()
        faults.breaks(effect, error=seldom)
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": None}, messages=go)
        if effect != "save":
            await agent.reaches("idle")
            await knows(agent, 1)
            await agent.update("execute", {"until_tool": ["finish"]})
        await until(lambda: asyncio.sleep(0, faults.met[effect]))
        while await agent.status() != "error":
            await skipping.sleep(timedelta(seconds=30))
        waited = await skipping.get_current_time() - begun
        assert timedelta(minutes=patience - 10) < waited < timedelta(minutes=patience + 2)
        info = await agent.info()
        assert "the store is away" in f"{info.problem} {info.error}"
        faults.mend()
        assert await agent.say("again") == "done: fine"


# ── user code ────────────────────────────────────────────────────────────────────────────────────────────────────


def garbage(request: ModelRequest) -> Any:
    """What adapters with bugs have answered."""
    match request.messages[-1].text:
        case "raise":
            raise RuntimeError("no such attribute")
        case "text":
            return "just a text"
        case "user":
            return Message.user("I am you")
        case "none":
            return None
        case "exit":
            raise SystemExit(3)
        case "half a character":
            return Message.assistant("\ud83d")
        case text:
            return Message.assistant(f"heard {text}")


@pytest.mark.parametrize("kind", ["raise", "text", "user", "none", "exit", "half a character"])
async def test_a_model_that_answers_garbage_is_an_error_and_the_agent_lives(agent_env: Any, kind: str) -> None:
    model = Thinks(lambda request, _: garbage(request))
    async with agent_env(app_of(model)) as env:
        agent = await started(env, "helper")
        await agent.send(kind)
        assert await agent.settled() == "error"
        error = await error_of(agent)
        assert error.message
        assert await agent.say("again") == "heard again"


@pytest.mark.parametrize(
    ("hook", "what"), [("before_run", "raise"), ("after_model", "raise"), ("before_model", "exit")]
)
async def test_a_hook_that_raises_is_an_error_that_names_it(agent_env: Any, hook: str, what: str) -> None:
    armed = True

    def fails(self: Any, state: State, context: Any, /) -> None:
        if armed and what == "exit":
            raise SystemExit(1)
        if armed:
            raise KeyError("colour")

    broken = type("Broken", (Middleware,), {hook: fails})()
    async with agent_env(app_of(echoes(), middleware=[broken])) as env:
        agent = await started(env, "helper")
        await agent.send("one")
        assert await agent.settled() == "error"
        assert ("SystemExit" if what == "exit" else f"Broken.{hook}") in (await error_of(agent)).message
        armed = False
        assert await agent.say("two") == "heard two"


async def test_tools_that_cannot_be_listed_any_more_are_an_error_that_the_model_reads(agent_env: Any) -> None:
    listed = 0

    class Flaky(Middleware):
        def tools(self, context: Any, /) -> Any:
            nonlocal listed
            listed += 1
            if listed in (2, 3):  # for the call alone
                raise ConnectionError("the tool server is gone")
            return [finish]

    async with agent_env(app_of(uses("finish"), middleware=[Flaky()])) as env:
        agent = await started(env, "helper")
        assert "ConnectionError" in await agent.say("go")


@pytest.mark.parametrize("size", [3 * 1024 * 1024, 40 * 1024 * 1024])
async def test_a_tool_result_that_is_too_large_is_an_error_that_the_model_reads(agent_env: Any, size: int) -> None:
    """DESIGN 4.5: over 2 MiB in an activity's result would wedge an agent for ever."""

    @tool
    def read_all() -> str:
        """Read everything."""
        return "x" * size

    async with agent_env(app_of(uses("read_all"), tools=[read_all])) as env:
        agent = await started(env, "helper")
        answer = await agent.say("go")
        assert "characters" in answer
        assert "ask for a part of it" in answer
        assert await agent.status() == "idle"


async def test_an_exception_with_an_endless_text_is_an_error_that_the_model_can_read(agent_env: Any) -> None:
    @tool
    def read_all() -> str:
        """Read everything."""
        raise ValueError("x" * 40 * 1024 * 1024)

    async with agent_env(app_of(uses("read_all"), tools=[read_all])) as env:
        agent = await started(env, "helper")
        answer = await agent.say("go")
        assert "ValueError" in answer
        assert len(answer) < 100_000


async def test_a_tool_result_of_4_mib_in_a_million_characters_gets_through(agent_env: Any) -> None:
    @tool
    def read_all() -> str:
        """Read everything."""
        return "𝄞" * 1_000_000

    def think(request: ModelRequest, _: Any) -> Message:
        results = results_since_user(request)
        return Message.assistant(str(len(results[0]))) if results else asks_for(("read_all", {}))

    async with agent_env(app_of(Thinks(think), tools=[read_all])) as env:
        agent = await started(env, "helper")
        assert await agent.say("go") == "1000000"
        assert await agent.say("and again") == "1000000"


async def test_one_agent_that_fails_for_good_leaves_the_others_alone(agent_env: Any) -> None:
    """L-56: they share a worker, its event loops and its store, and nothing else."""
    store = WatchedStore(MemoryStore())

    def think(request: ModelRequest, _: Any) -> Message:
        if request.messages[-1].text == "exit":
            raise SystemExit(3)
        return Message.assistant(f"heard {request.messages[-1].text}")

    async with agent_env(app_of(Thinks(think)), store=store) as env:
        bad, good = await started(env, "helper", env.id("bad")), await started(env, "helper", env.id("good"))
        for number in range(3):
            await bad.send("exit")
            assert await good.say(str(number)) == f"heard {number}"
            assert await bad.settled() == "error"
