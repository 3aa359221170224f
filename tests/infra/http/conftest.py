"""The HTTP API's door over agents on a real Temporal server, and over none."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from sagents import Sagents
from sagents.ports import Channel
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.http.handler import Door
from sagents_infra.http.office import Office, Runner
from sagents_infra.http.options import HttpOptions
from sagents_infra.notify import MemoryNotifier
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.testing import AgentEnv
from sagents_infra.wiring import Outside
from tests.infra.http.asking import Front

Opened = AbstractAsyncContextManager[tuple[Front, AgentEnv]]


@pytest.fixture
def serve(agent_env: Any, tmp_path: Path) -> Callable[..., Opened]:
    """`async with serve(app) as (front, env):` with a running worker; `options` are those of the API."""

    @asynccontextmanager
    async def opened(app: Sagents, *, options: HttpOptions | None = None, **more: Any) -> AsyncIterator[Any]:
        store = SqliteStore(tmp_path / "store.db")
        async with agent_env(app, store=store, **more) as env:
            office = office_of(env, tmp_path / "store.db", options or HttpOptions())
            yield Front(Door(office, options or HttpOptions()), f"-{env.prefix}"), env
            office.close()
        store.close()

    return opened


@pytest.fixture
def front() -> Front:
    """A door behind which nothing is: it refuses before it asks."""
    return Front(Door(nobody(), HttpOptions()))


def nobody() -> Office:
    """An office that must not be used."""

    async def opening(*_: object) -> Any:
        raise AssertionError("the door asked")

    return Office(opening, opening, patience=timedelta(seconds=1), idle=timedelta(0))


def office_of(
    env: AgentEnv, path: Path, options: HttpOptions, loop: Runner | None = None, channel: Channel | None = None
) -> Office:
    """An office with a connection of its own, as in another process."""

    async def opening() -> Outside:
        return Outside(
            client=await connected(env.settings),
            store=SqliteStore(path),
            channel=channel or MemoryChannel(),
            presence=env.presence,
            signer=env.signer,
            notifier=MemoryNotifier(),
            blobs=env.blobs,
            settings=env.settings,
        )

    async def connected(_: object) -> Client:
        return await Client.connect(
            env.client.service_client.config.target_host, data_converter=env.client.data_converter
        )

    return Office(opening, connected, patience=options.patience, idle=options.idle, loop=loop)
