"""The WebSocket API as API Gateway runs it: an event of a connection is a call of a function, answers are posted.

browser ──▶ authorizer ──▶ socket function ──▶ DynamoDB (moto), Temporal (real)
   ▲                            │
   └──────── @connections ◀─────┴──── worker's channel
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio.client import Client

from sagents.client import AgentServer
from sagents.principal import Principal
from sagents_infra.channels.api_gateway import ApiGatewayChannel, api_gateway_client
from sagents_infra.connections.dynamodb import DynamoDBConnections
from sagents_infra.http.identity import READ, WRITE, Caller
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.notify import MemoryNotifier
from sagents_infra.presence.dynamodb import DynamoDBPresence
from sagents_infra.sockets.admission import issue
from sagents_infra.sockets.handler import SocketDoor
from sagents_infra.testing import AgentEnv
from sagents_infra.wiring import Outside
from tests.support.api_gateway import ApiGateway
from tests.support.browser import Browser
from tests.support.tables import Place

NOWHERE = "127.0.0.1:1"


@dataclass
class Cloud:
    """`env` is the worker's side; `door` is the socket function."""

    env: AgentEnv
    door: SocketDoor
    gateway: ApiGateway
    connections: DynamoDBConnections
    presence: DynamoDBPresence

    @property
    def tenant(self) -> str:
        return f"acme-{self.env.prefix}"

    def caller(self, subject: str = "ann", valid_for: float = 3600, scopes: tuple[str, ...] = (READ, WRITE)) -> Caller:
        ends = datetime.now(UTC) + timedelta(seconds=valid_for)
        return Caller(Principal(subject, tenant=self.tenant, expires_at=ends), frozenset(scopes))

    async def ticket(self, subject: str = "ann", **more: Any) -> str:
        return (await issue(self.env.signer, self.caller(subject, **more), datetime.now(UTC)))[0]

    async def start(self, conversation: str = "7") -> str:
        """A conversation of ann's; its agent."""
        session = await self.server.start("echo", conversation_id=conversation, scope=self.caller().scope)
        return session.agent_id

    @property
    def server(self) -> AgentServer:
        env = self.env
        return AgentServer(env.client, store=env.store, channel=env.channel, task_queue=env.settings.task_queue)

    async def call(self, route: str, connection_id: str, body: str | None = None, ticket: str = "") -> Any:
        """One invocation."""
        event: dict[str, Any] = {
            "requestContext": {
                "routeKey": route, "connectionId": connection_id, "requestId": uuid4().hex,
                "domainName": "api.execute-api.us-east-1.amazonaws.com", "stage": "live",
            },
            "isBase64Encoded": False,
        }  # fmt: skip
        event |= {"body": body} if body is not None else {}
        event |= {"queryStringParameters": {"ticket": ticket}} if ticket else {}
        return await asyncio.to_thread(self.door, event)

    @asynccontextmanager
    async def browser(self, ticket: str | None = None, last: int = 0, goodbye: bool = True) -> AsyncIterator[Browser]:
        """A browser that is connected while inside. Without a `goodbye` its connection is lost."""
        connection_id, loop = f"{uuid4().hex[:12]}=", asyncio.get_running_loop()

        async def say(text: str) -> None:
            answer = await self.call("$default", connection_id, text)
            assert answer == {"statusCode": 200}

        browser = Browser(say, last)
        admitted = await self.call("$connect", connection_id, ticket=ticket or await self.ticket())
        assert admitted == {"statusCode": 200}

        def receive(message: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(browser.heard, message)

        self.gateway.connect(connection_id, receive)
        yield browser
        self.gateway.disconnect(connection_id)
        if goodbye:
            await self.call("$disconnect", connection_id)


@asynccontextmanager
async def opened(env: AgentEnv, place: Place, gateway: ApiGateway, *, away: bool = False) -> AsyncIterator[Cloud]:
    """The worker and the function, each with adapters of its own over one table and one API.

    Where Temporal is `away` there is no worker, and the function finds nobody at its address.
    """
    posting = [DynamoDBConnections(place.client, place.table) for _ in range(2)]
    channels = [ApiGatewayChannel(api_gateway_client(gateway.url, "us-east-1"), kept) for kept in posting]
    presence = DynamoDBPresence(place.client, place.table)
    env = replace(env, channel=channels[0], presence=presence)

    async def opening() -> Outside:
        return Outside(
            client=await connected(),
            store=env.store,
            channel=channels[1],
            presence=presence,
            signer=env.signer,
            notifier=MemoryNotifier(),
            blobs=env.blobs,
            settings=env.settings,
            connections=posting[1],
        )

    async def connected(*_: object) -> Client:
        host = NOWHERE if away else env.client.service_client.config.target_host
        return await Client.connect(host, data_converter=env.client.data_converter, lazy=True)

    options = HttpOptions(patience_ms=500) if away else HttpOptions()
    office = Office(opening, connected, patience=options.patience, idle=options.idle)
    async with nullcontext() if away else env.worker():
        yield Cloud(env, SocketDoor(office, options), gateway, posting[1], presence)
    await asyncio.to_thread(office.close)
    for channel in channels:
        channel.close()
    for kept in posting:
        kept.release()


def frame(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields})
