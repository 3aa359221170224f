"""The SQLite store among processes, and on a bad day: what a single file has to stand."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagents.decision_log import Row
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents.ports import Base, News, Save, Segment
from sagents_infra.stores import SqliteStore
from sagents_infra.stores.sqlite_schema import MIGRATIONS

WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, busy=timedelta(milliseconds=100))
    yield store
    store.close()


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def writer(path: Path, job: str, name: str) -> subprocess.Popen[str]:
    """Another process at the same file; each line it prints is a write that was confirmed to it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(path), job, name], stdout=subprocess.PIPE, text=True, env=env
    )


@pytest.mark.asyncio
async def test_processes_that_open_a_new_file_at_once_write_without_loss(path: Path, store: SqliteStore) -> None:
    writers = [writer(path, "fill", f"agent-{n}") for n in range(6)]
    outputs = [process.communicate(timeout=60)[0] for process in writers]
    assert [process.returncode for process in writers] == [0] * 6
    for n, output in enumerate(outputs):
        confirmed = [int(line) for line in output.split()]
        await assert_kept(store, f"agent-{n}", confirmed[-1])
        assert len(confirmed) == 100


@pytest.mark.asyncio
async def test_processes_agree_on_the_first_record_of_each_key(path: Path, store: SqliteStore) -> None:
    await store.take_over("shared", "run", 0)
    writers = [writer(path, "race", f"process-{n}") for n in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in writers]
    assert [process.returncode for process in writers] == [0] * 4
    stored = [await store.get("shared", f"step-{n}") for n in range(100)]
    assert [output.split() for output in outputs] == [stored] * 4


@pytest.mark.asyncio
async def test_processes_agree_on_the_first_event_of_each_slot_and_on_its_id(path: Path, store: SqliteStore) -> None:
    await store.take_over("shared", "run", 0)
    writers = [writer(path, "announce", f"process-{n}") for n in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in writers]
    assert [process.returncode for process in writers] == [0] * 4
    told = [line for output in outputs for line in output.splitlines()]
    assert len(told) == 4 * 50 * 2
    by_slot = {slot: (number, by) for slot, number, by in (line.split() for line in set(told))}
    assert len(set(told)) == len(by_slot) == 50 + 4 * 50  # whoever asks for a slot is told the same
    stored = await store.events("shared")
    assert [event.id for event in stored] == list(range(1, 251))
    assert {(f"{event.id}", event.data["by"]) for event in stored} == set(by_slot.values())


@pytest.mark.parametrize("after", [1, random.Random(7).randint(2, 40), 150])
@pytest.mark.asyncio
async def test_a_writer_killed_in_the_middle_leaves_all_it_confirmed_and_nothing_half(
    path: Path, store: SqliteStore, after: int
) -> None:
    """K-1: what was confirmed is there, whole; the save in flight is there whole or not at all."""
    process = writer(path, "for ever", "agent")
    assert process.stdout is not None
    confirmed = [int(process.stdout.readline()) for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")  # the last one may be half a line
    confirmed += map(int, rest[:-1])
    process.stdout.close()
    assert process.wait(30) == -signal.SIGKILL
    await assert_kept(store, "agent", confirmed[-1])
    assert (await store.take_over("agent", "next run", 1)).generation == 2


async def assert_kept(store: SqliteStore, agent_id: str, last: int) -> None:
    """The head is of save `last` or the one after, its base reads back to the beginning, every record is there."""
    row = await store.load(agent_id)
    assert row is not None
    assert last <= row.seq <= last + 1
    assert row.head == f'{{"base":"{row.seq}"}}'
    chain = await store.chain(agent_id, row.base.digest)
    assert chain is not None
    assert [int(segment[:10]) for segment in chain.segments] == list(range(1, row.seq + 1))
    for n in range(1, last + 1):
        assert await store.get(agent_id, f"step-{n}") == f'"{n}"'


@pytest.mark.asyncio
async def test_a_save_that_fails_half_way_leaves_neither_head_nor_segment(path: Path, store: SqliteStore) -> None:
    await store.take_over("agent", "run", 0)
    with sqlite3.connect(path) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON bases BEGIN SELECT raise(ROLLBACK, 'disk full'); END")
    other.close()
    save = Save(agent_id="agent", workflow_run_id="run", seq=0, head="{}")
    with pytest.raises(sqlite3.IntegrityError):
        await store.save(save.but(segment=Segment(base=Base(position=1, digest="a"), parent=Base(), operations="[]")))
    row = await store.load("agent")
    assert row is not None
    assert row.head is None


@pytest.mark.asyncio
async def test_a_file_held_by_another_program_is_unavailable_and_then_available(path: Path, store: SqliteStore) -> None:
    await store.take_over("agent", "run", 0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"store\.sqlite is out of reach: database is locked"):
        await store.put_once("agent", "step", "{}", "run")
    assert await store.load("agent") is not None
    other.execute("ROLLBACK")
    other.close()
    assert await store.put_once("agent", "step", "{}", "run") == "{}"


@pytest.mark.asyncio
async def test_a_full_disk_is_unavailable_and_loses_nothing(path: Path, store: SqliteStore) -> None:
    await store.take_over("agent", "run", 0)
    full = "PRAGMA max_page_count=1"  # SQLite answers as on a full disk: "database or disk is full"
    await store._file.read(lambda db: db.execute(full))
    with pytest.raises(StoreUnavailable, match="full"):
        await store.put_once("agent", "step", "x" * 1_000_000, "run")
    assert await store.get("agent", "step") is None
    assert await store.put_once("agent", "step", "{}", "run") == "{}"


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = SqliteStore(tmp_path / "file" / "store.sqlite")
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await store.load("agent")
    store.close()


@pytest.mark.asyncio
async def test_a_file_that_is_no_store_says_so_and_is_left_alone(path: Path, store: SqliteStore) -> None:
    write(path, b"these are my holiday pictures " * 200)
    with pytest.raises(StoreUnavailable, match=r"store\.sqlite is damaged or no SQLite file.*Restore it"):
        await store.load("agent")
    assert read(path) == b"these are my holiday pictures " * 200


@pytest.mark.asyncio
async def test_a_damaged_file_is_unavailable_until_it_is_restored(path: Path) -> None:
    """An agent has to wait for its state; a fresh one in its place would be a loss (K-1)."""
    store = SqliteStore(path)
    await store.take_over("agent", "run", 0)
    store.close()
    whole = read(path)
    write(path, whole[:4096] + b"\xff" * (len(whole) - 4096))
    store = SqliteStore(path)
    with pytest.raises(StoreUnavailable, match="damaged"):
        await store.load("agent")
    write(path, whole)
    assert await store.load("agent") is not None
    store.close()


@pytest.mark.asyncio
async def test_a_file_of_a_newer_version_is_refused_with_what_to_do(path: Path) -> None:
    store = SqliteStore(path)
    await store.take_over("agent", "run", 0)
    await store._file.read(lambda db: db.execute("PRAGMA user_version=99"))
    store.close()
    with pytest.raises(StoreUnavailable, match=r"newer Sagents \(schema 99, this one knows 5\); upgrade"):
        await SqliteStore(path).load("agent")


@pytest.fixture(params=range(1, len(MIGRATIONS)))
def old(request: pytest.FixtureRequest, path: Path) -> Path:
    """A file as each earlier version left it, with an agent in it."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    statements = ";".join(statement for migration in MIGRATIONS[: request.param] for statement in migration)
    db.executescript(f"{statements}; PRAGMA journal_mode=WAL; PRAGMA user_version={request.param}")
    db.execute("""INSERT INTO agents VALUES ('agent', 4, 'run', 7, 1, 'a', '{"todos":1}')""")
    db.execute("INSERT INTO bases VALUES ('agent', 'a', 1, '', 0, 2, '[]')")
    db.execute("INSERT INTO records VALUES ('agent', 'step-1', '{}')")
    db.commit()
    db.close()
    return path


@pytest.mark.asyncio
async def test_a_file_of_an_older_version_keeps_its_agents_and_takes_what_came_since(old: Path) -> None:
    store = SqliteStore(old)
    row, chain = await store.load("agent"), await store.chain("agent", "a")
    assert row is not None
    assert chain is not None
    assert (row.generation, row.seq, row.head, chain.segments) == (4, 7, '{"todos":1}', ("[]",))
    assert await store.get("agent", "step-1") == "{}"
    event = Event(agent_id="agent", type="test", at=datetime.now(UTC))
    assert await store.append("agent", [News(slot="a", event=event)], "run") == (event.but(id=1),)
    await store.save(Save(agent_id="agent", workflow_run_id="run", seq=8, head="{}", interrupts=("{}",)))
    assert [one.interrupt for one in await store.interrupts()] == ["{}"]
    await store.log("agent", ['{"slot": "a"}'], "run")
    assert [Row.model_validate_json(row).written for row in await store.logged("agent")] == [{"slot": "a"}]
    assert (await store.rules(), await store.claims()) == ((), ())
    store.close()


@pytest.mark.asyncio
async def test_processes_that_open_an_old_file_at_once_migrate_it_once(old: Path) -> None:
    writers = [writer(old, "fill", f"agent-{n}") for n in range(4)]
    for process in writers:
        process.communicate(timeout=60)
    assert [process.returncode for process in writers] == [0] * 4
    store = SqliteStore(old)
    assert await store.interrupts() == ()
    assert await store.load("agent") is not None
    store.close()


@pytest.mark.asyncio
async def test_a_closed_store_keeps_all_and_may_be_opened_again(path: Path) -> None:
    store = SqliteStore(path)
    pending = [asyncio.ensure_future(store.take_over(f"agent-{n}", "run", 0)) for n in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    await asyncio.gather(*pending)
    store.close()
    again = SqliteStore(path)
    assert await again.load("agent-49") is not None
    again.close()
