"""What pages show of open interrupts, and how clicks become decisions."""

import json
from typing import Any

import pytest

from sagents import Approve, Edit, Reject, Respond
from sagents.commands import Answering
from sagents.interrupt_data import interrupt_data
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.prompts import (
    Advanced,
    advance_hitl_decisions,
    advance_question_responses,
    cleared_interrupt_changes,
    interrupt_session_changes,
    shutdown_session_changes,
)
from sagents.questions import Question


def gate(number: int, **more: Any) -> Interrupt:
    return Interrupt(
        id=f"int_{number}",
        tool_call_id=str(number),
        tool="send_mail",
        message="Send mail",
        digest=f"sha256:{number}",
        allowed_decisions=("approve", "edit", "reject"),
        arguments={"to": "ann"},
        **more,
    )


def question(number: int) -> Interrupt:
    asked = Question.model_validate({"question": f"Number {number}?", "response_type": "freeform"})
    return Interrupt(
        id=f"int_{number}",
        reason="input_required",
        message=asked.question,
        tool_call_id=str(number),
        tool="ask_user",
        data=asked.data,
        allowed_decisions=("respond", "reject"),
    )


def halted(number: int, message: str = "Out of stock.", **data: Any) -> Interrupt:
    return Interrupt(
        id=f"int_{number}", reason="halt", message=message, tool_call_id=str(number), tool="stock", data=data
    )


def card(number: int) -> dict[str, Any]:
    return {
        "interrupt_id": f"int_{number}",
        "tool_call_id": str(number),
        "tool_name": "send_mail",
        "arguments": {"to": "ann"},
        "display_text": "Send mail",
        "digest": f"sha256:{number}",
    }


# ── the data of a status event ───────────────────────────────────────────────────────────────────────────────────


def test_approvals_together_are_one_batch() -> None:
    """B-81: without a type, as in the reference."""
    assert interrupt_data([gate(1), gate(2)]) == {
        "action_requests": [card(1), card(2)],
        "review_configs": {"send_mail": {"allowed_decisions": ["approve", "edit", "reject"]}},
        "hitl_tool_call_ids": ["1", "2"],
    }


def test_one_question_stands_for_itself_and_several_are_a_list() -> None:
    """B-87, B-92."""
    one = interrupt_data([question(1)]) or {}
    expected = {"type": "ask_user_question", "question": "Number 1?", "tool_call_id": "1", "interrupt_id": "int_1"}
    assert expected.items() <= one.items()
    several: Any = interrupt_data([question(1), halted(2)])
    assert several["type"] == "multiple_interrupts"
    assert [part["tool_call_id"] for part in several["interrupts"]] == ["1", "2"]
    assert [part["type"] for part in several["interrupts"]] == ["ask_user_question", "halt"]


def test_a_halt_says_where_it_comes_from() -> None:
    """B-96."""
    data = interrupt_data([halted(1)]) or {}
    assert {"type": "halt", "message": "Out of stock.", "source_tool": "stock"}.items() <= data.items()


def test_approvals_beside_a_question_keep_their_own_data() -> None:
    """B-81, B-87: as where calls start each as soon as it is decided."""
    data: Any = interrupt_data([gate(1), question(2)])
    approval, asked = data["interrupts"]
    assert (approval["action_requests"], approval["interrupt_id"]) == ([card(1)], "int_1")
    assert asked["type"] == "ask_user_question"


def test_what_is_decided_is_not_shown() -> None:
    """B-87, B-88."""
    decided = question(1).but(status=InterruptStatus.RESPONDED)
    assert interrupt_data([decided]) is None
    assert interrupt_session_changes([decided]) == {}
    assert interrupt_session_changes([]) == {}


# ── what a page shows ────────────────────────────────────────────────────────────────────────────────────────────


def test_approvals_are_shown_as_tools() -> None:
    """B-88."""
    changes = interrupt_session_changes([gate(1), gate(2)])
    assert changes["pending_tools"] == [card(1), card(2)]
    assert (changes["pending_question"], changes["pending_halt"]) == (None, None)
    assert changes["interrupt_data"] == interrupt_data([gate(1), gate(2)])


def test_questions_are_shown_one_after_the_other() -> None:
    """B-88."""
    changes = interrupt_session_changes([question(1), question(2)])
    assert (changes["pending_question"] or {})["question"] == "Number 1?"
    assert [other["question"] for other in changes["remaining_questions"]] == ["Number 2?"]
    assert (changes["question_responses"], changes["pending_tools"]) == ([], [])


def test_a_mixed_batch_is_shown_as_tools_and_loses_no_question() -> None:
    """B-88; in the reference its questions are not shown at all."""
    changes = interrupt_session_changes([gate(1), question(2)])
    assert [tool["tool_name"] for tool in changes["pending_tools"]] == ["send_mail", "ask_user"]
    assert changes["pending_tools"][1]["arguments"] == question(2).data
    assert changes["pending_question"] is None


@pytest.mark.parametrize("others", [[], [question(2)], [gate(2), question(3)]])
def test_a_halt_wins(others: list[Interrupt]) -> None:
    """B-88, B-96."""
    changes = interrupt_session_changes([*others, halted(1)])
    assert changes["pending_halt"] == {
        "interrupt_id": "int_1",
        "message": "Out of stock.",
        "source_tool": "stock",
        "tool_call_id": "1",
    }
    assert (changes["pending_question"], changes["pending_tools"]) == (None, [])


@pytest.mark.parametrize(
    ("interrupt", "source"),
    [
        (halted(1, source="budget"), "budget"),
        (halted(1, source_tool="shop", source="budget"), "shop"),
        (halted(1).but(tool=None), None),
    ],
)
def test_a_halt_may_come_from_elsewhere(interrupt: Interrupt, source: str | None) -> None:
    """B-96."""
    shown = interrupt_session_changes([interrupt])["pending_halt"]
    assert shown is not None
    assert shown["source_tool"] == source


def test_what_is_shown_is_json() -> None:
    """A page's session travels to browsers."""
    for interrupts in ([gate(1)], [question(1), question(2)], [gate(1), question(2)], [halted(1)]):
        changes = interrupt_session_changes(interrupts)
        assert json.loads(json.dumps(changes)) == changes


def test_any_other_status_clears_all_that_an_interrupt_had_put_there() -> None:
    """B-88."""
    session: dict[str, Any] = {"title": "Trip"}
    session |= interrupt_session_changes([gate(1), gate(2)])
    session |= advance_hitl_decisions(session, 0, "approve").changes
    session |= cleared_interrupt_changes()
    assert session == {"title": "Trip", **cleared_interrupt_changes()}
    assert not any(cleared_interrupt_changes().values())
    assert interrupt_session_changes([halted(1)]).keys() == cleared_interrupt_changes().keys()


# ── the agent leaves ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("interrupts", [[question(1)], [gate(1)], [halted(1)]])
def test_what_can_still_be_answered_stays_when_the_agent_leaves(interrupts: list[Interrupt]) -> None:
    """B-88: told twice, it stays too."""
    session: dict[str, Any] = {"agent_status": "interrupted", **interrupt_session_changes(interrupts)}
    for _ in range(2):
        changes = shutdown_session_changes(session, {"interrupt_restorable": True})
        assert changes == {"agent_alive": False, "loading": False, "streaming_delta": None}
        session |= changes
    assert session["agent_status"] == "interrupted"


def test_a_half_answered_batch_survives_the_agent_s_leaving() -> None:
    """B-88: the last click sends all of it."""
    session: dict[str, Any] = dict(interrupt_session_changes([question(1), question(2)]))
    session |= advance_question_responses(session, {"other_text": "one"}).changes
    session |= shutdown_session_changes(session, {"interrupt_restorable": True})
    done = advance_question_responses(session, {"other_text": "two"})
    assert done.action == "resume"
    assert [answering.decision for answering in done.decisions] == [
        Respond({"other_text": "one"}),
        Respond({"other_text": "two"}),
    ]


@pytest.mark.parametrize("shutdown", [{}, {"interrupt_restorable": False}, {"interrupt_restorable": "yes"}])
def test_what_cannot_be_answered_any_more_goes_with_the_agent(shutdown: dict[str, Any]) -> None:
    """B-88: also where an older agent does not say."""
    session = {"agent_status": "interrupted", **interrupt_session_changes([question(1)])}
    changes = shutdown_session_changes(session, shutdown)
    assert (changes["agent_status"], changes["pending_question"]) == ("not_running", None)
    nothing = shutdown_session_changes({}, {"interrupt_restorable": True})
    assert nothing["agent_status"] == "not_running"


# ── clicks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_decisions_are_gathered_and_sent_once_whatever_their_order() -> None:
    """B-88, B-153: each names its interrupt and the call that was seen."""
    session: dict[str, Any] = dict(interrupt_session_changes([gate(1), gate(2), gate(3)]))
    first = advance_hitl_decisions(session, "int_2", Reject("no"))
    assert (first.action, first.decisions) == ("more", ())
    session |= first.changes
    second = advance_hitl_decisions(session, 1, {"type": "edit", "arguments": {"to": "bob"}})
    session = json.loads(json.dumps(session | second.changes))
    done = advance_hitl_decisions(session, "1", "approve")
    assert done.action == "resume"
    assert done.decisions == (
        Answering(interrupt_id="int_2", digest="sha256:2", decision=Reject("no")),
        Answering(interrupt_id="int_3", digest="sha256:3", decision=Edit({"to": "bob"})),
        Answering(interrupt_id="int_1", digest="sha256:1", decision=Approve()),
    )
    session |= done.changes
    assert (session["pending_tools"], session["hitl_decisions"], session["interrupt_data"]) == ([], [], None)


@pytest.mark.parametrize("which", ["int_1", "1", 5, -1])
def test_a_second_click_sends_nothing(which: int | str) -> None:
    """B-88, B-153: the reference makes a decision up."""
    session: dict[str, Any] = dict(interrupt_session_changes([gate(1), gate(2)]))
    session |= advance_hitl_decisions(session, "int_1", "approve").changes
    assert advance_hitl_decisions(session, which, "approve") == Advanced("more", {})
    assert advance_hitl_decisions({}, 0, "approve") == Advanced("more", {})
    assert advance_question_responses({}, {"other_text": "x"}) == Advanced("more", {})


def test_questions_are_answered_one_by_one_and_sent_once() -> None:
    """B-88, B-94, B-153: a cancel is an answer too."""
    session: dict[str, Any] = dict(interrupt_session_changes([question(1), question(2)]))
    step = advance_question_responses(session, {"other_text": "one"})
    session |= step.changes
    assert (step.action, session["pending_question"]["question"]) == ("more", "Number 2?")
    done = advance_question_responses(session, {"type": "cancel"})
    assert done.decisions == (
        Answering(interrupt_id="int_1", decision=Respond({"other_text": "one"})),
        Answering(interrupt_id="int_2", decision=Reject()),
    )
    session |= done.changes
    assert session["pending_question"] is None
