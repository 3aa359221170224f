"""Fixtures that run agents on a real Temporal dev server, one per test session (and per xdist worker)."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from temporalio.client import Client

    from sagents.app import Sagents
    from sagents.limits import Limits
    from sagents.ports import Blobs, Channel, Model, Presence, Signer, Store
    from sagents_infra.dev_server import DevServer
    from sagents_infra.notify import MemoryNotifier
    from sagents_infra.settings import Settings

# Nothing above is imported before a fixture is used: pytest loads this plugin in every project that has Sagents.


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[DevServer]":
    """A real dev server for the session."""
    from sagents_infra.dev_server import DevServer

    server = DevServer.start(tmp_path_factory.mktemp("temporal"), tied=True)
    yield server
    server.stop()


@dataclass
class AgentEnv:
    """Agents on a real Temporal: a client, the store and channel, and a worker that can be stopped and started.

    Its worker believes what `signer` has signed; `notifier.notices` are what people would have been told,
    `blobs` keep the agents' files.
    """

    app: "Sagents"
    client: "Client"
    store: "Store"
    channel: "Channel"
    presence: "Presence"
    settings: "Settings"
    limits: "Limits"
    prefix: str = field(default_factory=lambda: uuid4().hex[:8])
    signer: "Signer" = field(default_factory=lambda: _fresh_keys())
    notifier: "MemoryNotifier" = field(default_factory=lambda: _memory())
    blobs: "Blobs" = field(default_factory=lambda: _no_files())

    def id(self, name: str = "agent") -> str:
        """An agent id that no other test has."""
        return f"{name}-{self.prefix}"

    @asynccontextmanager
    async def worker(self, app: "Sagents | None" = None, **changes: Any) -> "AsyncIterator[None]":
        """A worker while inside, of this application or another one: a deploy, for instance."""
        from sagents_infra.worker import make_kit, make_worker

        shared = {"limits": self.limits, "signer": self.signer, "notifier": self.notifier, "blobs": self.blobs}
        kit = make_kit(app or self.app, self.store, self.channel, self.presence, **{**shared, **changes})
        try:
            async with make_worker(self.client, kit, self.settings):
                yield
        finally:
            kit.userland.close()


Opened = AbstractAsyncContextManager[AgentEnv]


@pytest.fixture
def agent_env(temporal_server: "DevServer", tmp_path: Path) -> Callable[..., Opened]:
    """`async with agent_env(app, models={"helper": model}) as env:` runs the app's agents on a real server.

    `worker=False` starts no worker yet; `limits` changes when agents save and continue as new.
    """

    @asynccontextmanager
    async def open_env(
        app: "Sagents",
        *,
        models: "Mapping[str, Model] | None" = None,
        limits: "Limits | None" = None,
        store: "Store | None" = None,
        worker: bool = True,
    ) -> AsyncIterator[AgentEnv]:
        env = await _environment(temporal_server, tmp_path, app.with_models(models or {}), limits, store)
        if not worker:
            yield env
            return
        async with env.worker():
            yield env

    return open_env


async def _environment(
    server: "DevServer", folder: Path, app: "Sagents", limits: "Limits | None", store: "Store | None"
) -> AgentEnv:
    from temporalio.client import Client

    from sagents.limits import Limits
    from sagents_infra.channels.memory import MemoryChannel
    from sagents_infra.payloads import DiskStorageDriver, data_converter
    from sagents_infra.presence import MemoryPresence
    from sagents_infra.settings import Settings
    from sagents_infra.stores.memory import MemoryStore

    converter = data_converter(DiskStorageDriver(folder / "payloads"))
    settings = Settings(
        home=folder,
        task_queue=f"sagents-{uuid4().hex[:8]}",
        heartbeat_timeout_ms=5_000,
        sticky_timeout_ms=1_000,
    )
    return AgentEnv(
        app=app,
        client=await Client.connect(server.address, data_converter=converter),
        store=store or MemoryStore(),
        channel=MemoryChannel(),
        presence=MemoryPresence(),
        settings=settings,
        limits=limits or Limits(),
    )


def _fresh_keys() -> "Signer":
    from sagents_infra.identity import KeyRing

    return KeyRing.fresh()


def _memory() -> "MemoryNotifier":
    from sagents_infra.notify import MemoryNotifier

    return MemoryNotifier()


def _no_files() -> "Blobs":
    from sagents.memory_blobs import MemoryBlobs

    return MemoryBlobs()
