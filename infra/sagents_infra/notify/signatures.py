"""The signature of a notice that goes to a webhook, for who sends it and for who gets it.

Sagents-Timestamp: 1763740800
Sagents-Signature: v1=<HMAC-SHA256 of "1763740800.<body>", in hex>
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

TIMESTAMP, SIGNATURE, NOTICE_ID = "Sagents-Timestamp", "Sagents-Signature", "Sagents-Notice-Id"
FRESH = timedelta(minutes=5)
"""How old what is accepted may be: so long could somebody send it again."""


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that go with a body."""
    stamp = str(int(at.timestamp()))
    return {TIMESTAMP: stamp, SIGNATURE: f"v1={_mac(secret, stamp, body)}"}


def genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> bool:
    """Whether a request is ours, whole and fresh. For a receiver: the body as it came, before anybody reads it."""
    given = {name.lower(): value for name, value in headers.items()}
    stamp, signature = given.get(TIMESTAMP.lower(), ""), given.get(SIGNATURE.lower(), "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        return False
    age = abs((now or datetime.now(UTC)).timestamp() - int(stamp))
    wanted = f"v1={_mac(secret, stamp, body)}"
    return age <= FRESH.total_seconds() and hmac.compare_digest(wanted.encode(), signature.encode())


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
