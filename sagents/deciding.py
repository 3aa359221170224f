"""Which decision answers which interrupt, and whether it may. What does not fit changes nothing (B-83).

Every decision is judged where things stand now: who was first wins, who repeats it hears the same answer, and who comes
late or wants otherwise learns how it ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sagents.commands import Answering, Resume
from sagents.contract import DecisionAnswer
from sagents.decisions import Approve, Edit, Reject
from sagents.digests import call_digest, decision_bytes, decision_digest
from sagents.errors import (
    CannotResume,
    DecisionConflict,
    DecisionRefused,
    DigestMismatch,
    Forbidden,
    InterruptGone,
    InterruptUnknown,
    InvalidDecision,
)
from sagents.head import Head
from sagents.interrupts import Closed, Interrupt, InterruptStatus
from sagents.loop import apply
from sagents.principal import Who
from sagents.results import Decided

DECISION_BYTES = 256 * 1024
SKEW = timedelta(seconds=5)
"""How far a door's clock may be behind."""


class Judged(NamedTuple):
    """What a decision comes to; `decided` is None where it was taken before and changes nothing."""

    answer: DecisionAnswer
    decided: Decided | None


def judged(head: Head, resume: Resume, now: datetime, *, by_anybody: bool = False) -> tuple[Judged, ...]:
    """The decisions of a resume, each with its interrupt: by id, else by place (B-82). All of them or none.

    Raises `CannotResume`: nothing waits or the count differs; `DecisionRefused`, which is one, names an interrupt.
    `by_anybody` does not look at who decides: in a test or a script there is nobody but its author.
    """
    found: list[Judged] = []
    for answering, interrupt_id in _pairs(head, resume):
        one = Judge(head, answering, interrupt_id, _who(resume, now), by_anybody).judged()
        head = apply(head, one.decided) if one.decided else head
        found.append(one)
    return tuple(found)


def matched(head: Head, resume: Resume, now: datetime, *, by_anybody: bool = False) -> tuple[Decided, ...]:
    """What the decisions of a resume change."""
    return tuple(one.decided for one in judged(head, resume, now, by_anybody=by_anybody) if one.decided)


def bound(head: Head, resume: Resume) -> Resume:
    """The resume with every interrupt named: what waits at a decision's place now, whatever waits there later.

    Raises `CannotResume` where the decisions do not fit what waits.
    """
    pairs = _pairs(head, resume)
    return resume.but(decisions=tuple(answering.but(interrupt_id=which) for answering, which in pairs))


def claims_in_time(resume: Resume, interrupt: Interrupt) -> bool:
    """Whether a door says that this interrupt was decided before its end; nobody has checked that yet."""
    word, until = resume.attestation, interrupt.expires_at
    named = any(answering.interrupt_id == interrupt.id for answering in resume.decisions)
    return named and word is not None and until is not None and word.at < until


def after(head: Head, resumes: tuple[Resume, ...], now: datetime) -> Head:
    """The head as it will be once these decisions, which are taken already, are made."""
    for resume in resumes:
        try:
            decided = [one.decided for one in judged(head, resume, now)]
        except CannotResume:
            continue
        for one in decided:
            head = apply(head, one) if one else head
    return head


def _who(resume: Resume, now: datetime) -> Who:
    who = resume.who or Who()
    return who if who.at is not None else who.but(at=now)


def _pairs(head: Head, resume: Resume) -> list[tuple[Answering, str]]:
    waiting, decisions = head.open_interrupts, resume.decisions
    named = [(answering, answering.interrupt_id) for answering in decisions if answering.interrupt_id is not None]
    if decisions and len(named) == len(decisions):
        return named
    if not waiting:
        raise CannotResume(head.agent.agent_id, str(head.status))
    if not decisions:
        raise _refused(head, f"No decision was given; {len(waiting)} interrupt(s) wait for one")
    if named:
        raise _refused(head, "Either every decision names its `interrupt_id`, or none does")
    if len(decisions) != len(waiting):
        raise _refused(head, f"Decision count ({len(decisions)}) does not match HITL tool count ({len(waiting)})")
    return [(answering, interrupt.id) for answering, interrupt in zip(decisions, waiting, strict=True)]


def _refused(head: Head, why: str) -> CannotResume:
    return CannotResume(head.agent.agent_id, str(head.status), why)


class Judge:
    """One decision about one interrupt."""

    def __init__(self, head: Head, answering: Answering, interrupt_id: str, who: Who, by_anybody: bool) -> None:
        self.head, self.answering, self.interrupt_id, self.who = head, answering, interrupt_id, who
        self.by_anybody = by_anybody
        self.decision = answering.decision

    def judged(self) -> Judged:
        interrupt = self.head.interrupt(self.interrupt_id)
        if interrupt is None or not interrupt.is_open:
            return self._late()
        self._check_time(interrupt)
        self._check_kind(interrupt)
        if not self.by_anybody:
            self._check_person(interrupt)
        self._check_remember(interrupt)
        if not self.by_anybody:
            self._check_size()
        decided = Decided(
            interrupt_id=interrupt.id,
            decision=self.decision,
            digest=self._digest(interrupt),
            who=self.who,
            remember=self.answering.remember,
        )
        voted = interrupt.voted(decided.vote)
        repeated = any(vote.but(who=self.who) == decided.vote for vote in interrupt.votes_of(self.who))
        return Judged(_answer(voted, self.who), None if repeated and voted.is_open else decided)

    def _check_time(self, interrupt: Interrupt) -> None:
        """Not after its end, and not before it was asked: then an old word, read in the history, is sent again."""
        at = self.who.at
        if at is None:
            return
        if interrupt.expires_at is not None and at >= interrupt.expires_at:
            raise self._no(InterruptGone, f"it expired at {interrupt.expires_at:%Y-%m-%d %H:%M:%S} UTC")
        if interrupt.opened_at is not None and at < interrupt.opened_at - SKEW:
            raise self._no(Forbidden, "the decision is older than the question; decide once more")
        if any(vote.who.at is not None and vote.who.at > at for vote in interrupt.votes_of(self.who)):
            raise self._no(DecisionConflict, f"{self.who.name!r} has decided later than this decision was made")

    def _check_kind(self, interrupt: Interrupt) -> None:
        if self.decision.type not in interrupt.allowed_decisions:
            allowed, what = ", ".join(interrupt.allowed_decisions), interrupt.tool or interrupt.reason
            raise self._refusal(
                InvalidDecision,
                f"Decision '{self.decision.type}' is not allowed for '{what}'; allowed: {allowed}",
                "/type",
            )

    def _check_person(self, interrupt: Interrupt) -> None:
        who, approvers = self.who, interrupt.approvers
        if who.is_operator:
            if interrupt.is_for_anybody or interrupt.operators_may_decide:
                return
            people = approvers or "people whom a door knows"
            raise self._no(Forbidden, f"it is for {people}; nobody vouches for who decides here: give a principal")
        if not interrupt.self_approval and who.subject in interrupt.requesters:
            raise self._no(Forbidden, f"{who.name!r} asked for it; somebody else has to decide")
        if approvers is not None and not approvers.admits(who):
            raise self._no(Forbidden, f"it is for {approvers}; {who.name!r} is none of them")

    def _check_remember(self, interrupt: Interrupt) -> None:
        remember = self.answering.remember
        if remember is None:
            return
        if remember.scope not in interrupt.remember or not isinstance(self.decision, Approve | Reject):
            allowed = ", ".join(interrupt.remember) or "nothing"
            raise self._no(InvalidDecision, f"what may be remembered of it: {allowed}", "/remember/scope")
        if remember.scope == "user" and not self.head.agent.scope.get("owner"):
            raise self._no(InvalidDecision, "the agent has no owner to remember it for", "/remember/scope")

    def _check_size(self) -> None:
        """The head carries all decisions about a batch, and some of its history; beyond 2 MiB a workflow ends."""
        votes = [vote.decision for one in self.head.interrupts for vote in one.votes]
        if sum(map(decision_bytes, [*votes, self.decision])) > DECISION_BYTES:
            why = f"decisions about what waits together have {DECISION_BYTES:,} bytes at most"
            raise self._no(InvalidDecision, why)

    def _digest(self, interrupt: Interrupt) -> str:
        """Of the call that is decided about; who names another one has seen something else."""
        named = self.answering.digest
        proposed = {vote.digest for vote in interrupt.votes if isinstance(vote.decision, Edit)}
        known = {interrupt.digest, *(proposed if isinstance(self.decision, Approve) else ())}
        if named is not None and named not in known:
            raise self._no(DigestMismatch, "its call is another one than the one that was seen; look again")
        if isinstance(self.decision, Edit):
            return call_digest(interrupt.tool or "", self.decision.arguments)
        return named or interrupt.digest

    def _late(self) -> Judged:
        closed = self.head.closed_one(self.interrupt_id)
        if closed is None:
            pending = ", ".join(one.id for one in self.head.open_interrupts) or "none"
            raise self._refusal(
                InterruptUnknown, f"No pending interrupt has the id {self.interrupt_id!r}; pending: {pending}"
            )
        if not closed.status.was_decided:
            raise self._no(InterruptGone, f"it is {closed.status} and cannot be decided any more")
        named, ran = self.answering.digest, closed.status in (InterruptStatus.APPROVED, InterruptStatus.EDITED)
        joins = isinstance(self.decision, Approve) and ran and named == closed.digest
        if joins:
            return Judged(_closed_answer(closed), None)
        if decision_digest(self.decision) == closed.decision:
            if named is not None and named != closed.digest:
                raise self._no(DigestMismatch, "it was decided about another form of its call; look again")
            return Judged(_closed_answer(closed), None)
        when = f" at {closed.at:%Y-%m-%d %H:%M:%S} UTC" if closed.at else ""
        raise self._no(DecisionConflict, f"{closed.by or 'somebody'} has {closed.status} it{when}")

    def _no(self, kind: type[DecisionRefused], why: str, pointer: str = "") -> DecisionRefused:
        return self._refusal(kind, f"Interrupt {self.interrupt_id!r} was not decided: {why}", pointer)

    def _refusal(self, kind: type[DecisionRefused], why: str, pointer: str = "") -> DecisionRefused:
        head = self.head
        return kind(head.agent.agent_id, str(head.status), why, self.interrupt_id, pointer)


def _answer(interrupt: Interrupt, who: Who) -> DecisionAnswer:
    return DecisionAnswer(
        interrupt_id=interrupt.id,
        status=interrupt.status,
        by=who.name,
        at=who.at,
        approvals=interrupt.approvals,
        required=interrupt.required_approvals,
    )


def _closed_answer(closed: Closed) -> DecisionAnswer:
    return DecisionAnswer(
        interrupt_id=closed.id,
        status=closed.status,
        by=closed.by,
        at=closed.at,
        approvals=closed.approvals,
        required=closed.required,
    )
