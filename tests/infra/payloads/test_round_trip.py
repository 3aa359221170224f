"""Large values through a real Temporal server: they arrive whole and history stays small (DESIGN 4.5)."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.converter import StorageDriver
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from sagents_infra.payloads import data_converter
from tests.infra.payloads.echo import Echo, Text, produce

KIB, MIB = 1024, 1024 * 1024


@pytest_asyncio.fixture
async def client(driver: StorageDriver) -> AsyncIterator[Client]:
    cli = str(Path(sys.executable).with_name("temporal"))
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=cli, data_converter=data_converter(driver)
    ) as environment:
        yield environment.client


@pytest.mark.asyncio
async def test_large_results_updates_signals_and_answers_arrive_whole_beside_a_small_history(client: Client) -> None:
    large = Text(text="u" * MIB)
    queue = f"queue-{uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Echo], activities=[produce], max_cached_workflows=0):
        handle = await client.start_workflow(Echo.run, 5 * MIB, id=f"echo-{uuid4()}", task_queue=queue)
        assert await handle.execute_update(Echo.keep, large) == MIB
        assert await handle.query(Echo.what_is_kept) == large
        await handle.signal(Echo.finish, large)
        assert await handle.result() == Text(text="r" * 5 * MIB)
    history = await handle.fetch_history()
    assert len(history.to_json()) < 40 * KIB
    replayer = Replayer(workflows=[Echo], data_converter=client.data_converter)
    await replayer.replay_workflow(history)
