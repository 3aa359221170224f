"""What `delete` leaves behind: nothing in the store, whoever is still at work."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sagents import Agent, Sagents, Status, tool
from sagents_infra.payloads import DiskStorageDriver
from sagents_infra.sqlite_file import SqliteFile
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.stores.sqlite_schema import MIGRATIONS, TABLES
from tests.client.apps import app_of, desk
from tests.client.patience import reaches, settled
from tests.support.driving import until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio

WHEN_PRUNED = "pruned"
"""One time for the whole file, of no agent."""


async def rows(path: Path) -> dict[str, int]:
    """How many rows each table of the store's file has, tables that no list of ours names included."""
    file = SqliteFile(path, MIGRATIONS, timedelta(seconds=5))

    def count(db: Any) -> dict[str, int]:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = [name for name in names if not name.startswith("sqlite_")]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ours}

    try:
        return await file.read(count)
    finally:
        file.close()


async def _has_rows(path: Path, *tables: str) -> bool:
    kept = await rows(path)
    return all(kept[table] for table in tables)


async def test_a_deleted_agent_leaves_no_row_in_any_table(serve: Any, tmp_path: Path) -> None:
    """State, records, events, questions; also a deposited export, and what a listener has heard."""
    store, app = SqliteStore(tmp_path / "store.db"), desk()
    app.on_new_message(lambda conversation_id, message: None)
    async with serve(app, store=store) as (server, env):
        await server.start("helper", agent_id=env.id(), conversation_id="c1")
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        exported = await server.export_state(env.id())
        await server.restore_state(env.id(), exported)
        await reaches(server, env.id(), Status.IDLE)
        await server.add_message(env.id(), "refund")
        await reaches(server, env.id(), Status.INTERRUPTED)
        await until(lambda: _has_rows(tmp_path / "store.db", "agents", "bases", "records", "events", "interrupts"))
        assert set(await rows(tmp_path / "store.db")) == {*TABLES, WHEN_PRUNED}
        assert await server.delete(env.id()) == "deleted"
        assert set((await rows(tmp_path / "store.db")).values()) == {0}
    store.close()


async def test_a_tool_that_ends_after_its_agent_was_deleted_writes_nothing(serve: Any) -> None:
    """It knows nothing of the end: its thread cannot be stopped."""
    began, go, ended = threading.Event(), threading.Event(), threading.Event()

    @tool
    def count_sheep() -> str:
        """Take long."""
        began.set()
        go.wait(60)
        ended.set()
        return "many"

    app = Sagents()
    app.agent("helper", Agent(model=uses("count_sheep"), tools=[count_sheep]))
    async with serve(app) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "count")
        await until(lambda: _is_set(began))
        await server.delete(env.id(), within=timedelta(milliseconds=200))
        go.set()
        await until(lambda: _is_set(ended))
    assert await env.store.load(env.id()) is None
    assert await env.store.events(env.id()) == ()


async def _is_set(flag: threading.Event) -> bool:
    return flag.is_set()


async def test_large_payloads_are_stored_for_their_agent_so_that_s3_keys_have_its_id(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/data.md deletes by the prefixes that come of it; Temporal's driver makes the keys."""
    targets, store = list[Any](), DiskStorageDriver.store

    async def noted(self: DiskStorageDriver, context: Any, payloads: Any) -> Any:
        targets.append(context.target)
        return await store(self, context, payloads)

    monkeypatch.setattr(DiskStorageDriver, "store", noted)
    large = "x" * 40_000
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=[large])
        await server.add_message(env.id(), large)
        await settled(server, env.id())
        await server.stop(env.id())
        await server.add_message(env.id(), large + "!")
        await settled(server, env.id())
        assert {target.id for target in targets} == {env.id()}
        assert {target.type for target in targets} == {None, "AgentWorkflow"}
