"""How little the SQLite store asks of its file. Statements are counted, not seconds: a busy machine is no failure."""

import sqlite3
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagents.decision_log import Entry, EntryKind
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.ports import Save
from sagents_infra.stores import SqliteStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def sqlite_store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


async def statements(store: SqliteStore, work: Awaitable[object]) -> list[str]:
    """What SQLite is asked while this is done."""
    asked = list[str]()
    await store._file.read(lambda db: db.set_trace_callback(asked.append))
    await work
    await store._file.read(lambda db: db.set_trace_callback(None))
    return [one for one in asked if one.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]


@pytest.mark.asyncio
async def test_the_whole_inbox_is_one_query_for_interrupts_and_one_for_claims(sqlite_store: SqliteStore) -> None:
    for n in range(30):
        await sqlite_store.take_over(f"agent-{n}", "run", 0)
        save = Save(agent_id=f"agent-{n}", workflow_run_id="run", seq=0, head="{}")
        await sqlite_store.save(save.but(interrupts=(asks(n),)))
        await sqlite_store.claim(f"agent-{n}", f"int_{n}", "anna", NOON + timedelta(1), NOON)
    assert len(await statements(sqlite_store, sqlite_store.interrupts())) == 1
    assert len(await statements(sqlite_store, sqlite_store.claims())) == 1


@pytest.mark.parametrize("length", [0, 300])
@pytest.mark.asyncio
async def test_an_entry_costs_the_same_however_long_the_log_is(
    path: Path, sqlite_store: SqliteStore, length: int
) -> None:
    await sqlite_store.take_over("agent", "run", 0)
    await sqlite_store.log("agent", [an_entry(n) for n in range(length)], "run")
    asked = await statements(sqlite_store, sqlite_store.log("agent", [an_entry(length)], "run"))
    of_log = [one for one in asked if "decisions" in one]
    assert len(of_log) == 3  # is the slot taken, where does the log end, write
    with sqlite3.connect(path) as db:
        plans = [row[3] for one in of_log[:2] for row in db.execute(f"EXPLAIN QUERY PLAN {one}")]
    db.close()
    assert [plan.partition(" (")[0] for plan in plans] == [
        "SEARCH decisions USING COVERING INDEX sqlite_autoindex_decisions_2",  # by slot
        "SEARCH decisions USING INDEX sqlite_autoindex_decisions_1",  # from the end, nothing sorted
    ]


def asks(n: int) -> str:
    return InboxItem(agent_id=f"agent-{n}", interrupt=Interrupt(id=f"int_{n}", created_at=NOON)).model_dump_json()


def an_entry(n: int) -> str:
    return Entry(slot=f"{n}", kind=EntryKind.VOTED, interrupt_id="int_1", at=NOON).model_dump_json()
