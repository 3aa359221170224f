"""An agent whose store forgets whatever it may goes on as if it had not."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sagents import Agent, Message, Sagents
from sagents_infra.stores import SqliteStore
from sagents_infra.stores.keeping import Keeping
from tests.client.patience import settled
from tests.support.deciding import server_of
from tests.support.models import Thinks, last_user_text

pytestmark = pytest.mark.asyncio

LONG = "x" * 30_000


async def test_an_agent_whose_bases_are_pruned_remembers_everything(agent_env: Any, tmp_path: Path) -> None:
    """Nothing is kept but what the newest head is read from; each life has a worker that has read nothing yet."""
    app = Sagents()
    says = Thinks(lambda request, _: Message.assistant(f"{last_user_text(request)[:9]} {LONG}"))
    app.agent("desk", Agent(model=says, default_middleware=False))
    store = SqliteStore(tmp_path / "kept.db", keeping=Keeping(records=timedelta(0)))
    async with agent_env(app, store=store, worker=False) as env:
        agent_id, server = env.id(), server_of(env)
        for life in range(3):
            async with env.worker():
                await server.start("desk", agent_id=agent_id)
                for n in range(3):
                    await server.add_message(agent_id, f"message {life * 3 + n}")
                    await settled(server, agent_id)
                assert await server.stop(agent_id) == "stopped"
        messages = await server.messages(agent_id)
    assert [message.text[:9] for message in messages] == [f"message {n}" for n in range(9) for _ in range(2)]
    store.close()
    with closing(sqlite3.connect(tmp_path / "kept.db")) as db:
        (kept,), (snapshots,) = db.execute("SELECT count(*) FROM bases UNION ALL SELECT sum(is_snapshot) FROM bases")
    assert snapshots >= 1
    assert kept < 9  # of at least nine saves
