"""Interrupts out, answers back: the conventions of AG-UI, our own words, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from ag_ui.core import ResumeEntry

from sagents.decisions import Approve, Decision, Edit, Reject, Respond
from sagents.errors import InvalidInput
from sagents.interrupts import Interrupt
from sagents_infra.ag_ui.interrupts import answering, asked, decision_of, from_status

GATE = Interrupt(
    id="int_1",
    message="Refund 500?",
    tool="refund",
    tool_call_id="c1",
    arguments={"amount": 500},
    digest="sha256:1",
    allowed_decisions=("approve", "edit", "reject"),
    expires_at=datetime(2026, 1, 2, tzinfo=UTC),
    required_approvals=2,
)
FORM = Interrupt(
    id="int_2", reason="input_required", response_schema={"type": "object"}, allowed_decisions=("respond",)
)
HALT = Interrupt(id="int_3", reason="halt", message="Out of stock.")
FREE = Interrupt(id="int_4", reason="input_required", allowed_decisions=("approve", "reject", "respond"))


def entry(interrupt: Interrupt, payload: Any = None, status: Any = "resolved", **more: Any) -> ResumeEntry:
    return ResumeEntry(interrupt_id=interrupt.id, status=status, payload=payload, **more)


def test_an_approval_has_the_form_that_ag_ui_recommends_and_its_deadline() -> None:
    """DESIGN 8: `responseSchema`, `expiresAt`."""
    told = asked(GATE, None).model_dump(by_alias=True, mode="json")
    assert {name: told[name] for name in ("id", "reason", "message", "toolCallId", "expiresAt")} == {
        "id": "int_1",
        "reason": "tool_call",
        "message": "Refund 500?",
        "toolCallId": "c1",
        "expiresAt": "2026-01-02T00:00:00+00:00",
    }
    form = told["responseSchema"]
    assert (form["required"], [*form["properties"]]) == (["approved"], ["approved", "editedArgs", "reason"])
    details = told["metadata"]["sagents"]
    assert (details["arguments"], details["digest"], details["requiredApprovals"]) == ({"amount": 500}, "sha256:1", 2)


@pytest.mark.parametrize(
    ("allowed", "properties"),
    [
        (("approve",), ["approved"]),
        (("approve", "reject"), ["approved", "reason"]),
        (("approve", "respond"), ["approved", "response"]),
    ],
    ids=["approve", "reject", "respond"],
)
def test_the_form_offers_only_what_is_allowed(allowed: tuple[str, ...], properties: list[str]) -> None:
    form: Any = asked(GATE.but(allowed_decisions=allowed), None).response_schema
    assert [*form["properties"]] == properties


def test_other_interrupts_have_their_own_form_and_a_reason_of_ours() -> None:
    form, halt = asked(FORM, "desk/sub"), asked(HALT, None)
    assert (form.response_schema, form.subagent_run_id, form.reason) == (
        {"type": "object"},
        "desk/sub",
        "input_required",
    )
    assert (halt.response_schema, halt.reason) == ({"type": "string"}, "sagents:halt")


@pytest.mark.parametrize(
    ("payload", "decision"),
    [
        (True, Approve()),
        (False, Reject()),
        ({"approved": True}, Approve()),
        ({"approved": True, "editedArgs": {"amount": 500}}, Approve()),
        ({"approved": True, "editedArgs": {"amount": 5}}, Edit({"amount": 5})),
        ({"approved": False, "reason": "too late"}, Reject("too late")),
        ({"response": "done by hand"}, Respond("done by hand")),
        ({"type": "edit", "arguments": {"amount": 1}}, Edit({"amount": 1})),
    ],
    ids=["yes", "no", "approved", "same", "edited", "rejected", "response", "ours"],
)
def test_an_approval_is_answered_in_any_of_the_known_ways(payload: Any, decision: Decision) -> None:
    assert decision_of(entry(GATE, payload), GATE) == decision


@pytest.mark.parametrize(
    "payload",
    [None, "yes", {"approved": "yes"}, {"approved": True, "editedArgs": []}, {"type": "edit"}],
    ids=["nothing", "a-word", "a-word-inside", "no-object", "ours-incomplete"],
)
def test_an_approval_is_never_guessed(payload: Any) -> None:
    with pytest.raises(InvalidInput):
        decision_of(entry(GATE, payload), GATE)


def test_a_question_takes_the_value_it_asks_for_whatever_that_looks_like() -> None:
    assert decision_of(entry(FORM, {"type": "approve"}), FORM) == Respond({"type": "approve"})
    assert decision_of(entry(HALT, "go on"), HALT) == Respond("go on")
    assert decision_of(entry(FREE, {"approved": False}), FREE) == Reject()
    assert decision_of(entry(FREE, "words"), FREE) == Respond("words")


@pytest.mark.parametrize("interrupt", [GATE, FORM, FREE], ids=["gate", "form", "free"])
def test_who_abandons_a_question_says_no(interrupt: Interrupt) -> None:
    assert decision_of(entry(interrupt, status="cancelled"), interrupt) == Reject()


def test_an_answer_can_name_the_call_that_was_seen() -> None:
    """AG-UI: what the page echoes in the metadata binds the answer to the action."""
    named = answering(entry(GATE, True, metadata={"digest": "sha256:1"}), GATE)
    assert (named.interrupt_id, named.digest) == ("int_1", "sha256:1")
    assert answering(entry(GATE, True), GATE).digest is None


def test_all_shapes_of_a_status_are_read() -> None:
    """B-52, B-81, B-92: approvals together, one question, several things, a sub-agent's."""
    request = {"interrupt_id": "i1", "tool_call_id": "c1", "tool_name": "refund", "arguments": {"n": 1}}
    batch = {
        "action_requests": [{**request, "display_text": "Refund", "digest": "d"}],
        "review_configs": {"refund": {"allowed_decisions": ["approve"]}},
    }
    question = {"type": "ask_user_question", "question": "Which?", "interrupt_id": "i2", "tool_call_id": "c2"}
    below = {"type": "subagent_hitl", "interrupts": [{**question, "sub_agent_id": "desk/sub", "path": ["sub"]}]}
    several = {
        "type": "multiple_interrupts",
        "interrupts": [{**batch, "interrupt_id": "i1", "tool_call_id": "c1"}, question],
    }
    ((gate, _),) = from_status(batch)
    assert (gate.id, gate.tool, gate.allowed_decisions, gate.is_gate) == ("i1", "refund", ("approve",), True)
    assert [(one.id, one.message) for one, _ in from_status(question)] == [("i2", "Which?")]
    assert [(one.id, whose, one.path) for one, whose in from_status(below)] == [("i2", "desk/sub", ("sub",))]
    assert [one.id for one, _ in from_status(several)] == ["i1", "i2"]
    assert [*from_status(None)] == []
