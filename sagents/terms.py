"""The terms of a question to people: who may answer, how many have to, until when, and what happens then."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sagents.approvers import Approvers
from sagents.decisions import Decision, Reject
from sagents.frozen import Frozen
from sagents.principal import Who

RememberScope = Literal["run", "conversation", "user"]
"""How far a remembered decision reaches: this run, this conversation, or all agents of the same owner."""

OnExpiry = Decision | Literal["cancel_run"]


@dataclass(frozen=True)
class Escalation:
    """`after` so long without a decision, these people may decide too."""

    after: timedelta
    to: Approvers


class Terms(Frozen):
    """Resolved once, in the step that asks; nothing that changes afterwards changes them.

    Without `approvers` anybody may decide, operators included. `expires_after` None waits for ever.
    `on_expiry` is the decision that is taken then: whatever it is, the model is told that nobody answered.
    `notify` names the targets of notices; empty is the notifier's own default, None is nobody.
    """

    allowed_decisions: tuple[str, ...] = ("approve", "reject")
    approvers: Approvers | None = None
    required_approvals: Annotated[int, Field(ge=1)] = 1
    self_approval: bool = True
    operators_may_decide: bool = False
    requesters: tuple[str, ...] = ()
    risk: str | None = None
    expires_after: timedelta | None = None
    on_expiry: OnExpiry = Field(default_factory=Reject)
    remind_after: timedelta | None = None
    escalate: tuple[Escalation, ...] = ()
    notify: tuple[str, ...] | None = ()
    remember: tuple[RememberScope, ...] = ()
    policy: str = ""

    def takes(self, who: Who) -> bool:
        """Whether a decision of theirs counts, now or once more people are asked."""
        if who.is_operator:
            return self.operators_may_decide or self.is_for_anybody
        if not self.self_approval and who.subject in self.requesters:
            return False
        return self.approvers is None or reduce(or_, (step.to for step in self.escalate), self.approvers).admits(who)

    @property
    def is_for_anybody(self) -> bool:
        """Whether nobody has to be told apart: then operators may decide too."""
        return self.approvers is None and self.self_approval and self.required_approvals == 1

    @property
    def terms(self) -> dict[str, Any]:
        """The terms alone, to hand them from one value to another."""
        return {name: getattr(self, name) for name in Terms.model_fields}
