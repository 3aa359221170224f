"""An agent on a real Temporal server whose store is a table."""

from collections.abc import Callable
from typing import Any

import pytest

from sagents import Approve, Status
from sagents.client import AgentServer
from sagents_infra.stores.dynamodb import DynamoDBStore
from tests.client.apps import desk
from tests.client.patience import reaches
from tests.support.deciding import server_of
from tests.support.driving import until


@pytest.mark.asyncio
async def test_an_agent_asks_sleeps_wakes_and_is_deleted_without_a_row_left(
    agent_env: Any, tables: Callable[[], DynamoDBStore]
) -> None:
    store = tables()
    async with agent_env(desk(), store=store) as env:
        server: AgentServer = server_of(env)
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        await until(lambda: _waits(store))
        await server.resume(env.id(), [Approve()])
        await reaches(server, env.id(), Status.IDLE)
        before = (await server.get_state(env.id())).messages
        await server.stop(env.id())
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        assert (await server.get_state(env.id())).messages[: len(before)] == before
        events = await store.events(env.id())
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        assert await store.logs() == (env.id(),)
        await server.delete(env.id())
    found = store._table.client.scan(TableName=store._table.name)["Items"]
    assert [item["pk"]["S"] for item in found] == ["schema"]
    store.close()


async def _waits(store: DynamoDBStore) -> bool:
    return len(await store.interrupts()) == 1
