"""What travels over HTTP about approval links."""

from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel

from sagents_infra.http.models import shown
from sagents_infra.http.models_interrupts import PendingInterrupt, pending
from sagents_infra.links.deciding import Looked
from sagents_infra.links.outcome import LinkOutcome


class LinkResult(BaseModel):
    """What became of a question."""

    model_config = shown({"status": "approved", "by": "alice", "decision": "approve", "mine": True})

    status: str
    by: str | None = None
    at: AwareDatetime | None = None
    decision: str | None = None
    mine: bool = False

    @classmethod
    def of(cls, outcome: LinkOutcome) -> "LinkResult":
        return cls.model_validate({name: getattr(outcome, name) for name in cls.model_fields})


class ApprovalShown(BaseModel):
    """Who decides by a link until when, and what waits; `outcome` has what became of it."""

    model_config = shown({"decider": "alice", "link_expires_at": "2026-11-24T12:00:00Z"})

    decider: str
    link_expires_at: AwareDatetime
    interrupt: PendingInterrupt | None = None
    outcome: LinkResult | None = None

    @classmethod
    def of(cls, looked: Looked) -> "ApprovalShown":
        item, outcome = looked.item, looked.outcome
        return cls(
            decider=looked.link.subject,
            link_expires_at=looked.link.expires_at,
            interrupt=None if item is None else pending(item, str(item.status(datetime.now(UTC)))),
            outcome=None if outcome is None else LinkResult.of(outcome),
        )
