"""An `AgentServer` beside a worker, on a real server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from sagents import Sagents
from sagents.client import AgentServer
from sagents_infra.testing import AgentEnv
from tests.support.deciding import server_of

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
