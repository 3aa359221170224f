"""Decisions on their way to an agent, and what comes back."""

from dataclasses import replace
from typing import Any

import pytest

from sagents import (
    Approve,
    CannotAnswer,
    CannotResume,
    Edit,
    InvalidInput,
    Reject,
    Respond,
    Sagents,
    Status,
    ask,
    tool,
)
from sagents.approvers import groups
from sagents.client import AgentServer, payloads
from sagents.commands import Answering
from sagents.contract import parse_decide, parse_message, parse_resume
from sagents.decision_log import Remember
from sagents.errors import (
    DecisionConflict,
    DecisionRefused,
    DigestMismatch,
    Forbidden,
    InterruptUnknown,
    InvalidDecision,
)
from sagents.inbox import InboxItem
from sagents.interrupts import InterruptStatus
from sagents.principal import Principal
from sagents_infra.identity import KeyRing
from sagents_infra.stores import MemoryStore
from tests.client.apps import app_of
from tests.client.patience import reaches, settled
from tests.client.waiting import item, out_of_reach, put
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import uses

ANNA = Principal("anna", groups=("finance",))
REMEMBER = Remember(scope="conversation", ttl_ms=1_000)


KEPT = {"scope": "conversation", "ttl_ms": 1_000}


@pytest.mark.parametrize(
    ("decision", "digest", "remember", "written"),
    [
        (Approve(), None, None, {"type": "approve"}),
        (Edit({"amount": 5}), "sha256:1", None, {"type": "edit", "arguments": {"amount": 5}, "digest": "sha256:1"}),
        (
            Reject("no"),
            None,
            REMEMBER,
            {"type": "reject", "reason": "no", "remember": {"scope": "conversation", "ttl_ms": 1_000}},
        ),
        (Respond({"selected": ["a"]}), None, None, {"type": "respond", "content": {"selected": ["a"]}}),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_a_decision_is_flat_on_the_wire_and_read_back_as_it_was(
    decision: Any, digest: str | None, remember: Remember | None, written: dict[str, Any]
) -> None:
    payload = payloads.decision("int_1", decision, digest, remember)
    assert payload == {"interrupt_id": "int_1", **written}
    [read] = parse_decide(payload).decisions
    assert read == Answering(decision=decision, interrupt_id="int_1", digest=digest, remember=remember)


def test_decisions_of_a_resume_keep_what_they_are_about() -> None:
    given = Answering(decision=Approve(), interrupt_id="int_1", digest="sha256:1", remember=REMEMBER)
    assert parse_resume(payloads.decisions([given])).decisions == (given,)


@pytest.mark.parametrize(
    ("interrupt_id", "decision", "why"),
    [
        ("", Approve(), "interrupt_id"),
        ("int_1", "approve", "Approve, Edit, Reject or Respond"),
        ("int_1", Respond("x" * 3_000_000), "2,097,152 bytes at most"),
    ],
    ids=["no id", "a word", "three megabytes"],
)
def test_what_cannot_be_meant_never_travels(interrupt_id: str, decision: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        payloads.decision(interrupt_id, decision, None, None)


def test_a_message_says_whose_it_is() -> None:
    assert parse_message(payloads.message("refund me", None, None, "anna")).sender == "anna"
    assert parse_message(payloads.message("refund me", None, None)).sender is None


@pytest.mark.asyncio
async def test_nobody_vouches_for_a_person_without_keys() -> None:
    server = await out_of_reach(MemoryStore())
    with pytest.raises(InvalidInput, match="SAGENTS_SIGNING_KEYS"):
        await server.decide("a", "int_1", Approve(), principal=ANNA)
    with pytest.raises(InvalidInput, match="anna"):
        await server.resume("a", Answering(decision=Approve(), interrupt_id="int_1"), principal=ANNA)


@pytest.mark.asyncio
async def test_a_person_does_not_come_through_the_channel_of_operators() -> None:
    server = await out_of_reach(MemoryStore(), signer=KeyRing.fresh())
    with pytest.raises(InvalidInput, match="operators"):
        await server.decide("a", "int_1", Approve(), principal=ANNA, channel="temporal")


@pytest.mark.asyncio
async def test_of_many_decisions_each_fails_by_itself() -> None:
    store = MemoryStore()
    await put(store, item("a", 1), item("b", 2))
    server = await out_of_reach(store)
    decided = await server.decide_all(await server.inbox(), Approve())
    assert [one.item.agent_id for one in decided] == ["a", "b"]
    assert [type(one.error) for one in decided] == [CannotAnswer, CannotAnswer]


# ── with agents that run ─────────────────────────────────────────────────────────────────────────────────────────

BOB, OLGA = Principal("bob", groups=("finance",)), Principal("olga", groups=("finance",))
IN_FINANCE: dict[str, Any] = {"approvers": groups("finance"), "remember": ("conversation",)}


def desk(at_once: int = 1, **terms: Any) -> Sagents:
    """Asks people about a refund of 500."""

    @tool(approval=ask(**terms))
    def refund(order: str, amount: int) -> str:
        """Refund an order."""
        return f"refunded {amount} for {order}"

    return app_of(uses("refund", at_once=at_once, order="7", amount=500), refund)


async def asked(server: AgentServer, agent_id: str, sender: str | None = None, count: int = 1) -> list[InboxItem]:
    """What waits of an agent that was told to refund something."""
    await server.start("helper", agent_id=agent_id)
    await server.add_message(agent_id, "refund", sender=sender)

    async def waits() -> list[InboxItem]:
        items = await server.inbox(agent_id=agent_id)
        return items if len(items) == count else []

    found: list[InboxItem] = await until(waits)
    return found


async def said(server: AgentServer, agent_id: str) -> str:
    await settled(server, agent_id)
    return (await server.messages(agent_id))[-1].text


@pytest.mark.asyncio
async def test_the_inbox_shows_the_call_and_a_decision_by_a_person_is_taken_and_kept(serve: Any) -> None:
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id(), sender="olga")
        assert (item.agent, item.interrupt.tool) == ("helper", "refund")
        assert item.interrupt.arguments == {"order": "7", "amount": 500}
        where = (env.id(), item.interrupt.id)
        answer = await server.decide(*where, Approve(), digest=item.interrupt.digest, principal=ANNA, channel="web")
        assert (answer.status, answer.by) == (InterruptStatus.APPROVED, "anna")
        assert await said(server, env.id()) == "done: refunded 500 for 7"
        again = await server.decide(*where, Approve(), principal=ANNA)
        assert (again.status, again.by) == (InterruptStatus.APPROVED, "anna")
        decided = [row.entry for row in await server.decision_log(env.id()) if row.entry.kind == "decided"]
        assert [(entry.who and entry.who.name, entry.who and entry.who.channel) for entry in decided] == [
            ("anna", "web")
        ]
        assert await server.verify_log(env.id()) is None
        assert await server.inbox() == []


@pytest.mark.asyncio
async def test_each_refusal_has_its_own_type_and_leaves_the_question_open(serve: Any) -> None:
    """B-62, B-83."""
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id())
        where = (env.id(), item.interrupt.id)
        refusals: list[tuple[type[DecisionRefused], dict[str, Any]]] = [
            (Forbidden, {"decision": Approve()}),
            (Forbidden, {"decision": Approve(), "principal": Principal("mallory")}),
            (DigestMismatch, {"decision": Approve(), "principal": ANNA, "digest": "sha256:other"}),
            (InvalidDecision, {"decision": Respond("no"), "principal": ANNA}),
            (InvalidDecision, {"decision": Edit({"order": "7", "amount": "many"}), "principal": ANNA}),
            (InvalidDecision, {"decision": Approve(), "principal": ANNA, "remember": Remember(scope="user")}),
        ]
        for kind, given in refusals:
            with pytest.raises(DecisionRefused) as refused:
                await server.decide(*where, **given)
            assert type(refused.value) is kind, given
            assert refused.value.interrupt_id == item.interrupt.id
        with pytest.raises(InterruptUnknown):
            await server.decide(env.id(), "int_other", Approve(), principal=ANNA)
        assert len(await server.inbox()) == 1
        await server.decide(*where, Reject("no"), principal=ANNA)
        with pytest.raises(DecisionConflict, match="anna"):
            await server.decide(*where, Approve(), principal=BOB)
        await settled(server, env.id())


@pytest.mark.asyncio
async def test_an_edit_that_does_not_fit_says_where(serve: Any) -> None:
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id())
        wrong = Edit({"order": "7", "amount": "many"})
        with pytest.raises(InvalidDecision) as refused:
            await server.decide(env.id(), item.interrupt.id, wrong, principal=ANNA)
        assert refused.value.pointer.endswith("/amount")
        fits = Edit({"order": "7", "amount": 5})
        assert (await server.decide(env.id(), item.interrupt.id, fits, principal=ANNA)).status == "edited"
        assert await said(server, env.id()) == "done: refunded 5 for 7"


@pytest.mark.asyncio
async def test_what_was_refused_is_taken_once_it_is_right(serve: Any) -> None:
    """The same decision of the same person again: Temporal would answer a repeated update id by the first refusal."""
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id())
        where = (env.id(), item.interrupt.id)
        with pytest.raises(Forbidden, match="SAGENTS_SIGNING_KEYS"):
            await server_of(replace(env, signer=KeyRing.fresh())).decide(*where, Approve(), principal=ANNA)
        assert (await server.decide(*where, Approve(), principal=ANNA)).by == "anna"
        await settled(server, env.id())


@pytest.mark.asyncio
async def test_a_person_counts_once_and_who_asked_does_not_count(serve: Any) -> None:
    async with serve(desk(required_approvals=2, self_approval=False, **IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id(), sender="olga")
        where = (env.id(), item.interrupt.id)
        for _ in range(2):
            first = await server.decide(*where, Approve(), principal=ANNA)
            assert (first.status, first.approvals, first.required) == (InterruptStatus.PENDING, 1, 2)
        with pytest.raises(Forbidden):
            await server.decide(*where, Approve(), principal=OLGA)
        assert (await server.decide(*where, Approve(), principal=BOB)).status is InterruptStatus.APPROVED
        await settled(server, env.id())


@pytest.mark.asyncio
async def test_a_decision_wakes_an_agent_that_sleeps_and_is_taken(serve: Any) -> None:
    """B-123."""
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id())
        await server.stop(env.id())
        assert await server.inbox() == [item]
        answer = await server.decide(env.id(), item.interrupt.id, Approve(), principal=ANNA)
        assert answer.status is InterruptStatus.APPROVED
        assert await said(server, env.id()) == "done: refunded 500 for 7"


@pytest.mark.asyncio
async def test_a_person_answers_all_that_wait_in_their_order(serve: Any) -> None:
    """B-82; each decision is signed for the interrupt at its place."""
    async with serve(desk(at_once=2, **IN_FINANCE)) as (server, env):
        await asked(server, env.id(), count=2)
        with pytest.raises(CannotResume, match="2 interrupt"):
            await server.resume(env.id(), Approve(), principal=ANNA)
        accepted = await server.resume(env.id(), (Approve(), Reject("no")), principal=ANNA)
        assert [(one.status, one.by) for one in accepted.decisions] == [("approved", "anna"), ("rejected", "anna")]
        await settled(server, env.id())


@pytest.mark.asyncio
async def test_a_remembered_decision_is_not_asked_again_until_it_is_revoked(serve: Any) -> None:
    async with serve(desk(**IN_FINANCE)) as (server, env):
        [item] = await asked(server, env.id())
        remember = Remember(scope="conversation")
        await server.decide(env.id(), item.interrupt.id, Approve(), principal=ANNA, remember=remember)
        await settled(server, env.id())
        [rule] = await server.rules(agent_id=env.id())
        assert (rule.tool, rule.who.name) == ("refund", "anna")
        await server.add_message(env.id(), "again")
        assert await said(server, env.id()) == "done: refunded 500 for 7"
        assert await server.inbox() == []
        assert await server.revoke_rule(rule.id, "bob")
        await server.add_message(env.id(), "and again")
        await reaches(server, env.id(), Status.INTERRUPTED)
