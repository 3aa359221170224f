"""Whose agent it is, as doors ask before they let anybody near."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sagents.client.line import Line
from sagents.client.owning import scope_of
from sagents.contract import AGENT_WORKFLOW
from sagents.errors import Damaged
from sagents.ports import Save
from sagents_infra.stores.memory import MemoryStore
from tests.client.apps import app_of

pytestmark = pytest.mark.asyncio
SCOPE = {"owner": "ann", "tenant": "acme"}
NO_LINE: Any = None
"""What is saved tells without Temporal."""


async def saved(head: str) -> MemoryStore:
    store = MemoryStore()
    await store.take_over("a", "run", 0)
    await store.save(Save(agent_id="a", workflow_run_id="run", seq=0, head=head))
    return store


async def test_what_was_saved_tells_whose_it_is() -> None:
    store = await saved(json.dumps({"head": {"agent": {"name": "x", "scope": SCOPE}}}))
    assert await scope_of(NO_LINE, store, "a") == SCOPE


@pytest.mark.parametrize("head", ["{", "[]", "null", '{"head": {}}', '{"head": {"agent": {"scope": "ann"}}}'])
async def test_where_nobody_can_tell_any_more_it_is_nobodys_to_reach(head: str) -> None:
    with pytest.raises(Damaged):
        await scope_of(NO_LINE, await saved(head), "a")


async def test_an_agent_that_has_not_saved_yet_is_whose_it_was_started_for(serve: Callable[..., Any]) -> None:
    async with serve(app_of(), worker=False) as (server, env):
        line = Line(env.client, env.settings.task_queue, server._line.patience)
        await server.start("helper", agent_id=env.id(), scope=SCOPE)
        assert await scope_of(line, env.store, env.id()) == SCOPE
        assert await scope_of(line, env.store, env.id("other")) is None
        await env.client.start_workflow(AGENT_WORKFLOW, "helper", id=env.id("plain"), task_queue=line.task_queue)
        assert await scope_of(line, env.store, env.id("plain")) == {}
        for name in ("agent", "plain"):
            await env.client.get_workflow_handle(env.id(name)).terminate()
        assert await scope_of(line, env.store, env.id()) is None
