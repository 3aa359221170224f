"""What every benchmark stands on: a real dev server, the embedded store, a worker, and somebody who talks."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from sagents import contract
from sagents.app import Sagents
from sagents.limits import Limits
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import DevServer
from sagents_infra.payloads import DiskStorageDriver, data_converter
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.worker import make_kit, make_worker

PATIENCE = 600.0
"""Seconds after which a benchmark is stuck."""

LOOK_EVERY = 0.003
"""Seconds between two questions whether a workflow is done."""


def say(text: str) -> None:
    """A line of progress."""
    print(f"   {text}", flush=True)


@dataclass
class Stage:
    """A dev server and what belongs to it. Everything is in `folder` and goes with it."""

    address: str
    folder: Path
    client: Client
    settings: Settings
    store: SqliteStore
    channel: MemoryChannel = field(default_factory=MemoryChannel)

    @asynccontextmanager
    async def working(self, app: Sagents, limits: Limits | None = None) -> AsyncIterator[None]:
        """A worker for the application while inside, in this process."""
        kit = make_kit(app, self.store, self.channel, MemoryPresence(), limits=limits)
        try:
            async with make_worker(self.client, kit, self.settings):
                yield
        finally:
            kit.userland.close()

    async def agent(self, name: str, **start: Any) -> "Talk":
        """A new agent, ready to be talked to."""
        handle = await self.client.start_workflow(
            contract.AGENT_WORKFLOW,
            {"agent": name, **start},
            id=f"{name}-{uuid4().hex[:8]}",
            task_queue=self.settings.task_queue,
        )
        return Talk(handle, heard=self.rests(handle.id))

    def rests(self, agent_id: str) -> "Signals":
        """Tells when a run of the agent has ended, by the events that everybody can listen to."""
        signals = Signals()

        async def listen() -> None:
            async for event in self.channel.listen(agent_id):
                if event.type == "status_changed" and event.data["status"] != "running":
                    signals.give()

        signals.task = asyncio.create_task(listen())
        return signals


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """A fresh stage; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="sagents-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = await asyncio.to_thread(DevServer.start, folder)
        store = SqliteStore(folder / "store.db")
        try:
            settings = Settings(home=folder, task_queue="bench")
            converter = data_converter(DiskStorageDriver(folder / "payloads"))
            client = await Client.connect(server.address, data_converter=converter)
            yield Stage(server.address, folder, client, settings, store)
        finally:
            store.close()
            server.stop()


@dataclass
class Signals:
    """Says that something has come to an end; what nobody waited for yet is kept."""

    task: asyncio.Task[None] | None = None
    _given: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def give(self) -> None:
        self._given.put_nowait(None)

    async def next(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._given.get()

    def forget(self) -> None:
        with suppress(asyncio.QueueEmpty):
            while True:
                self._given.get_nowait()


@dataclass
class Talk:
    """A conversation with a workflow that takes the update `add_message` and answers the query `status`.

    Ours, the bare one and pydantic-ai's are talked to alike. `heard` spares the workflow questions while it works.
    """

    handle: WorkflowHandle[Any, Any]
    heard: Signals
    rounds: int = 0

    async def say(self, text: str) -> float:
        """One round: the seconds from sending the message until the workflow is idle and has saved."""
        began = time.perf_counter()
        self.heard.forget()
        await self.handle.execute_update(contract.ADD_MESSAGE, text)
        await self.heard.next()
        async with asyncio.timeout(PATIENCE):
            while await self.handle.query(contract.STATUS) == "running":  # noqa: ASYNC110 (it is elsewhere)
                await asyncio.sleep(LOOK_EVERY)
        self.rounds += 1
        return time.perf_counter() - began
