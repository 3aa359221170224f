"""A link as text: what it says, the key that signed it, the signature.

    <base64url of the link's JSON>.<base64url of the key's id>.<base64url of the signature>

Nobody needs the store to read it; the signature covers every letter of what it says.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from pydantic import ValidationError

from sagents.ports import Signer
from sagents_infra.links.errors import LinkExpired, LinkForged
from sagents_infra.links.link import Link

PURPOSE = b"sagents approval link 1\n"
"""Signed with it, so that nothing else that a key ever signs passes for a link."""

LONGEST = 6_000
"""Letters of a token; addresses are about as long at most."""


async def sealed(signer: Signer, link: Link) -> str:
    """The token of a link."""
    said = link.model_dump_json().encode()
    key_id, mac = await signer.sign(PURPOSE + said)
    return ".".join((_coded(said), _coded(key_id.encode()), _coded(mac.encode())))


async def opened(signer: Signer, token: str, now: datetime) -> Link:
    """What the token says. Raises `LinkForged` or `LinkExpired`."""
    try:
        said, key_id, mac = (_decoded(part) for part in token.split("."))
        known = await signer.verify(key_id.decode(), PURPOSE + said, mac.decode())
    except (ValueError, binascii.Error):
        raise LinkForged from None
    if not known or len(token) > LONGEST:
        raise LinkForged
    try:
        link = Link.model_validate_json(said)
    except ValidationError:  # a newer version made it
        raise LinkForged from None
    if now >= link.expires_at:
        raise LinkExpired(link.expires_at)
    return link


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    """One form only: base64 lets the last letter differ, and two tokens would be one link."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _coded(data) != text:
        raise ValueError("not as we write it")
    return data
