"""Questions that wait, for links to be about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sagents.approvers import users
from sagents.digests import call_digest
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.principal import Principal

ALICE = Principal("alice", ("finance",), "acme")
NOW = datetime.now(UTC).replace(microsecond=0)


def question(arguments: dict[str, Any] | None = None, **terms: Any) -> InboxItem:
    """What waits for Alice of the tenant acme."""
    arguments = {"order": "7", "amount": 120.5} if arguments is None else arguments
    given: dict[str, Any] = {
        "approvers": users("alice"), "risk": "high", "message": "Refund 120.5 for order 7", "requesters": ("dora",),
        "created_at": NOW, "expires_at": NOW + timedelta(days=9), "allowed_decisions": ("approve", "reject", "edit"),
    }  # fmt: skip
    interrupt = Interrupt(
        id="int_call_7", tool="refund", arguments=arguments, digest=call_digest("refund", arguments), **(given | terms)
    )
    return InboxItem(agent_id="acme:7", agent="desk", tenant="acme", owner="dora", interrupt=interrupt)
