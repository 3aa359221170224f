"""Decisions on their way to an agent, and what comes back."""

from typing import Any

import pytest

from sagents import Approve, CannotAnswer, Edit, InvalidInput, Reject, Respond
from sagents.client import payloads
from sagents.commands import Answering
from sagents.contract import parse_decide, parse_message, parse_resume
from sagents.decision_log import Remember
from sagents.principal import Principal
from sagents_infra.identity import KeyRing
from sagents_infra.stores import MemoryStore
from tests.client.waiting import item, out_of_reach, put

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
