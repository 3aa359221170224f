"""The WebSocket API over agents on a real Temporal server: on loopback, and as functions behind API Gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from sagents import Agent, Sagents
from sagents.testing import ScriptedModel, says
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.serving import Serving, listen
from sagents_infra.http.tokens import LocalIssuer
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.testing import AgentEnv
from tests.infra.http.conftest import office_of
from tests.infra.sockets import cloud
from tests.infra.sockets.cloud import Cloud
from tests.support.api_gateway import ApiGateway
from tests.support.aws import KEYS
from tests.support.browser import Browser
from tests.support.tables import Place

ISSUER = LocalIssuer(b"s" * 32)
Opened = AbstractAsyncContextManager[Any]


def talker() -> Sagents:
    """An application with one agent, whose answers have several words."""
    app = Sagents()
    app.agent("echo", Agent(model=ScriptedModel(*[says(f"This is the answer {number}.") for number in range(60)])))
    return app


@dataclass
class Site:
    """The local server, as somebody with a token uses it."""

    client: httpx.AsyncClient
    env: AgentEnv
    issuer: LocalIssuer | None

    def token(self, subject: str = "ann", **more: Any) -> dict[str, str]:
        issuer = self.issuer or ISSUER
        return {"Authorization": f"Bearer {issuer.token(subject, tenant=f'acme-{self.env.prefix}', **more)}"}

    async def start(self, conversation: str = "7", **more: Any) -> str:
        """A conversation; its agent."""
        began = await self.client.post(
            "/conversations", json={"agent": "echo", "conversation_id": conversation, **more}
        )
        assert began.status_code == 201, began.text
        return str(began.json()["agent_id"])

    async def ticket(self, subject: str = "ann", **more: Any) -> str:
        given = await self.client.post("/ws-tickets", headers=self.token(subject, **more))
        assert given.status_code == 201, given.text
        return str(given.json()["ticket"])

    def address(self, ticket: str = "") -> str:
        base = str(self.client.base_url).replace("http://", "ws://")
        return f"{base}/ws?ticket={ticket}" if ticket else f"{base}/ws"

    @asynccontextmanager
    async def browser(self, ticket: str | None = None, last: int = 0) -> AsyncIterator[Browser]:
        """A browser that is connected while inside."""
        async with connect(self.address(await self.ticket() if ticket is None else ticket)) as socket:
            browser = Browser(socket.send, last)
            hearing = asyncio.create_task(_hear(socket, browser))
            try:
                yield browser
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)


async def _hear(socket: ClientConnection, browser: Browser) -> None:
    async for message in socket:
        browser.heard(json.loads(message))


@pytest.fixture
def local(agent_env: Any, tmp_path: Path) -> Callable[..., Opened]:
    """`async with local() as site:`."""

    @asynccontextmanager
    async def opened(
        app: Sagents | None = None, issuer: LocalIssuer | None = ISSUER, **options: Any
    ) -> AsyncIterator[Site]:
        path, stopping = tmp_path / "store.db", asyncio.Event()
        store = SqliteStore(path)
        async with agent_env(app or talker(), store=store) as env:

            def made(given: HttpOptions, loop: Any) -> Any:
                return office_of(env, path, given, loop, channel=env.channel)

            with listen(0) as listening:
                address = f"http://127.0.0.1:{listening.getsockname()[1]}"
                running = asyncio.create_task(Serving(issuer, HttpOptions(**options), made).run(listening, stopping))
                try:
                    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
                        site = Site(client, env, issuer)
                        client.headers.update(site.token())
                        yield site
                finally:
                    stopping.set()
                    await running
        store.close()

    return opened


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiGateway]:
    """An API of WebSockets, and the environment in which AWS's SDK signs what it is sent."""
    for name, value in {**KEYS, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    with ApiGateway().serving() as serving:
        yield serving


@pytest.fixture
def in_cloud(agent_env: Any, place: Place, gateway: ApiGateway) -> Callable[..., AbstractAsyncContextManager[Cloud]]:
    """`async with in_cloud() as cloud:`, with a worker, unless Temporal is `away`."""

    @asynccontextmanager
    async def opened(*, away: bool = False) -> AsyncIterator[Cloud]:
        async with agent_env(talker(), worker=False) as env, cloud.opened(env, place, gateway, away=away) as found:
            yield found

    return opened
