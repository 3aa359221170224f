"""The terms of a question to people: who may answer, how many have to, until when, and what happens then."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sagents.approvers import Approvers
from sagents.decisions import Decision, Reject
from sagents.frozen import Frozen

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

    @property
    def terms(self) -> dict[str, Any]:
        """The terms alone, to hand them from one value to another."""
        return {name: getattr(self, name) for name in Terms.model_fields}
