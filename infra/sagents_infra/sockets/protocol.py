"""The protocol, the same for whatever carries it: what each request of a browser does, and what is answered.

    browser   ──ticket──┐ subscribe(after 7)                  ping     send
    door       connection ─watches─┬─────────8 9 from the log─ lease ── message ─▶ agent
    channel                        └──────────────δ 10 δ δ 11─────────────────────────▶ browser

It keeps nothing itself: connections are in the store, so that any process may answer the next request.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from sagents.client import agent_id_for
from sagents.connections import Connection, Connections
from sagents.errors import AgentNotFound, SagentsError
from sagents_infra.http import problems
from sagents_infra.http.buckets import Buckets
from sagents_infra.http.desk import Desk, id_from
from sagents_infra.http.identity import READ, WRITE, Caller
from sagents_infra.http.problems import UNAUTHENTICATED, Kind, Refusal
from sagents_infra.sockets.admission import admit
from sagents_infra.sockets.requests import Asked, Ping, Send, Subscribe, Unsubscribe, about, read
from sagents_infra.sockets.viewing import LEASE, Viewing

log = structlog.get_logger(__name__)

ENDED = Kind(
    "connection-ended",
    410,
    "The connection has ended",
    "Its token has ended, or no ping came in time: connect with a new ticket and subscribe after the last id you have.",
)


class Wire(Protocol):
    """How a transport reaches the browser at the other end of one connection."""

    async def send(self, message: bytes) -> None:
        """Bring one message; to who is gone, nothing."""

    async def follow(self, connection: Connection, conversation: str, agent_id: str, after: int) -> None:
        """Bring the stored events after this one, and see to it that those which follow are brought."""

    async def leave(self, agent_id: str) -> None:
        """Bring no more events of this agent."""

    async def end(self) -> None:
        """Close the connection; what there was to say is said."""


@dataclass(frozen=True)
class Sockets:
    """Answers the requests of connections, which are kept in `connections`."""

    desk: Desk
    connections: Connections
    buckets: Buckets
    lease: timedelta = LEASE

    @property
    def viewing(self) -> Viewing:
        return Viewing(self.desk, self.connections, self.lease)

    async def connect(self, ticket: str, connection_id: str) -> Connection:
        """Let in who comes with a ticket. Raises `Refusal`."""
        if (signer := self.desk.outside.signer) is None:
            raise Refusal(UNAUTHENTICATED, "This door has no keys, and so believes no ticket.")
        return await self.open(
            await admit(signer, self.desk.outside.connections, ticket, connection_id, _now()), connection_id
        )

    async def open(self, me: Caller, connection_id: str) -> Connection:
        """Keep the connection of somebody who is known."""
        scopes = tuple(sorted(me.scopes))
        opened = Connection(id=connection_id, who=me.principal, scopes=scopes, until=_now() + self.lease)
        await self.connections.open(opened)
        return opened

    async def disconnect(self, connection_id: str) -> None:
        """Forget a connection. Where it is known no more, its lease has ended or will: then so has its viewer."""
        connection = await self.connections.close(connection_id)
        if connection is not None:
            await self.viewing.leave_all(connection)

    async def received(self, connection_id: str, text: str, wire: Wire) -> None:
        """Do what one message asks for. Whatever goes wrong is answered, with what it is about."""
        try:
            connection = await self.connections.get(connection_id)
            if connection is None:
                await wire.send(problem(Refusal(ENDED), about(text)))
                await wire.end()
                return
            self.buckets.take(connection.who.subject)
            await self._answered(connection, read(text), wire)
        except (SagentsError, Refusal) as error:
            if problems.kind_of(error).status >= 500 and not isinstance(error, Refusal):
                log.warning("request failed", error=type(error).__name__, why=str(error))
            await wire.send(problem(error, about(text)))
        except Exception as error:
            log.error("a request met a bug", exc_info=error)
            await wire.send(problem(error, about(text)))

    async def _answered(self, connection: Connection, asked: Asked, wire: Wire) -> None:
        me = Caller(connection.who, frozenset(connection.scopes))
        match asked:
            case Subscribe():
                await self._subscribe(connection, me, asked, wire)
            case Unsubscribe():
                agent_id = agent_id_for(asked.conversation, me.scope)
                await wire.leave(agent_id)
                await self.connections.unsubscribe(connection.id, agent_id)
                await self.viewing.leave(connection, agent_id)
                await wire.send(message("unsubscribed", conversation=asked.conversation))
            case Send():
                await wire.send(await self._said(me, asked))
            case Ping():
                until = await self.viewing.renew(connection)
                await wire.send(message("pong", until=until.isoformat()))

    async def _subscribe(self, connection: Connection, me: Caller, asked: Subscribe, wire: Wire) -> None:
        """Watch first, then read the log: what happens meanwhile comes by one of both ways, or by both."""
        me.needs(READ)
        agent_id = await self.desk.agent_id(me, asked.conversation)
        watching = await self.connections.subscribe(connection.id, agent_id, asked.after, me.tenant)
        if watching is None:
            raise Refusal(ENDED)
        said = message("subscribed", conversation=asked.conversation, agent_id=agent_id, after=asked.after)
        await wire.send(said)
        await wire.follow(watching, asked.conversation, agent_id, asked.after)
        await self.viewing.join(watching, agent_id)

    async def _said(self, me: Caller, asked: Send) -> bytes:
        """The id is the client's, as an `Idempotency-Key` is: by whichever way it comes again, it is one message."""
        me.needs(WRITE)
        agent_id = await self.desk.agent_id(me, asked.conversation)
        message_id = id_from("msg", me, asked.conversation, asked.id)
        taken = await self.desk.server.add_message(agent_id, asked.text, id=message_id, sender=me.subject)
        if taken.id is None:
            raise AgentNotFound(agent_id)
        return message(
            "sent", conversation=asked.conversation, id=asked.id, message_id=taken.id, status=str(taken.status)
        )


def message(type: str, **fields: Any) -> bytes:
    """What is sent to a browser."""
    return json.dumps({"type": type, **fields}, ensure_ascii=False, separators=(",", ":")).encode()


def problem(error: Exception, about: dict[str, Any]) -> bytes:
    """What went wrong, as the HTTP API says it, and with which request."""
    return message("problem", problem=problems.problem_of(error).model_dump(exclude_none=True), about=about)


def _now() -> datetime:
    return datetime.now(UTC)
