"""Attacks on approvals that need no server: each was tried, and each has to come to nothing."""

from datetime import timedelta
from typing import Any

import pytest

from sagents import contract, recording
from sagents.approvers import groups
from sagents.commands import Answering, Resume
from sagents.deadlines import next_deadline, struck
from sagents.deciding import judged
from sagents.decision_log import Entry, EntryKind
from sagents.decisions import Approve, Edit, Reject, Respond
from sagents.digests import call_digest
from sagents.errors import DecisionConflict, DigestMismatch, InvalidInput
from sagents.head import Head
from sagents.interrupts import Raised
from sagents.loop import apply, next_action
from sagents.plan import AgentRef, Answered, Approval, Plan, PlannedCall, RunSpec
from sagents.results import AnswerDone, AskModel, Decided, Escalated, Reminded, RunCalls, Started
from sagents.rules import rule_key
from sagents.terms import Escalation
from tests.sagents.test_deciding import HOUR, NOON, gate, head, person, says

# ── a halt beside calls that wait for an approval ────────────────────────────────────────────────────────────────


def halted() -> Head:
    """A hook has halted the agent after a reply that wants to pay and to look."""
    planned = Plan(
        record="r1",
        calls=(PlannedCall(call_id="c1", name="pay", approval=Approval()), PlannedCall(call_id="c2", name="look")),
        raised=Raised(reason="halt", message="Stop", allowed_decisions=("respond",), on_expiry="cancel_run"),
        replied=True,
    )
    idle = Head(agent=AgentRef(agent_id="a"))
    return apply(apply(idle, Started(run=RunSpec(id="run_1"))), planned)


def test_an_answered_halt_lets_no_call_run_that_waits_for_an_approval() -> None:
    asking = halted()
    halt = next(one for one in asking.open_interrupts if one.reason == "halt")
    answered = apply(asking, Decided(interrupt_id=halt.id, decision=Respond("Go on"), who=person("ann")))
    assert not isinstance(next_action(answered), RunCalls)
    done = apply(answered, AnswerDone(interrupt_id=halt.id, answered=Answered()))
    assert isinstance(next_action(done), AskModel)
    results = [result for message in done.log.window for result in message.tool_results]
    assert [result.tool_call_id for result in results] == ["c1", "c2"]


# ── late decisions ───────────────────────────────────────────────────────────────────────────────────────────────


def decided(asking: Head, decision: Any, name: str, digest: str | None = None) -> Head:
    answering = Answering(decision=decision, interrupt_id="int_c1", digest=digest)
    (one,) = judged(asking, says(answering, who=person(name)), NOON)
    assert one.decided is not None
    return apply(asking, one.decided)


def late(decision: Any, digest: str | None = None) -> Resume:
    return says(Answering(decision=decision, interrupt_id="int_c1", digest=digest), who=person("bob"))


@pytest.mark.parametrize("decision", [Reject(), Respond("no need")])
def test_who_approves_a_call_by_its_digest_learns_that_somebody_has_closed_it_otherwise(decision: Any) -> None:
    waiting = gate(allowed_decisions=("approve", "reject", "respond"))
    closed = decided(head(waiting), decision, "ann")
    with pytest.raises(DecisionConflict, match="ann has re"):
        judged(closed, late(Approve(), waiting.digest), NOON)


def test_who_approves_another_form_of_a_call_is_not_told_that_it_was_approved() -> None:
    closed = decided(head(gate()), Approve(), "ann")
    with pytest.raises(DigestMismatch):
        judged(closed, late(Approve(), call_digest("delete", {"path": "/"})), NOON)


def test_who_joins_an_edit_late_hears_that_it_was_made() -> None:
    closed = decided(head(gate(allowed_decisions=("approve", "edit"))), Edit({"path": "x"}), "ann")
    (again,) = judged(closed, late(Approve(), call_digest("delete", {"path": "x"})), NOON)
    assert (again.decided, again.answer.status) == (None, "edited")


# ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wish",
    [
        {"scope": "conversation", "match": "exactly"},
        {"scope": "conversation", "ttl": 60},
        {"scope": "conversation", "ttl_ms": 10**18},
        {"scope": "conversation", "ttl_ms": 0},
        {"scope": "conversation", "ttl_ms": -1},
    ],
    ids=["no such match", "misspelt", "for ever and a day", "for no time", "until yesterday"],
)
def test_a_wish_that_cannot_be_meant_is_refused_at_the_door(wish: dict[str, Any]) -> None:
    """A misspelt `exact` would allow every call, a misspelt `ttl_ms` allow it for ever, a huge one never be saved."""
    with pytest.raises(InvalidInput):
        contract.parse_decide({"interrupt_id": "int_c1", "type": "approve", "remember": wish})


def test_rules_of_users_whose_names_run_together_are_kept_apart() -> None:
    keys = {
        rule_key("user", agent_id="a", run_id="r", owner=owner, tenant=tenant)
        for tenant, owner in [("a:b", "c"), ("a", "b:c"), (None, "a:b:c"), ("", ":a"), (":", "a")]
    }
    assert len(keys) == 5


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("every", [timedelta(0), timedelta(-1), timedelta(microseconds=1)])
def test_reminders_without_a_pause_between_them_do_not_turn_for_ever(every: timedelta) -> None:
    asking, strikes = gate(remind_after=every), 0
    while (due := struck([asking], NOON + HOUR)) is not None:
        asking, strikes = asking.told(due.at if isinstance(due, Reminded) else None), strikes + 1
        assert strikes < 2
    upcoming = next_deadline([asking])
    assert upcoming is not None
    assert upcoming >= NOON + HOUR + timedelta(seconds=1)


def test_a_deadline_after_the_end_of_time_never_comes() -> None:
    ages = timedelta.max
    chain = (Escalation(ages, groups("board")),)
    asking = gate(expires_after=ages, remind_after=ages, escalate=chain)
    assert struck([asking], NOON + HOUR) is None
    upcoming = next_deadline([asking])
    assert upcoming is None or upcoming > NOON + timedelta(days=365_000)


# ── times of a door ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("field", ["at", "expires_at"])
def test_a_signed_word_without_a_time_zone_is_refused_at_the_door(field: str) -> None:
    """Compared with a deadline it would stop the workflow for ever: this comes before any signature is checked."""
    word: dict[str, Any] = {"principal": {"subject": "ann"}, "agent_id": "a", "at": "2026-01-01T12:00:00Z", "about": ""}
    (word if field == "at" else word["principal"])[field] = "2026-01-01T12:00:00"
    with pytest.raises(InvalidInput, match=field):
        contract.parse_decide({"interrupt_id": "int_c1", "type": "approve", "attestation": word})


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_escalations_at_once_are_two_entries() -> None:
    """A worker that was away strikes both in one moment; each has its own slot, or the store takes one for both."""
    chain = (Escalation(HOUR, groups("leads")), Escalation(2 * HOUR, groups("board")))
    asking, entries = head(gate(approvers=groups("staff"), escalate=chain)), list[Entry]()
    for _ in range(2):
        result = Escalated(interrupt_id="int_c1")
        after = apply(asking, result)
        entries += recording.entries(asking, after, result, NOON + 3 * HOUR, entries)
        asking = after
    assert len({entry.slot for entry in entries}) == 2


def test_two_votes_of_one_person_at_once_are_two_entries() -> None:
    asking, entries = head(gate(allowed_decisions=("approve", "edit"), required_approvals=3)), list[Entry]()
    for decision in (Approve(), Edit({"path": "x"}), Approve()):
        (one,) = judged(asking, says(decision, who=person("ann")), NOON)
        assert one.decided is not None
        after = apply(asking, one.decided)
        entries += recording.entries(asking, after, one.decided, NOON, entries)
        asking = after
    assert len({entry.slot for entry in entries}) == 3


def test_entries_that_are_too_large_for_one_save_go_with_several() -> None:
    """While the store is away they gather; one that is too large by itself is refused at the door."""
    large = Entry(slot="s", kind=EntryKind.VOTED, interrupt_id="i", at=NOON, decision=Edit({"x": "y" * 400_000}))
    assert recording.first_to_save((large,) * 5) == (large,) * 2
    assert recording.first_to_save((large,)) == (large,)
    assert recording.first_to_save(()) == ()
