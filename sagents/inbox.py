"""What waits for people, as lists show it: an interrupt with the call's arguments and whose agent it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import JsonValue, ValidationError

from sagents.frozen import Frozen
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.ports import Claim, PendingInterrupt
from sagents.principal import Principal, Who

UNREADABLE = "This version cannot read what is asked here. Decide it with the version that wrote it, or a newer one."


class InboxItem(Frozen):
    """One pending interrupt. `interrupt.arguments` has what the model wants to call the tool with.

    `claim` is the one that held when it was listed.
    """

    agent_id: str
    interrupt: Interrupt
    agent: str = ""
    conversation_id: str | None = None
    owner: str | None = None
    tenant: str | None = None
    run_id: str | None = None
    claim: Claim | None = None

    @property
    def created_at(self) -> datetime | None:
        return self.interrupt.created_at

    def status(self, now: datetime) -> InterruptStatus:
        """As it is now: the deadline of an agent that sleeps passes unseen until somebody wakes it."""
        until = self.interrupt.expires_at
        return InterruptStatus.EXPIRED if until is not None and now >= until else self.interrupt.status

    def is_for(self, principal: Principal) -> bool:
        """Whether this person may decide it."""
        if self.tenant is not None and principal.tenant != self.tenant:
            return False
        who = Who(subject=principal.subject, groups=principal.groups, tenant=principal.tenant)
        interrupt = self.interrupt
        own = not interrupt.self_approval and principal.subject in (interrupt.requesters or (self.owner,))
        return not own and (interrupt.approvers is None or interrupt.approvers.admits(who))


class Wanted(Frozen):
    """Which items of the inbox are meant. What is not given does not matter; `argument` names values by key."""

    status: InterruptStatus | None = InterruptStatus.PENDING
    agent_id: str | None = None
    agent: str | None = None
    tool: str | None = None
    reason: str | None = None
    risk: str | None = None
    tenant: str | None = None
    approver: Principal | None = None
    claimed: bool | None = None
    older_than: timedelta | None = None
    argument: Mapping[str, JsonValue] | None = None

    def fits(self, item: InboxItem, now: datetime) -> bool:
        """Whether the item is meant."""
        interrupt = item.interrupt
        plain = (
            (self.status, item.status(now)),
            (self.agent_id, item.agent_id),
            (self.agent, item.agent),
            (self.tool, interrupt.tool),
            (self.reason, interrupt.reason),
            (self.risk, interrupt.risk),
            (self.tenant, item.tenant),
            (self.claimed, item.claim is not None),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in plain)
            and (self.approver is None or item.is_for(self.approver))
            and self._is_old_enough(item, now)
            and all(_has(interrupt, key, value) for key, value in (self.argument or {}).items())
        )

    def _is_old_enough(self, item: InboxItem, now: datetime) -> bool:
        if self.older_than is None:
            return True
        return item.created_at is not None and now - item.created_at >= self.older_than


def listed(
    waiting: Iterable[PendingInterrupt], claims: Iterable[Claim], wanted: Wanted, now: datetime
) -> list[InboxItem]:
    """What is wanted of what the store has, in its order."""
    on = {(claim.agent_id, claim.interrupt_id): claim for claim in claims if claim.holds(now)}
    items = (item_of(one) for one in waiting)
    claimed = (item.but(claim=on.get((item.agent_id, item.interrupt.id))) for item in items)
    return [item for item in claimed if wanted.fits(item, now)]


def item_of(waiting: PendingInterrupt) -> InboxItem:
    """One that cannot be read is listed too, as a question nobody can answer: hidden it would wait for ever."""
    with suppress(ValidationError):
        return InboxItem.model_validate_json(waiting.interrupt)
    with suppress(ValidationError):  # as saved before there was an inbox
        return InboxItem(agent_id=waiting.agent_id, interrupt=Interrupt.model_validate_json(waiting.interrupt))
    unreadable = Interrupt(id="", reason="unreadable", allowed_decisions=(), problem=UNREADABLE)
    return InboxItem(agent_id=waiting.agent_id, interrupt=unreadable)


def _has(interrupt: Interrupt, key: str, value: JsonValue) -> bool:
    """Whether an argument is just that; `true` is not 1, as it is in Python."""
    arguments = interrupt.arguments or {}
    return key in arguments and arguments[key] == value and isinstance(arguments[key], bool) == isinstance(value, bool)
