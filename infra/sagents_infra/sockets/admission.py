"""Who comes by a ticket: given to somebody whose token was verified, and taken back once."""

from datetime import UTC, datetime, timedelta

from sagents.connections import Connections
from sagents.ports import Signer
from sagents.principal import Principal
from sagents_infra.http.identity import Caller
from sagents_infra.http.problems import UNAUTHENTICATED, Refusal
from sagents_infra.sockets.tickets import VALID_FOR, BadTicket, Sealed, Ticket, new_id, opened, written

GRACE = timedelta(minutes=1)
"""How much longer than it holds a ticket is known to be used: clocks differ."""


async def issue(signer: Signer, me: Caller, now: datetime) -> tuple[str, datetime]:
    """A ticket for somebody, and when it ends."""
    who = me.principal
    until = min(now + VALID_FOR, who.expires_at or now + VALID_FOR)
    ticket = Ticket(
        id=new_id(who.tenant),
        subject=who.subject,
        groups=who.groups,
        tenant=who.tenant,
        scopes=tuple(sorted(me.scopes)),
        until=until.timestamp(),
        ends_at=who.expires_at.timestamp() if who.expires_at else None,
    )
    sealed = Sealed(written(ticket), "", "")
    key_id, mac = await signer.sign(sealed.signed)
    return sealed._replace(key_id=key_id, mac=mac).text, until


async def admit(signer: Signer, connections: Connections, text: str, connection_id: str, now: datetime) -> Caller:
    """Who comes with this ticket by this connection, the only one. Raises `Refusal` for any doubt."""
    ticket = await _believed(signer, text, now)
    until = datetime.fromtimestamp(ticket.until, UTC) + GRACE
    if not await connections.spend(ticket.id, connection_id, until):
        raise Refusal(UNAUTHENTICATED, "The ticket was used before; a new one is one POST /ws-tickets away.")
    ends_at = None if ticket.ends_at is None else datetime.fromtimestamp(ticket.ends_at, UTC)
    return Caller(Principal(ticket.subject, ticket.groups, ticket.tenant, ends_at), frozenset(ticket.scopes))


async def _believed(signer: Signer, text: str, now: datetime) -> Ticket:
    try:
        sealed = opened(text)
        if not await signer.verify(sealed.key_id, sealed.signed, sealed.mac):
            raise BadTicket("The ticket's signature is wrong.")
        ticket = sealed.ticket
        ticket.check(now.timestamp())
    except BadTicket as refused:
        raise Refusal(UNAUTHENTICATED, str(refused)) from None
    return ticket
