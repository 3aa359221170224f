"""An attempt that nobody waits for any more, and that wakes when all is done."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio import activity

from sagents import Agent, Approve, Sagents, Status, ask, tool
from sagents.events import Event
from sagents.ports import News
from sagents_infra.stores.memory import MemoryStore
from tests.client.patience import reaches, settled
from tests.support.deciding import server_of
from tests.support.models import uses

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def shred(paper: str) -> str:
    """Shred a paper."""
    return f"shredded {paper}"


class Hangs(MemoryStore):
    """The first append of rows by a save hangs until it is let go; all others pass."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.zombie: asyncio.Task[tuple[Event, ...]] | None = None

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        is_of_a_save = activity.in_activity() and activity.info().activity_type == "save"
        if self.zombie is None and is_of_a_save and any(one.row for one in news):
            self.zombie = asyncio.create_task(self._late(agent_id, news, workflow_run_id))
            return await asyncio.shield(self.zombie)
        return await super().append(agent_id, news, workflow_run_id)

    async def _late(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        await self.go.wait()
        return await super().append(agent_id, news, workflow_run_id)


async def test_a_zombie_that_writes_its_rows_after_all_is_done_changes_nothing(agent_env: Any) -> None:
    """The row of the call that waited has been approved, run and completed by then; the first write of a slot stays."""
    app = Sagents()
    app.agent("desk", Agent(model=uses("shred", paper="bill"), tools=[shred], default_middleware=False))
    store = Hangs()
    async with agent_env(app, store=store) as env:
        agent_id, server = env.id(), server_of(env)
        await server.start("desk", agent_id=agent_id)
        await server.add_message(agent_id, "go")
        await reaches(server, agent_id, Status.INTERRUPTED)
        await server.resume(agent_id, Approve())
        await settled(server, agent_id)
        done = [await store.events(agent_id), await store.rows(agent_id)]
        assert store.zombie is not None
        assert not store.zombie.done()
        store.go.set()
        late = await store.zombie
        assert late
        assert [event for event in late if event not in done[0]] == []
        assert [await store.events(agent_id), await store.rows(agent_id)] == done
        assert {str(row.status) for row in await store.rows(agent_id)} == {"completed"}
