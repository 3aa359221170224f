"""A link: one person, one question, one call, for a while. Whoever has it decides as that person."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime

from sagents.errors import InvalidInput
from sagents.frozen import Frozen
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.principal import Principal, Who

USUAL = timedelta(days=3)
LONGEST = timedelta(days=30)
"""What is taken back is remembered for so long, and no link lasts longer."""

MOST = 20
"""People for whom links are made without anybody asking for each."""


class Link(Frozen):
    """What a token says, once its signature is believed."""

    id: str
    agent_id: str
    interrupt_id: str
    digest: str = ""
    subject: str
    groups: tuple[str, ...] = ()
    tenant: str | None = None
    expires_at: AwareDatetime

    @property
    def principal(self) -> Principal:
        """Who decides by it, for as long as it holds."""
        return Principal(self.subject, self.groups, self.tenant, self.expires_at)

    def is_of(self, interrupt: Interrupt) -> bool:
        """Whether this is the very call that it was made for."""
        return interrupt.digest == self.digest


def link_for(item: InboxItem, decider: Principal, lasting: timedelta = USUAL, slot: str = "") -> Link:
    """A link about what waits, for somebody who may decide it.

    It ends with the question, if that is earlier. With a `slot` it is the same link each time that it is made of the
    same item, and on the same day the same letter by letter. Raises `InvalidInput` for who could not use it.
    """
    if not timedelta() < lasting <= LONGEST:
        raise InvalidInput(f"A link lasts up to {LONGEST.days} days, not {lasting}.")
    if not decider.subject:
        raise InvalidInput("A link is for somebody: without a subject nobody would have decided.")
    interrupt = item.interrupt
    if not may_decide(item, decider):
        who = interrupt.approvers or "anybody but who asked"
        raise InvalidInput(f"{decider.subject} may not decide this (it is for {who}); a link would be of no use.")
    until = _begins(slot) + lasting
    return Link(
        id=_id(item, decider, slot),
        agent_id=item.agent_id,
        interrupt_id=interrupt.id,
        digest=interrupt.digest,
        subject=decider.subject,
        groups=decider.groups,
        tenant=decider.tenant,
        expires_at=min(until, interrupt.expires_at or until),
    )


def may_decide(item: InboxItem, person: Principal) -> bool:
    """Whether it is theirs to decide, now or once more people are asked; another tenant's never is."""
    if (item.tenant or None) != (person.tenant or None):
        return False
    who = Who(subject=person.subject, groups=person.groups, tenant=person.tenant)
    own = not item.interrupt.self_approval and person.subject in (item.interrupt.requesters or (item.owner,))
    return not own and item.interrupt.takes(who)


def deciders(item: InboxItem) -> list[Principal]:
    """Those whom the question names; where anybody may decide, the agent's owner. Who is in a group nobody knows."""
    approvers = item.interrupt.approvers
    names = approvers.users if approvers is not None else (item.owner or "",)
    found = [Principal(name, (), item.tenant) for name in dict.fromkeys(names) if name]
    return [person for person in found if may_decide(item, person)][:MOST]


def _begins(slot: str) -> datetime:
    """When its time begins: with a slot at the end of this day, so that a repetition is no other link."""
    now = datetime.now(UTC)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) if slot else now


def _id(item: InboxItem, decider: Principal, slot: str) -> str:
    if not slot:
        return f"lnk_{secrets.token_hex(8)}"
    parts = "\n".join((slot, item.agent_id, item.interrupt.id, decider.subject))
    return f"lnk_{hashlib.sha256(parts.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
