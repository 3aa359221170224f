"""What people decide about calls, on a real server: once, in time, by whom it may be, and on record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import Agent, Sagents, ask, groups, tool
from sagents.attesting import attest
from sagents.client import AgentServer
from sagents.commands import Answering
from sagents.decision_log import EntryKind, Remember, Row, broken
from sagents.decisions import Approve, Edit, Reject
from sagents.digests import call_digest
from sagents.errors import (
    DecisionConflict,
    DigestMismatch,
    Forbidden,
    InterruptGone,
    InterruptUnknown,
    InvalidDecision,
    SagentsError,
)
from sagents.inbox import InboxItem
from sagents.messages import Message
from sagents.middleware import HumanInTheLoop
from sagents.policy import Policy
from tests.support.deciding import ALICE, BOB, CAROL, MALLORY, server_of
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, asks_for, results_since_user, uses

pytestmark = pytest.mark.asyncio

FINANCE = groups("finance")


class Bank:
    """What was paid back, call by call."""

    def __init__(self) -> None:
        self.paid: list[tuple[str, float]] = []


def desk(bank: Bank, policy: Policy, model: Any = None, **options: Any) -> Sagents:
    """An agent that refunds order 7, for which `policy` asks people."""

    @tool(approval=policy)
    def refund(order: str, amount: float) -> str:
        """Refund an order."""
        bank.paid.append((order, amount))
        return f"refunded {amount:g} for {order}"

    app = Sagents()
    model = model or uses("refund", order="7", amount=500.0)
    app.agent("helper", Agent(model=model, tools=[refund], **options))
    return app


@asynccontextmanager
async def waiting(agent_env: Callable[..., Any], app: Sagents, **start: Any) -> AsyncIterator[tuple[Driven, Any]]:
    """The agent once it waits for a person, and a door to it."""
    async with agent_env(app) as env:
        agent = await started(env, "helper", **start)
        await agent.send("Refund order 7")
        assert await agent.settled() == "interrupted"
        yield agent, server_of(env)


async def the_interrupt(agent: Driven) -> str:
    (view,) = await agent.interrupts()
    return view.interrupt.id


async def log_of(agent: Driven) -> list[Row]:
    rows = [Row.model_validate_json(row) for row in await agent.env.store.logged(agent.agent_id)]
    assert broken(rows) is None
    return rows


async def kinds(agent: Driven) -> list[EntryKind]:
    return [row.entry.kind for row in await log_of(agent)]


async def refusal(attempt: Any) -> SagentsError:
    with pytest.raises(SagentsError) as caught:
        await attempt
    return caught.value


async def test_the_same_decision_by_two_callers_at_once_has_one_effect_and_one_answer(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask())) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        decide = [server.decide(agent.agent_id, interrupt_id, Approve()) for _ in range(2)]
        first, second = await asyncio.gather(*decide)
        assert first == second
        assert (first.status, first.by) == ("approved", "operator")
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 500.0)]
        assert await server.decide(agent.agent_id, interrupt_id, Approve()) == first  # long after
        assert await kinds(agent) == ["requested", "decided"]


async def test_of_two_that_race_one_wins_and_the_loser_learns_who(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(approvers=FINANCE))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        answers = await asyncio.gather(
            server.decide(agent.agent_id, interrupt_id, Approve(), principal=ALICE),
            server.decide(agent.agent_id, interrupt_id, Reject("no"), principal=BOB),
            return_exceptions=True,
        )
        (lost,) = [answer for answer in answers if isinstance(answer, SagentsError)]
        (won,) = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert isinstance(lost, DecisionConflict)
        assert f"{won.by} has {won.status} it" in str(lost)
        assert lost.interrupt_id == interrupt_id
        assert await agent.settled() == "idle"
        assert bank.paid == ([("7", 500.0)] if won.by == "alice" else [])


async def test_a_call_is_decided_by_those_who_may_and_by_nobody_else(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(approvers=FINANCE))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        stranger = await refusal(server.decide(agent.agent_id, interrupt_id, Approve(), principal=MALLORY))
        assert isinstance(stranger, Forbidden)
        assert "group finance; 'mallory' is none of them" in str(stranger)
        assert isinstance(await refusal(server.decide(agent.agent_id, interrupt_id, Approve())), Forbidden)
        claimed = await agent.refused("decide", {"interrupt_id": interrupt_id, "type": "approve", "by": "alice"})
        assert (claimed.type, "principal" in claimed.message) == ("Forbidden", True)
        assert (await agent.status(), bank.paid) == ("interrupted", [])
        answer = await server.decide(agent.agent_id, interrupt_id, Approve(), principal=ALICE)
        assert (answer.status, answer.by) == ("approved", "alice")
        assert await agent.settled() == "idle"
        row = (await log_of(agent))[-1].entry
        assert row.who is not None
        assert (row.who.subject, row.who.groups, row.who.channel) == ("alice", ("finance",), "api")
        assert row.arguments == {"order": "7", "amount": 500.0}


async def test_a_forged_signature_decides_nothing(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(approvers=FINANCE))) as (agent, _):
        interrupt_id = await the_interrupt(agent)
        other_door = AgentServer(
            agent.env.client,
            store=agent.env.store,
            channel=agent.env.channel,
            signer=type(agent.env.signer).fresh(),  # type: ignore[attr-defined] # keys that the worker never saw
            task_queue=agent.env.settings.task_queue,
        )
        forged = await refusal(other_door.decide(agent.agent_id, interrupt_id, Approve(), principal=ALICE))
        assert isinstance(forged, Forbidden)
        assert "key" in str(forged)
        assert (await agent.status(), bank.paid) == ("interrupted", [])


async def test_two_people_have_to_agree_and_one_counts_once(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(approvers=FINANCE, required_approvals=2))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        for _ in range(2):
            answer = await server.decide(agent.agent_id, interrupt_id, Approve(), principal=ALICE)
            assert (answer.status, answer.approvals, answer.required) == ("pending", 1, 2)
        assert bank.paid == []
        answer = await server.decide(agent.agent_id, interrupt_id, Approve(), principal=BOB)
        assert (answer.status, answer.approvals) == ("approved", 2)
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 500.0)]
        assert await kinds(agent) == ["requested", "voted", "decided"]


async def test_an_edit_needs_approvals_of_the_very_same_edit(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(approvers=FINANCE, required_approvals=2))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        less: dict[str, JsonValue] = {"order": "7", "amount": 50.0}
        await server.decide(agent.agent_id, interrupt_id, Edit(less), principal=ALICE)
        answer = await server.decide(agent.agent_id, interrupt_id, Approve(), principal=BOB)
        assert (answer.status, answer.approvals) == ("pending", 1)  # of the call as the model made it
        digest = call_digest("refund", less)
        answer = await server.decide(agent.agent_id, interrupt_id, Approve(), digest=digest, principal=BOB)
        assert answer.status == "edited"
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 50.0)]
        assert (await log_of(agent))[-1].entry.after == less


async def test_who_asked_for_it_cannot_count(agent_env: Any) -> None:
    bank = Bank()
    async with agent_env(desk(bank, ask(self_approval=False))) as env:
        agent, server = await started(env, "helper"), server_of(env)
        await server.add_message(agent.agent_id, "Refund order 7", sender="alice")
        await agent.reaches("interrupted")
        interrupt_id = await the_interrupt(agent)
        own = await refusal(server.decide(agent.agent_id, interrupt_id, Approve(), principal=ALICE))
        assert isinstance(own, Forbidden)
        assert "'alice' asked for it" in str(own)
        assert isinstance(await refusal(server.decide(agent.agent_id, interrupt_id, Approve())), Forbidden)
        await server.decide(agent.agent_id, interrupt_id, Approve(), principal=BOB)
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 500.0)]


async def test_what_is_unknown_superseded_or_another_call_is_refused_by_name(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask())) as (agent, server):
        old = await the_interrupt(agent)
        unknown = await refusal(server.decide(agent.agent_id, "int_nobody", Approve()))
        assert isinstance(unknown, InterruptUnknown)
        other = await refusal(server.decide(agent.agent_id, old, Approve(), digest="sha256:0"))
        assert isinstance(other, DigestMismatch)
        await agent.send("Never mind, and refund it again")
        await until(lambda: _asks_anew(agent, old))
        gone = await refusal(server.decide(agent.agent_id, old, Approve()))
        assert isinstance(gone, InterruptGone)
        assert "superseded" in str(gone)
        assert bank.paid == []
        await until(lambda: _has_on_record(agent, ["requested", "superseded", "requested"]))


async def _has_on_record(agent: Driven, wanted: list[str]) -> bool:
    return await kinds(agent) == wanted


async def _asks_anew(agent: Driven, old: str) -> bool:
    return [view.interrupt.id for view in await agent.interrupts()] not in ([], [old])


async def test_an_edit_that_does_not_fit_is_refused_with_a_pointer_and_the_question_stays(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask())) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        wrong = Edit({"order": "7", "amount": "plenty"})
        refused = await refusal(server.decide(agent.agent_id, interrupt_id, wrong))
        assert isinstance(refused, InvalidDecision)
        assert refused.pointer == "/arguments/amount"
        assert await agent.status() == "interrupted"
        await server.decide(agent.agent_id, interrupt_id, Edit({"order": "7", "amount": 5.0}))
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 5.0)]


async def test_a_garbage_decision_by_signal_changes_nothing_and_says_why(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask())) as (agent, _):
        for garbage in ({"decisions": 5}, [{"type": "perhaps"}], [{"type": "edit", "arguments": {"amount": {}}}]):
            await agent.handle.signal("resume", garbage)
            problem = await until(lambda: _problem(agent))
            assert problem
        assert (await agent.status(), bank.paid) == ("interrupted", [])


async def _problem(agent: Driven) -> str | None:
    return (await agent.info()).problem


async def test_calls_of_a_batch_run_each_as_soon_as_it_is_decided_where_that_is_wanted(agent_env: Any) -> None:
    bank = Bank()

    def think(request: Any, _: Any) -> Any:
        results = results_since_user(request)
        if results:
            return Message.assistant(" | ".join(results))
        return asks_for(*[("refund", {"order": order, "amount": 1.0}) for order in "ab"])

    app = desk(bank, ask(), Thinks(think), middleware=[HumanInTheLoop(start="each")])
    async with waiting(agent_env, app) as (agent, server):
        first, second = [view.interrupt.id for view in await agent.interrupts()]
        await server.decide(agent.agent_id, second, Approve())
        await until(lambda: _paid(bank, 1))
        assert bank.paid == [("b", 1.0)]
        await agent.reaches("interrupted")
        await server.decide(agent.agent_id, first, Reject("not this one"))
        assert await agent.settled() == "idle"
        assert await agent.last_text() == (
            "Tool 'refund' was rejected by a human reviewer. Reason: not this one | refunded 1 for b"
        )


async def _paid(bank: Bank, times: int) -> bool:
    return len(bank.paid) >= times


async def test_a_remembered_decision_answers_the_next_time_and_is_on_record(agent_env: Any) -> None:
    bank = Bank()
    async with waiting(agent_env, desk(bank, ask(remember=("conversation",)))) as (agent, server):
        interrupt_id = await the_interrupt(agent)
        remember = Remember(scope="conversation")
        await server.decide(agent.agent_id, interrupt_id, Approve(), remember=remember)
        assert await agent.settled() == "idle"
        await agent.send("Refund it again")
        assert await agent.settled() == "idle"
        assert bank.paid == [("7", 500.0)] * 2
        assert await kinds(agent) == ["requested", "decided", "remembered"]
        (rule,) = await server.rules()
        assert (rule.tool, rule.scope, rule.verdict) == ("refund", "conversation", "approve")
        assert await server.revoke_rule(rule.id, "alice")
        await agent.send("And again")
        assert await agent.settled() == "interrupted"


async def test_the_store_knows_what_waits_and_with_which_arguments(agent_env: Any) -> None:
    bank = Bank()
    policy = ask(approvers=FINANCE, risk="high", summary="Refund {amount} for {order}", expires_after=timedelta(days=3))
    async with waiting(agent_env, desk(bank, policy), scope={"owner": "dora"}) as (agent, server):
        (item,) = await until(lambda: server.inbox(tool="refund", argument={"amount": 500.0}))
        assert isinstance(item, InboxItem)
        assert (item.interrupt.message, item.interrupt.risk, item.owner) == ("Refund 500.0 for 7", "high", "dora")
        assert item.interrupt.expires_at is not None
        assert await server.inbox(approver=CAROL) == []
        await server.decide(agent.agent_id, item.interrupt.id, Approve(), principal=ALICE)
        assert await agent.settled() == "idle"
        assert await server.inbox() == []
        assert [notice.kind for notice in agent.env.notifier.notices] == ["requested", "decided"]
        stored = await agent.env.store.events(agent.agent_id)
        assert [event.type for event in stored if event.type.startswith("approval.")] == [
            "approval.requested",
            "approval.decided",
        ]


@pytest.mark.parametrize("by_signal", [True, False], ids=["signal", "update"])
async def test_a_decision_after_the_deadline_is_refused_although_the_worker_was_away(
    agent_env: Any, by_signal: bool
) -> None:
    bank = Bank()
    async with agent_env(desk(bank, ask(expires_after=timedelta(seconds=2))), worker=False) as env:
        async with env.worker():
            agent, ends_at = await _asking(env)
        await until(lambda: _is_past(ends_at + timedelta(seconds=1.5)))
        late = None if by_signal else asyncio.create_task(agent.refused("resume", [{"type": "approve"}]))
        if by_signal:
            await agent.handle.signal("resume", [{"type": "approve"}])
        async with env.worker():
            if late is not None:
                refused = await asyncio.wait_for(late, 60)
                assert (refused.type, "expired" in refused.message) == ("InterruptGone", True)
            await until(agent.is_settled)
            assert await until(lambda: _said(agent, "Nobody answered in time"))
        assert bank.paid == []
        assert await kinds(agent) == ["requested", "expired"]


async def test_a_decision_that_a_door_signed_in_time_counts_although_the_worker_came_late(agent_env: Any) -> None:
    bank = Bank()
    async with agent_env(desk(bank, ask(expires_after=timedelta(seconds=2))), worker=False) as env:
        async with env.worker():
            agent, ends_at = await _asking(env)
            answering = Answering(decision=Approve(), interrupt_id=await the_interrupt(agent))
        word = await attest(env.signer, ALICE, agent.agent_id, (answering,), datetime.now(UTC))
        decision = {"interrupt_id": answering.interrupt_id, "type": "approve"}
        await agent.handle.signal("resume", {"decisions": [decision], "attestation": word.model_dump(mode="json")})
        await until(lambda: _is_past(ends_at + timedelta(seconds=0.5)))
        async with env.worker():
            await until(lambda: _paid(bank, 1))
            await agent.settled()
        assert await kinds(agent) == ["requested", "decided"]


async def _asking(env: Any) -> tuple[Driven, datetime]:
    agent = await started(env, "helper")
    await agent.send("Refund order 7")
    await agent.reaches("interrupted")
    (view,) = await agent.interrupts()
    assert view.interrupt.expires_at is not None
    return agent, view.interrupt.expires_at


async def _is_past(moment: datetime) -> bool:
    return datetime.now(UTC) >= moment


async def _said(agent: Driven, text: str) -> bool:
    return text in await agent.last_text()
