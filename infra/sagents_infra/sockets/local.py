"""The protocol on one machine, by ASGI: a connection is a task, and what it watches are tasks beside it.

Its connections are in this process's memory, since nobody else posts to them; who looks is kept where workers see it.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from sagents.connections import Connection
from sagents.errors import SagentsError
from sagents_infra.connections import MemoryConnections
from sagents_infra.http import problems
from sagents_infra.http.buckets import Buckets
from sagents_infra.http.desk import Desk
from sagents_infra.http.gateway import Headers, Receive, Scope, Send, headers_of
from sagents_infra.http.identity import caller_of
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.problems import NO_ROUTE, UNAUTHENTICATED, Refusal
from sagents_infra.sockets.feeding import Feed
from sagents_infra.sockets.protocol import ENDED, Sockets, problem

PATH = "/ws"
POLICY, CLOSING = 1008, 5.0
"""The code with which an ended connection is closed, and for how many seconds that is tried."""


class LocalSockets:
    """An ASGI application for WebSockets. Without `anybody`, who comes needs a ticket."""

    def __init__(
        self, office: Office, options: HttpOptions, check: Callable[[Headers], None], anybody: Mapping[str, Any] | None
    ) -> None:
        self._office, self._check, self._anybody = office, check, anybody
        self._connections = MemoryConnections()
        self._buckets = Buckets(options.rate, options.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that somebody asks to be let in
        try:
            sockets, connection = await self._opened(scope)
        except (Refusal, SagentsError) as error:
            await _turn_away(send, error)
            return
        await send({"type": "websocket.accept"})
        async with LocalWire(sockets, connection.id, send) as wire:
            await _served(sockets, connection.id, receive, wire)

    async def _opened(self, scope: Scope) -> tuple[Sockets, Connection]:
        self._check(headers_of(scope))
        if scope["path"] != PATH:
            raise Refusal(NO_ROUTE, f"WebSockets are at {PATH}.")
        ticket = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("ticket", "")
        if not ticket and self._anybody is None:
            raise Refusal(UNAUTHENTICATED, "A ticket is needed: POST /ws-tickets gives one.")
        desk = await asyncio.to_thread(lambda: self._office.desk)
        sockets, connection_id = Sockets(desk, self._connections, self._buckets), uuid4().hex
        if ticket:
            return sockets, await sockets.connect(ticket, connection_id)
        claims = {"requestContext": {"authorizer": {"jwt": {"claims": self._anybody}}}}
        return sockets, await sockets.open(caller_of(claims), connection_id)


class LocalWire:
    """The `Wire` of one connection; inside, it brings what is followed."""

    def __init__(self, sockets: Sockets, connection_id: str, send: Send) -> None:
        self._sockets, self._connection_id, self._send = sockets, connection_id, send
        self._feeds = dict[str, Feed]()
        self.is_over = False

    async def __aenter__(self) -> "LocalWire":
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*map(self.leave, tuple(self._feeds)))
        await self._sockets.disconnect(self._connection_id)

    async def send(self, message: bytes) -> None:
        if not self.is_over:
            with suppress(OSError, RuntimeError):  # whoever is gone is not told
                await self._send({"type": "websocket.send", "text": message.decode()})

    async def follow(self, connection: Connection, conversation: str, agent_id: str, after: int) -> None:  # noqa: ARG002 # the port's
        await self.leave(agent_id)
        feed = self._feeds[agent_id] = Feed(self._desk, agent_id, conversation, self._known, self.send)
        feed.start(after)

    async def leave(self, agent_id: str) -> None:
        if (feed := self._feeds.pop(agent_id, None)) is not None:
            await feed.close()

    async def end(self) -> None:
        self.is_over = True
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._send({"type": "websocket.close", "code": POLICY})

    async def ended(self) -> None:
        """Say that the time is over, once nothing else is said any more."""
        await asyncio.gather(*map(self.leave, tuple(self._feeds)))
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self.send(problem(Refusal(ENDED), {}))
        await self.end()

    async def left(self) -> float | None:
        """Seconds until the connection ends; None when it has."""
        connection = await self._known()
        return None if connection is None else (connection.ends_at - datetime.now(UTC)).total_seconds()

    async def _known(self) -> Connection | None:
        return await self._sockets.connections.get(self._connection_id)

    @property
    def _desk(self) -> Desk:
        return self._sockets.desk


async def _served(sockets: Sockets, connection_id: str, receive: Receive, wire: LocalWire) -> None:
    """Answer what is sent, until the browser goes or its time is over."""
    coming = asyncio.ensure_future(receive())
    try:
        while not wire.is_over:
            left = await wire.left()
            if left is None:
                await wire.ended()
                return
            done, _ = await asyncio.wait({coming}, timeout=left)
            if done:
                heard = coming.result()
                if heard["type"] == "websocket.disconnect":
                    return
                await sockets.received(connection_id, _text(heard), wire)
                coming = asyncio.ensure_future(receive())
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _text(heard: Mapping[str, Any]) -> str:
    return heard.get("text") or (heard.get("bytes") or b"").decode("utf-8", "replace")


async def _turn_away(send: Send, error: Exception) -> None:
    """Answer the handshake with a problem, as the HTTP API would."""
    answer = problems.problem_of(error)
    headers = [(b"content-type", problems.CONTENT_TYPE.encode())]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.model_dump_json(exclude_none=True).encode()})
