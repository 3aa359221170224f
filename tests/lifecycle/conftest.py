"""Agents on Temporal's time-skipping server: days pass in a second."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from sagents import Sagents
from sagents.contract import SEARCH_ATTRIBUTES
from sagents.limits import Limits
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import time_skipping_server
from sagents_infra.payloads import DiskStorageDriver, data_converter
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv


@dataclass
class Skipping(AgentEnv):
    """An environment whose clock is moved by `passes`."""

    temporal: WorkflowEnvironment | None = None

    async def passes(self, time: timedelta) -> None:
        """Let time pass, timers included."""
        assert self.temporal is not None
        await self.temporal.sleep(time)

    async def now(self) -> datetime:
        assert self.temporal is not None
        return await self.temporal.get_current_time()

    async def events(self, agent_id: str, type: str | None = None) -> list[Any]:
        """The agent's log of events, of one type or all."""
        return [event for event in await self.store.events(agent_id) if type in (None, event.type)]


Opened = AbstractAsyncContextManager[Skipping]


@pytest.fixture
def skipping_env(tmp_path: Path) -> Callable[..., Opened]:
    """`async with skipping_env(app) as env:` runs the app's agents where time can be skipped."""

    @asynccontextmanager
    async def open_env(app: Sagents, *, limits: Limits | None = None, **changes: Any) -> AsyncIterator[Skipping]:
        converter = data_converter(DiskStorageDriver(tmp_path / "payloads"))
        async with await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(time_skipping_server()), data_converter=converter
        ) as temporal:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            attributes = dict.fromkeys(SEARCH_ATTRIBUTES, keyword)
            await temporal.client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace="default", search_attributes=attributes)
            )
            env = Skipping(
                app=app,
                client=temporal.client,
                store=MemoryStore(),
                channel=MemoryChannel(),
                presence=MemoryPresence(),
                settings=Settings(home=tmp_path, task_queue=f"sagents-{uuid4().hex[:8]}"),
                limits=limits or Limits(),
                temporal=temporal,
            )
            with temporal.auto_time_skipping_disabled():
                async with env.worker(**changes):
                    yield env

    return open_env
