"""The Lambda authorizer of the WebSocket API: `sagents_infra.sockets.authorizer.handler`.

It runs before a connection is there, for whoever knows the address, so it has to start at once: it imports the standard
library alone, and AWS's SDK only with its first request, for the keys. It turns away who has no ticket that holds;
that a ticket is used once is `$connect`'s to see, which writes to the table anyway (`sagents_infra.sockets.protocol`).
"""

import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sagents_infra import keyed
from sagents_infra.sockets.tickets import BadTicket, Sealed, Ticket, opened


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:  # noqa: ARG001 # Lambda's shape
    """What Lambda calls. A refusal is an answer and no error: nobody outside can ring the alarm."""
    asked = event.get("queryStringParameters") or {}
    try:
        ticket = checked(str(asked.get("ticket") or ""), time.time())
    except BadTicket as refused:
        print(json.dumps({"level": "info", "event": "ticket refused", "why": str(refused)}))  # a logger imports more
        return _policy("nobody", "Deny", event["methodArn"], {})
    return _policy(
        ticket.subject, "Allow", event["methodArn"], {"subject": ticket.subject, "tenant": ticket.tenant or ""}
    )


def checked(text: str, now: float) -> Ticket:
    """The ticket. Raises `BadTicket` for any doubt."""
    sealed = opened(text)
    known = keys()
    if not (known(sealed) if callable(known) else _is_signed(sealed, known)):
        raise BadTicket("The ticket's signature is wrong.")
    sealed.ticket.check(now)
    return sealed.ticket


@cache
def keys() -> Mapping[str, bytes] | Callable[[Sealed], bool]:
    """The keys of this process, as settings or their secret say; or who knows them where they never leave AWS KMS."""
    if not os.environ.get("SAGENTS_SIGNING_KEYS") and os.environ.get("SAGENTS_SECRETS"):
        from sagents_infra.aws.secrets import load_secrets

        load_secrets()
    text = os.environ.get("SAGENTS_SIGNING_KEYS", "").strip()
    if text.startswith("kms://"):
        return _of_kms(text)
    found = keyed.entries(text)
    return {key_id: keyed.decoded(secret) for key_id, colon, secret in found if colon}


def _of_kms(text: str) -> Callable[[Sealed], bool]:
    import asyncio

    from sagents_infra.identity.kms import kms_signer

    signer = kms_signer(text)
    return lambda sealed: asyncio.run(signer.verify(sealed.key_id, sealed.signed, sealed.mac))


def _is_signed(sealed: Sealed, known: Mapping[str, bytes]) -> bool:
    key = known.get(sealed.key_id)
    return key is not None and hmac.compare_digest(
        keyed.mac(sealed.key_id, key, sealed.signed).encode(), sealed.mac.encode()
    )


def _policy(subject: str, effect: str, resource: str, context: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": subject,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
