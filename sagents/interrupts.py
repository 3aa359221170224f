"""Why a run waits. An interrupt is made once, by a step or a tool, and decided once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, JsonValue

from sagents.decisions import Approve, Decision, Edit
from sagents.digests import decision_digest
from sagents.frozen import Frozen
from sagents.interrupt_status import InterruptStatus as InterruptStatus
from sagents.principal import Who
from sagents.terms import Terms


class Vote(Frozen):
    """What one person decided. `digest` is of the arguments that this is about: an edit's are new ones."""

    decision: Decision
    who: Who = Who()
    digest: str = ""

    @property
    def runs(self) -> bool:
        """Whether it wants the call to run; such votes are counted, others need no second one."""
        return isinstance(self.decision, Approve | Edit)


class Interrupt(Terms):
    """Something a person has to decide.

    A tool's arguments are in the step's record; `arguments` has them only where an interrupt is shown to people.
    `digest` is of the tool and its arguments: who decides can name it, to decide about nothing else.
    """

    id: str
    reason: str = "tool_call"
    message: str = ""
    tool_call_id: str | None = None
    tool: str | None = None
    arguments: Mapping[str, JsonValue] | None = None
    digest: str = ""
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    response_schema: Mapping[str, JsonValue] | None = None
    status: InterruptStatus = InterruptStatus.PENDING
    decision: Decision | None = None
    votes: tuple[Vote, ...] = ()
    created_at: datetime | None = None
    opened_at: datetime | None = None
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    escalated: int = 0
    path: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status is InterruptStatus.PENDING

    @property
    def is_gate(self) -> bool:
        """Whether it stands before a tool call (an approval), not after one (a question of the tool's own)."""
        return self.reason == "tool_call"

    @property
    def is_halt(self) -> bool:
        """Whether it ends the work until somebody says something new."""
        return self.reason == "halt"

    @property
    def decided_by(self) -> Who | None:
        """Whose decision closed it."""
        return self.votes[-1].who if self.votes and self.status.was_decided else None

    def made_at(self, now: datetime) -> Self:
        """As it is from now on: its deadlines count from here."""
        if self.created_at is None:
            expires_at = later(now, self.expires_after) if self.expires_after else None
            return self.but(created_at=now, opened_at=now, expires_at=expires_at)
        return self if self.opened_at is not None else self.but(opened_at=now)

    @property
    def approvals(self) -> int:
        """How many people agree on the most wanted form of the call."""
        digests = [vote.digest for vote in self.votes if vote.runs]
        return max((digests.count(digest) for digest in digests), default=0)

    @property
    def agreed(self) -> tuple[Who, ...]:
        """All whose votes let the call run, where one was not enough."""
        if self.required_approvals < 2 or not self.votes or not self.votes[-1].runs:
            return ()
        return tuple(vote.who for vote in self.votes if vote.runs and vote.digest == self.votes[-1].digest)

    def votes_of(self, who: Who) -> tuple[Vote, ...]:
        return tuple(vote for vote in self.votes if vote.who.name == who.name)

    def voted(self, vote: Vote) -> Self:
        """After one more vote; a person's newest counts. Enough of them for the same call close it, others at once."""
        mine = self.votes_of(vote.who)
        voted = self.but(votes=(*(other for other in self.votes if other not in mine), vote))
        if not vote.runs:
            return voted.decided(vote.decision)
        agreeing = [other.decision for other in voted.votes if other.runs and other.digest == vote.digest]
        if len(agreeing) < self.required_approvals:
            return voted
        return voted.decided(next((one for one in agreeing if isinstance(one, Edit)), vote.decision))

    def told(self, at: datetime | None) -> Self:
        """People were reminded of it."""
        return self.but(reminded_at=at)

    def widened(self) -> Self:
        """The next ones in the chain may decide too."""
        more = self.escalate[self.escalated].to
        approvers = None if self.approvers is None else self.approvers | more
        return self.but(approvers=approvers, escalated=self.escalated + 1)

    def decided(self, decision: Decision) -> Self:
        return self.but(decision=decision, status=_STATUS_AFTER[decision.type])

    def expired(self) -> Self:
        """Nobody answered in time; what its terms say is done in their place."""
        decision = None if self.on_expiry == "cancel_run" else self.on_expiry
        return self.but(decision=decision, status=InterruptStatus.EXPIRED)

    def reopened(self, why: str) -> Self:
        """Open again, because nobody could do anything with the decision; `problem` tells the next person why."""
        return self.but(decision=None, status=InterruptStatus.PENDING, votes=(), opened_at=None, problem=why)


def later(moment: datetime, after: timedelta) -> datetime | None:
    """So long after a moment; None, which is never, beyond the end of the calendar."""
    try:
        return moment + after
    except OverflowError:
        return None


_STATUS_AFTER = {
    "approve": InterruptStatus.APPROVED,
    "edit": InterruptStatus.EDITED,
    "reject": InterruptStatus.REJECTED,
    "respond": InterruptStatus.RESPONDED,
}


class Raised(Terms):
    """What a tool or hook asks a person when it raises `RaiseInterrupt`; the kernel makes an `Interrupt` of it."""

    reason: str = "input_required"
    message: str = ""
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    allowed_decisions: tuple[str, ...] = ("approve", "reject", "respond")
    response_schema: Mapping[str, JsonValue] | None = None


class Closed(Frozen):
    """What the agent remembers of an interrupt that is closed: a late decision learns how it ended.

    `decision` is the digest of the decision that closed it, `digest` that of the call it was about.
    """

    id: str
    status: InterruptStatus
    decision: str = ""
    digest: str = ""
    by: str | None = None
    at: datetime | None = None
    approvals: int = 0
    required: int = 1

    @classmethod
    def of(cls, interrupt: Interrupt) -> Self:
        who = interrupt.decided_by
        return cls(
            id=interrupt.id,
            status=interrupt.status,
            decision=decision_digest(interrupt.decision) if interrupt.decision else "",
            digest=interrupt.votes[-1].digest if interrupt.votes else interrupt.digest,
            by=who.name if who else None,
            at=who.at if who else None,
            approvals=interrupt.approvals,
            required=interrupt.required_approvals,
        )
