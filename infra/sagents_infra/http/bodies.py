"""The body of a request, as text: gateways write bodies in base64 where they like."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from sagents_infra.http.problems import MALFORMED, Refusal, too_large


def plain(event: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """The event with its body as text. Raises `Refusal` for more than `most` bytes, and for what is no text."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        if len(body) > most or len(body.encode("utf-8", "surrogatepass")) > most:
            raise too_large(most)
        return event
    if len(body) // 4 * 3 > most + 2:  # what it must at least be; nothing so large is decoded
        raise too_large(most)
    return {**event, "body": _decoded(body, most), "isBase64Encoded": False}


def _decoded(body: str, most: int) -> str:
    try:
        found = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(MALFORMED, "It is no base64, which its gateway says it is.") from None
    if len(found) > most:
        raise too_large(most)
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise Refusal(MALFORMED, "It is no UTF-8.") from None
