"""Many messages at once, while their agent continues as new all the time."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from sagents.limits import Limits
from tests.client.apps import app_of
from tests.client.patience import settled
from tests.support.driving import spoken, until

pytestmark = pytest.mark.asyncio
MESSAGES = 30


async def test_each_of_many_messages_sent_twice_is_heard_once(serve: Any) -> None:
    """B-64; more at once than Temporal lets in flight, over many workflow runs."""
    limits = Limits(updates=5, events=60, parked_events=60)
    async with serve(app_of(), limits=limits) as (server, env):
        await server.start("helper", agent_id=env.id())
        ids = [f"m{n}" for n in range(MESSAGES)]
        await asyncio.gather(*(server.add_message(env.id(), id, id=id) for id in ids * 2))

        async def all_heard() -> bool:
            await settled(server, env.id())
            said = spoken([message for message in await server.messages(env.id()) if message.role == "user"])
            heard = Counter(said)
            return set(heard) == set(ids) and set(heard.values()) == {1}

        await until(all_heard)
        runs = [run async for run in env.client.list_workflows(f"WorkflowId = '{env.id()}'")]
        assert len(runs) > 1
