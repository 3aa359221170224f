"""Which pages may ask the local server, as browsers have it (CORS): what `template.yaml` says of the HTTP API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sagents_infra.http.gateway import Headers, Send
from sagents_infra.http.problems import FOREIGN_ORIGIN, Refusal

METHODS = ("GET", "POST", "PUT", "DELETE")
SENT = ("authorization", "content-type", "idempotency-key", "if-match", "last-event-id")
SHOWN = ("etag", "location", "retry-after")
SECONDS = 600
"""How long a browser remembers what it may ask."""

HERE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)
"""How this machine calls itself."""


@dataclass(frozen=True)
class Origins:
    """Pages of these addresses may read answers; `*` is every page. By default there is none."""

    allowed: tuple[str, ...] = ()

    def check(self, headers: Headers, *, anybody: bool) -> None:
        """Raise for a request that a page from elsewhere makes: under a name that leads here, or without any token."""
        if not HERE.fullmatch(headers.get("host", "")):
            raise Refusal(FOREIGN_ORIGIN, "This server is called localhost or 127.0.0.1 and nothing else.")
        origin = headers.get("origin")
        if not anybody or origin is None or origin in self.allowed:
            return
        if not HERE.fullmatch(origin.partition("://")[2]):
            raise Refusal(
                FOREIGN_ORIGIN, "Without tokens only pages of this machine may ask, and those that are named."
            )

    def preflight(self, method: str, headers: Headers) -> Mapping[str, str] | None:
        """The headers that answer a browser's question before its request; None where this is no such question."""
        if not self.allowed or method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        shown = self.shown(headers)
        if not shown:
            return {}
        lists = {"Access-Control-Allow-Methods": METHODS, "Access-Control-Allow-Headers": SENT}
        return {**shown, **{name: ",".join(of) for name, of in lists.items()}, "Access-Control-Max-Age": str(SECONDS)}

    def shown(self, headers: Headers) -> Mapping[str, str]:
        """What lets a page read the answer; nothing for a page that may not."""
        origin = headers.get("origin")
        if origin is None or not {origin, "*"} & {*self.allowed}:
            return {}
        who = "*" if "*" in self.allowed else origin
        return {"Access-Control-Allow-Origin": who, "Access-Control-Expose-Headers": ",".join(SHOWN), "Vary": "Origin"}

    def showing(self, headers: Headers, send: Send) -> Send:
        """Sends the same, and who may read it."""
        more = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.shown(headers).items()]
        if not more:
            return send

        async def sending(message: object) -> None:
            assert isinstance(message, dict)
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return sending
