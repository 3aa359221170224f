"""Which decision answers which interrupt: judged where things stand, without a server or a clock of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents import contract
from sagents.approvers import groups
from sagents.commands import Answering, Resume
from sagents.deadlines import next_deadline, struck
from sagents.deciding import judged
from sagents.decisions import Approve, Edit, Reject
from sagents.digests import call_digest
from sagents.errors import CannotResume, DecisionConflict, Forbidden, InterruptGone, InvalidDecision, InvalidInput
from sagents.head import CallState, Head, Phase, Run
from sagents.interrupts import Interrupt
from sagents.loop import apply
from sagents.plan import AgentRef, Approval, PlannedCall, RunSpec
from sagents.principal import Who
from sagents.results import Escalated, Expired, Reminded
from sagents.terms import Escalation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def head(*interrupts: Interrupt) -> Head:
    """An agent that waits for people before these calls."""
    calls = tuple(
        CallState(plan=PlannedCall(call_id=one.tool_call_id or "", name=one.tool or "", approval=Approval()))
        for one in interrupts
    )
    run = Run(spec=RunSpec(id="run_1"), calls=calls)
    return Head(agent=AgentRef(agent_id="a"), phase=Phase.CALLS, run=run, interrupts=interrupts)


def gate(name: str = "c1", **terms: Any) -> Interrupt:
    arguments = {"path": name}
    gate = Interrupt(
        id=f"int_{name}", tool_call_id=name, tool="delete", digest=call_digest("delete", arguments), **terms
    )
    return gate.made_at(NOON)


def says(*decisions: Any, who: Who | None = None) -> Resume:
    given = (one if isinstance(one, Answering) else Answering(decision=one) for one in decisions)
    return Resume(decisions=tuple(given), who=who)


def person(name: str, *of: str, at: datetime = NOON) -> Who:
    return Who(subject=name, groups=of, channel="api", at=at)


# ── E-80: every error in decisions; whatever is wrong, nothing has changed ───────────────────────────────────────


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (["approve", 5], "decisions.1"),
        ([{"reason": "no type"}], "decisions.0"),
        ([{"type": "perhaps"}], "decisions.0"),
        ([{"type": "edit"}], "arguments"),
        ({"decisions": 5}, "decisions"),
    ],
    ids=["no map", "no type", "unknown type", "edit without arguments", "no list"],
)
def test_a_decision_that_is_none_is_refused_with_its_place(payload: Any, words: str) -> None:
    """E-80, B-83."""
    with pytest.raises(InvalidInput, match=words):
        contract.parse_resume(payload)


@pytest.mark.parametrize(
    ("waiting", "resume", "words"),
    [
        ([gate("a"), gate("b")], says(Approve()), r"Decision count \(1\) does not match HITL tool count \(2\)"),
        ([gate()], says(), "No decision was given"),
        ([gate()], says(Edit({"path": "z"})), r"'edit' is not allowed for 'delete'; allowed: approve, reject"),
        ([], says(Approve()), "not interrupted"),
        (
            [gate("a"), gate("b")],
            says(Approve(), Answering(decision=Approve(), interrupt_id="int_b")),
            "Either every decision names its `interrupt_id`, or none does",
        ),
    ],
    ids=["count", "none", "not allowed", "nothing waits", "some named"],
)
def test_decisions_that_do_not_fit_what_waits_are_refused(waiting: list[Interrupt], resume: Resume, words: str) -> None:
    """E-80, B-83."""
    with pytest.raises(CannotResume, match=words):
        judged(head(*waiting), resume, NOON)


def test_of_several_decisions_all_are_taken_or_none() -> None:
    """E-80: the second does not fit, so the first one is not made either."""
    with pytest.raises(InvalidDecision):
        judged(head(gate("a"), gate("b")), says(Approve(), Edit({})), NOON)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("terms", "who", "allowed"),
    [
        ({}, Who(), True),
        ({}, person("ann"), True),
        ({"approvers": groups("finance")}, Who(), False),
        ({"approvers": groups("finance"), "operators_may_decide": True}, Who(), True),
        ({"approvers": groups("finance")}, person("ann", "finance"), True),
        ({"approvers": groups("finance")}, person("ann", "interns"), False),
        ({"self_approval": False, "requesters": ("ann",)}, person("ann"), False),
        ({"self_approval": False, "requesters": ("ann",)}, person("bob"), True),
        ({"self_approval": False}, Who(), False),
        ({"required_approvals": 2}, Who(), False),
        ({"required_approvals": 2, "operators_may_decide": True}, Who(), True),
    ],
)
def test_who_may_decide(terms: dict[str, Any], who: Who, allowed: bool) -> None:
    try:
        judged(head(gate(**terms)), says(Approve(), who=who), NOON)
    except Forbidden:
        assert not allowed
    else:
        assert allowed


def test_an_old_word_cannot_be_said_again() -> None:
    """Somebody who reads the history repeats what a person has said before they changed their mind."""
    asking = head(gate(required_approvals=2))
    (first,) = judged(asking, says(Approve(), who=person("ann", at=NOON + HOUR)), NOON)
    assert first.decided is not None
    asking = apply(asking, first.decided)
    with pytest.raises(DecisionConflict, match="later"):
        judged(asking, says(Reject(), who=person("ann", at=NOON)), NOON)
    with pytest.raises(Forbidden, match="older than the question"):
        judged(asking, says(Approve(), who=person("bob", at=NOON - HOUR)), NOON)


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_closed_question_knows_how_it_ended_after_its_call_has_run_on() -> None:
    asking = head(gate())
    (won,) = judged(asking, says(Answering(decision=Approve(), interrupt_id="int_c1"), who=person("ann")), NOON)
    assert won.decided is not None
    closed = apply(asking, won.decided).but(interrupts=())
    (again,) = judged(closed, says(Answering(decision=Approve(), interrupt_id="int_c1")), NOON + HOUR)
    assert (again.decided, again.answer) == (None, won.answer)
    with pytest.raises(DecisionConflict, match="ann has approved it at 2026-01-01 12:00:00 UTC"):
        judged(closed, says(Answering(decision=Reject(), interrupt_id="int_c1")), NOON + HOUR)


def test_an_expiry_is_final() -> None:
    asking = head(gate(expires_after=HOUR))
    expired = apply(asking, Expired(interrupt_id="int_c1"))
    with pytest.raises(InterruptGone, match="expired"):
        judged(expired, says(Answering(decision=Approve(), interrupt_id="int_c1")), NOON)


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_clock_counts_and_an_expiry_outranks_the_others() -> None:
    chain = (Escalation(timedelta(minutes=30), groups("board")),)
    asking = gate(expires_after=2 * HOUR, remind_after=HOUR, escalate=chain)
    assert next_deadline([asking]) == NOON + timedelta(minutes=30)
    assert struck([asking], NOON) is None
    assert struck([asking], NOON + timedelta(minutes=30)) == Escalated(interrupt_id="int_c1")
    assert struck([asking.widened()], NOON + HOUR) == Reminded(interrupt_id="int_c1", at=NOON + HOUR)
    assert struck([asking], NOON + 2 * HOUR) == Expired(interrupt_id="int_c1")


def test_reminders_that_were_slept_through_are_one() -> None:
    asking = gate(remind_after=HOUR)
    late = NOON + 5 * HOUR
    assert struck([asking], late) == Reminded(interrupt_id="int_c1", at=late)
    assert next_deadline([asking.told(late)]) == late + HOUR


def test_what_is_closed_has_no_clocks() -> None:
    assert next_deadline([gate(expires_after=HOUR).decided(Approve())]) is None
