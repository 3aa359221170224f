"""The events that API Gateway makes of requests (HTTP API, payload 2.0), made here of ASGI's."""

import base64
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from sagents_infra.http.problems import too_large

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Event = dict[str, Any]
Headers = Mapping[str, str]


def headers_of(scope: Scope) -> Headers:
    """By name in lower case; several of one name are joined by commas."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in scope["headers"]:
        found[name.decode("latin-1").lower()].append(value.decode("latin-1"))
    return {name: ",".join(values) for name, values in found.items()}


async def body_of(receive: Receive, most: int) -> bytes:
    """The whole body. Raises `Refusal` as soon as it is too large."""
    body = bytearray()
    while True:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise ConnectionResetError
        body += part.get("body", b"")
        if len(body) > most:
            raise too_large(most)
        if not part.get("more_body"):
            return bytes(body)


def event_of(scope: Scope, headers: Headers, body: bytes, claims: Mapping[str, Any] | None) -> Event:
    """The event of a request, whose claims were verified before."""
    query = scope.get("query_string", b"").decode("latin-1")
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": dict(headers),
        "requestContext": {
            "http": {"method": scope["method"], "path": scope["path"]},
            "stage": "$default",
            "requestId": uuid4().hex,
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
    if claims is not None:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claims)}}
    return event


async def respond(send: Send, answer: Mapping[str, Any]) -> None:
    """Send the handler's answer."""
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    await begin(send, answer["statusCode"], {**answer["headers"], "Content-Length": str(len(data))})
    await send({"type": "http.response.body", "body": data})


async def begin(send: Send, status: int, headers: Headers) -> None:
    """Send what stands before the body."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
