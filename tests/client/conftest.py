"""An `AgentServer` beside a worker, on a real server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from sagents import Sagents
from sagents.client import AgentServer
from sagents_infra.testing import AgentEnv

Opened = AbstractAsyncContextManager[tuple[AgentServer, AgentEnv]]


@pytest.fixture
def serve(agent_env: Any) -> Callable[..., Opened]:
    """`async with serve(app) as (server, env):` with a running worker; options are those of `agent_env`."""

    @asynccontextmanager
    async def opened(
        app: Sagents, *, patience: timedelta = timedelta(seconds=20), **options: Any
    ) -> AsyncIterator[tuple[AgentServer, AgentEnv]]:
        async with agent_env(app, **options) as env:
            yield server_of(env, patience), env

    return opened


def server_of(env: AgentEnv, patience: timedelta = timedelta(seconds=20)) -> AgentServer:
    return AgentServer(
        env.client,
        store=env.store,
        channel=env.channel,
        presence=env.presence,
        signer=env.signer,
        blobs=env.blobs,
        task_queue=env.settings.task_queue,
        patience=patience,
    )
