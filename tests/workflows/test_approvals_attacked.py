"""Attacks on approvals of living agents, on a real server: what was said at one moment never counts for another."""

import asyncio
from typing import Any

import pytest

from sagents import Agent, Edit, Sagents, ToolContext, ask, tool
from sagents.decision_log import EntryKind
from sagents.decisions import Approve
from sagents.errors import Forbidden, StoreUnavailable
from sagents.hooks import HookContext, Middleware
from sagents.limits import Limits
from sagents.messages import Message
from sagents.middleware import HumanInTheLoop
from sagents.policy import Policy
from sagents.state import State
from sagents_infra.stores.memory import MemoryStore
from tests.support.deciding import ALICE, BOB, server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, results_since_user, uses
from tests.support.watched_store import StoreCall, WatchedStore
from tests.workflows.test_approvals import Bank, desk, kinds, refusal, the_interrupt, waiting

pytestmark = pytest.mark.asyncio


def one_after_the_other(request: Any, _: Any) -> Message:
    """Refunds for a, then for b, then says so."""
    done = results_since_user(request)
    wanted = ["a", "b"][len(done) :]
    return asks_for(("refund", {"order": wanted[0], "amount": 1.0})) if wanted else Message.assistant(" | ".join(done))


class Flag:
    """Something that happens once, in whichever loop; who waits for it waits with a bound."""

    is_set = False

    async def wait(self) -> None:
        await until(self._seen)

    async def _seen(self) -> bool:
        return self.is_set

    def set(self) -> None:
        self.is_set = True


class Looks(Middleware):
    """Its tools are asked for by a step and, where somebody edits, by a review: that one takes a while."""

    id = "looks"

    def __init__(self) -> None:
        self.armed, self.began, self.goes_on = Flag(), Flag(), Flag()

    async def tools(self, context: HookContext, /) -> Any:
        if self.armed.is_set and not self.began.is_set:
            self.began.set()
            await self.goes_on.wait()
        return ()


async def problem_of(agent: Driven) -> str | None:
    return (await agent.info()).problem


# ── another call ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_approval_that_is_signalled_twice_does_not_approve_the_next_call(agent_env: Any) -> None:
    """Two clicks: the second comes while the model thinks about what to do next, and nothing waits for it then."""
    bank, thinks, goes_on = Bank(), Flag(), Flag()

    async def think(request: Any, sink: Any) -> Message:
        if results_since_user(request) and not thinks.is_set:
            thinks.set()
            await goes_on.wait()
        return one_after_the_other(request, sink)

    async with waiting(agent_env, desk(bank, ask(), Thinks(think))) as (agent, _):
        first = await the_interrupt(agent)
        await agent.handle.signal("resume", "approve")
        await thinks.wait()
        await agent.handle.signal("resume", "approve")
        assert "not interrupted" in str(await until(lambda: problem_of(agent)))
        goes_on.set()
        await until(lambda: _asks_next(agent, first))
        assert (await agent.status(), bank.paid) == ("interrupted", [("a", 1.0)])


async def _asks_next(agent: Driven, first: str) -> bool:
    return await agent.status() == "interrupted" and await the_interrupt(agent) != first


async def test_an_edit_by_place_is_about_the_call_that_waited_when_it_was_given(agent_env: Any) -> None:
    """It is looked at for a while; meanwhile somebody else decides, and another call waits at the same place."""
    bank, looks = Bank(), Looks()
    app = desk(bank, ask(), Thinks(one_after_the_other), middleware=[looks])
    async with waiting(agent_env, app) as (agent, server):
        first = await the_interrupt(agent)
        looks.armed.set()
        edit = {"type": "edit", "arguments": {"order": "z", "amount": 9.0}}
        late = asyncio.create_task(agent.refused("resume", [edit]))
        await looks.began.wait()
        await server.decide(agent.agent_id, first, Approve())
        await until(lambda: _asks_next(agent, first))
        looks.goes_on.set()
        assert (await late).type == "DecisionConflict"
        assert (await agent.status(), bank.paid) == ("interrupted", [("a", 1.0)])


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_asked_cannot_approve_by_having_the_run_repeated(agent_env: Any) -> None:
    """`execute` has no sender: it runs on what was said before, and those who said it have asked."""
    bank = Bank()

    def think(request: Any, _: Any) -> Message:
        has_result = request.messages[-1].role == "tool"
        return Message.assistant("done") if has_result else asks_for(("refund", {"order": "7", "amount": 1.0}))

    async with agent_env(desk(bank, ask(self_approval=False), Thinks(think))) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await server.add_message(agent.agent_id, "Refund order 7", sender="alice")
        await agent.reaches("interrupted")
        await server.decide(agent.agent_id, await the_interrupt(agent), Approve(), principal=BOB)
        assert await agent.settled() == "idle"
        bank.paid.clear()
        await agent.update("execute")
        await agent.reaches("interrupted")
        own = await refusal(server.decide(agent.agent_id, await the_interrupt(agent), Approve(), principal=ALICE))
        assert isinstance(own, Forbidden)
        assert bank.paid == []


async def test_who_asked_cannot_approve_what_a_tool_asks_for_in_their_run(agent_env: Any) -> None:
    """A message that a tool queues has no sender: it goes on with what the run was asked for."""
    bank = Bank()

    @tool
    def later(context: ToolContext) -> str:
        """Remind yourself."""
        context.queue_message("Now refund order 7")
        return "queued"

    @tool(approval=ask(self_approval=False))
    def refund(order: str) -> str:
        """Refund an order."""
        bank.paid.append((order, 1.0))
        return "refunded"

    def think(request: Any, _: Any) -> Message:
        if results_since_user(request):
            return Message.assistant("done")
        text = [message.text for message in request.messages if message.role == "user"][-1]
        return asks_for(("refund", {"order": "7"})) if "refund" in text else asks_for(("later", {}))

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think), tools=[later, refund]))
    async with agent_env(app) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await server.add_message(agent.agent_id, "Do it later", sender="alice")
        await agent.reaches("interrupted")
        own = await refusal(server.decide(agent.agent_id, await the_interrupt(agent), Approve(), principal=ALICE))
        assert isinstance(own, Forbidden)
        assert bank.paid == []


# ── decisions that were taken ────────────────────────────────────────────────────────────────────────────────────


async def test_a_decision_that_was_taken_is_on_record_although_its_run_is_cancelled(agent_env: Any) -> None:
    """Its call has not begun: another one of the batch runs. Who decided was told so, and the log says the same."""
    bank, began = Bank(), Flag()

    @tool
    async def dawdle() -> str:
        """Take your time."""
        began.set()
        await asyncio.sleep(60)
        return "at last"

    @tool(approval=ask())
    def refund(order: str) -> str:
        """Refund an order."""
        bank.paid.append((order, 1.0))
        return "refunded"

    app = Sagents()
    model = Thinks(lambda *_: asks_for(("dawdle", {}), ("refund", {"order": "7"})))
    app.agent("helper", Agent(model=model, tools=[dawdle, refund], middleware=[HumanInTheLoop(start="each")]))
    async with agent_env(app) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await agent.send("Refund")
        await began.wait()
        answer = await server.decide(agent.agent_id, await the_interrupt(agent), Approve())
        assert answer.status == "approved"
        await agent.update("cancel")
        assert await agent.settled() == "cancelled"
        await until(lambda: _has_kinds(agent, 2))
        assert await kinds(agent) == [EntryKind.REQUESTED, EntryKind.DECIDED]
        assert bank.paid == []


async def _has_kinds(agent: Driven, number: int) -> bool:
    return len(await kinds(agent)) >= number


@pytest.mark.parametrize("place", ["load", "save", "append"])
async def test_a_decision_that_comes_while_a_stop_saves_is_carried_out(agent_env: Any, place: str) -> None:
    """L-42: also one that this save still kept; else it would sleep with the agent, and whoever gave it would wait."""
    bank, came = Bank(), list[StoreCall]()
    store = WatchedStore(MemoryStore())

    async def decides(call: StoreCall) -> None:
        if call.method == place and not came:
            came.append(call)
            await agent.handle.signal("resume", "approve")

    async with agent_env(desk(bank, ask()), store=store) as env:
        agent = await started(env, "helper")
        await agent.send("Refund order 7")
        await agent.reaches("interrupted")
        await until(lambda: _has_kinds(agent, 1))
        store.before = decides
        await agent.update("stop")
        await until(lambda: _paid(bank))
        assert bank.paid == [("7", 500.0)]


async def _paid(bank: Bank) -> bool:
    return bool(bank.paid)


async def test_a_message_that_waited_behind_a_hook_does_not_supersede_a_decision_that_was_taken(
    agent_env: Any,
) -> None:
    """While a middleware hears a message, somebody decides and somebody writes: the decision came first and counts."""
    bank, began, goes_on = Bank(), Flag(), Flag()

    class Listens(Middleware):
        id = "listens"

        async def handle_message(self, message: Any, state: State, context: HookContext, /) -> Any:
            began.set()
            await goes_on.wait()

    async with waiting(agent_env, desk(bank, ask(), middleware=[Listens()])) as (agent, server):
        await agent.handle.signal("notify_middleware", {"middleware": "listens", "message": "psst"})
        await began.wait()
        answer = await server.decide(agent.agent_id, await the_interrupt(agent), Approve())
        assert answer.status == "approved"
        await agent.send("Never mind")
        goes_on.set()
        await until(lambda: _paid(bank))


async def test_a_review_that_takes_long_holds_up_nobody_else(agent_env: Any) -> None:
    """Neither where the history has grown so long that the workflow wants to continue as new."""
    bank, looks = Bank(), Looks()
    app = desk(bank, ask(), middleware=[looks])
    async with agent_env(app, limits=Limits(parked_events=40)) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await agent.send("Refund order 7")
        await agent.reaches("interrupted")
        looks.armed.set()
        edit = {"type": "edit", "arguments": {"order": "z", "amount": 9.0}}
        late = asyncio.create_task(agent.refused("resume", [edit]))
        await looks.began.wait()
        while (await agent.info()).history_events < 60:
            await agent.handle.signal("touch", {})
        await server.decide(agent.agent_id, await the_interrupt(agent), Approve())
        await until(lambda: _paid(bank), 10)
        looks.goes_on.set()
        assert (await late).type == "DecisionConflict"


async def test_nothing_comes_of_a_decision_while_the_store_is_away(agent_env: Any) -> None:
    """It is on record before its call runs, once, however often the save was tried."""
    bank, tries = Bank(), list[StoreCall]()
    store = WatchedStore(MemoryStore())

    async def away(call: StoreCall) -> None:
        if (call.method, call.effect) == ("save", "save") and len(tries) < 3:
            assert bank.paid == []
            tries.append(call)
            raise StoreUnavailable("out for lunch")

    async with agent_env(desk(bank, ask()), store=store) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await agent.send("Refund order 7")
        await agent.reaches("interrupted")
        await until(lambda: _has_kinds(agent, 1))
        store.before = away
        await server.decide(agent.agent_id, await the_interrupt(agent), Approve())
        assert await agent.settled() == "idle"
        assert len(tries) == 3
        assert await kinds(agent) == [EntryKind.REQUESTED, EntryKind.DECIDED]
        assert bank.paid == [("7", 500.0)]


# ── payloads ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("signal", "payload"),
    [
        ("viewer_joined", {"viewer": "u", "lease_ms": 10**30}),
        ("stop", {"patience_ms": 10**30}),
        (
            "resume",
            {
                "decisions": [{"interrupt_id": "{id}", "type": "approve"}],
                "attestation": {
                    "principal": {"subject": "x"},
                    "agent_id": "a",
                    "at": "2026-01-01T00:00:00",
                    "about": "",
                },
            },
        ),
        (
            "resume",
            {
                "decisions": [
                    {"interrupt_id": "{id}", "type": "approve", "remember": {"scope": "run", "ttl_ms": 10**30}}
                ]
            },
        ),
    ],
    ids=["lease", "patience", "naive", "ttl"],
)
async def test_no_number_or_moment_of_a_signal_stops_an_agent_for_ever(
    agent_env: Any, signal: str, payload: dict[str, Any]
) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(remember=("run",)))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        for one in payload.get("decisions", ()):
            one["interrupt_id"] = interrupt_id
        await agent.handle.signal(signal, payload)
        assert await until(lambda: problem_of(agent), 10)
        await server.decide(agent.agent_id, interrupt_id, Approve())
        assert await agent.settled() == "idle"


async def test_edits_that_are_too_large_are_refused_and_the_agent_lives_on(agent_env: Any) -> None:
    """An agent carries what people decided; two MiB of it are the end of a workflow."""
    bank = Bank()
    policy: Policy = ask(required_approvals=2)
    async with waiting(agent_env, desk(bank, policy)) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        huge = Edit({"order": "x" * 1_500_000, "amount": 1.0})
        for person in (ALICE, BOB):
            await refusal(server.decide(agent.agent_id, interrupt_id, huge, principal=person))
        for person in (ALICE, BOB):
            await server.decide(agent.agent_id, interrupt_id, Approve(), principal=person)
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 500.0)]


@pytest.mark.parametrize("kind", ["edit", "respond", "approve"])
async def test_a_decision_that_is_nested_too_deeply_is_refused_and_the_agent_lives_on(
    agent_env: Any, kind: str
) -> None:
    """JSON is read to a depth of 200: what just fits a door would be too deep within all that an agent carries."""
    deep: Any = 1
    for _ in range(190):
        deep = [deep]

    @tool(approval=ask(allowed_decisions=("approve", "edit", "respond"), required_approvals=2))
    def keep(value: Any) -> str:
        """Keep a value."""
        return "kept"

    app = Sagents()
    app.agent("helper", Agent(model=uses("keep", value=1), tools=[keep]))
    given = {"edit": {"arguments": {"value": deep}}, "respond": {"content": deep}, "approve": {"extend": {"x": deep}}}
    async with waiting(agent_env, app) as (agent, server):
        refused = await agent.refused("resume", [{"type": kind, **given[kind]}])
        assert "deep" in refused.message
        await agent.handle.signal("resume", [{"type": kind, **given[kind]}])
        assert "deep" in str(await until(lambda: problem_of(agent)))
        for person in (ALICE, BOB):
            await server.decide(agent.agent_id, await the_interrupt(agent), Approve(), principal=person)
        assert await agent.settled() == "idle"
