"""Tickets for WebSockets, since a browser cannot send a token there. The standard library alone: see `authorizer`.

    POST /ws-tickets ──token──▶ ticket ──query──▶ authorizer: signed, in time ──▶ $connect: signed, in time, unused

A ticket says who somebody is as their token said it, and ends with it. Within its minute it opens one connection.
"""

import base64
import binascii
import json
import secrets
from datetime import timedelta
from typing import Any, NamedTuple

VALID_FOR = timedelta(seconds=60)

PURPOSE = b"sagents socket ticket 1\n"
"""Signed with it, so that nothing else that a key ever signs passes for a ticket."""

LONGEST = 8_000
"""Characters; API Gateway takes a request line of some 10 KB."""


class BadTicket(ValueError):
    """It is no ticket, or not any more; says why."""


class Ticket(NamedTuple):
    """Times are seconds since 1970. `until` ends the ticket itself, `ends_at` the identity: None has no end."""

    id: str
    subject: str
    groups: tuple[str, ...]
    tenant: str | None
    scopes: tuple[str, ...]
    until: float
    ends_at: float | None

    def check(self, now: float) -> None:
        """Raise `BadTicket` where its time is over."""
        if now >= min(self.until, self.ends_at or self.until):
            raise BadTicket("The ticket has expired; a new one is one POST /ws-tickets away.")


class Sealed(NamedTuple):
    """A ticket as text holds it: what was signed, by which key, and how."""

    data: bytes
    key_id: str
    mac: str

    @property
    def text(self) -> str:
        return ".".join(map(_packed, (self.data, self.key_id.encode(), self.mac.encode())))

    @property
    def signed(self) -> bytes:
        return PURPOSE + self.data

    @property
    def ticket(self) -> Ticket:
        """Trusts the signature: check it before."""
        fields: dict[str, Any] = json.loads(self.data)
        return Ticket(**{**fields, "groups": tuple(fields["groups"]), "scopes": tuple(fields["scopes"])})


def new_id(tenant: str | None) -> str:
    """The id of a new ticket, which begins with the tenant as all that is kept of one."""
    return f"{tenant}:{secrets.token_hex(16)}" if tenant else secrets.token_hex(16)


def written(ticket: Ticket) -> bytes:
    """What is signed of a ticket, behind `PURPOSE`."""
    return json.dumps(ticket._asdict(), separators=(",", ":")).encode()


def opened(text: str) -> Sealed:
    """The parts of a text. Raises `BadTicket`."""
    parts = text.split(".") if len(text) <= LONGEST else []
    try:
        data, key_id, mac = parts
        return Sealed(_unpacked(data), _unpacked(key_id).decode(), _unpacked(mac).decode())
    except (ValueError, binascii.Error):
        raise BadTicket("This is no ticket; POST /ws-tickets gives one.") from None


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
