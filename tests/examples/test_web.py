"""Agents behind frameworks and functions of one's own, as the examples show them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.client import Client

from examples import lambda_handler, refunds, web_fastapi, web_flask
from sagents.client import AgentServer, SyncAgentServer
from sagents.messages import Role
from sagents.testing import ScriptedModel, says
from sagents_infra.testing import AgentEnv
from tests.support.deciding import server_of
from tests.support.lambdas import Context

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def env(agent_env: Any) -> AsyncIterator[AgentEnv]:
    async with agent_env(refunds.app, models={"desk": ScriptedModel(says("I see."), says("I see."))}) as opened:
        yield opened


@pytest_asyncio.fixture
async def agents(env: AgentEnv) -> AsyncIterator[SyncAgentServer]:
    """A door of its own loop, as programs without one have it."""

    async def opened() -> AgentServer:
        config = env.client.service_client.config
        client = await Client.connect(config.target_host, data_converter=env.client.data_converter)
        return AgentServer(
            client, store=env.store, channel=env.channel, presence=env.presence, task_queue=env.settings.task_queue
        )

    server = await asyncio.to_thread(SyncAgentServer, opened)
    yield server
    await asyncio.to_thread(server.close)


async def said_to(env: AgentEnv, order: str) -> list[str]:
    messages = await server_of(env).messages(f"conversation-{order}")
    return [message.text for message in messages if message.role is Role.USER]


async def test_fastapi_gives_a_message_to_the_agent(env: AgentEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect() -> AgentServer:
        return server_of(env)

    monkeypatch.setattr(AgentServer, "connect", connect)
    app = web_fastapi.app
    async with web_fastapi.lifespan(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as browser:
        url = f"http://shop/orders/{env.prefix}/messages"
        answer = await browser.post(url, params={"text": "It never came."})
    assert answer.status_code == 202
    assert await said_to(env, env.prefix) == ["It never came."]


async def test_flask_gives_a_message_to_the_agent(
    env: AgentEnv, agents: SyncAgentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_flask, "agents", lambda: agents)
    browser = web_flask.app.test_client()
    url = f"/orders/{env.prefix}/messages"
    answer = await asyncio.to_thread(browser.post, url, json={"text": "It never came."})
    assert answer.status_code == 202
    assert await said_to(env, env.prefix) == ["It never came."]


async def test_function_of_ones_own_gives_one_message_though_its_event_comes_twice(
    env: AgentEnv, agents: SyncAgentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_handler, "agents", lambda: agents)
    event = {"order": env.prefix, "text": "It never came."}
    answers = [await asyncio.to_thread(lambda_handler.handler, event, Context(3_000)) for _ in range(2)]
    assert answers[0] == answers[1]
    assert await said_to(env, env.prefix) == ["It never came."]
