"""What stores forget by themselves once `SAGENTS_KEEP_RECORDS_DAYS` or `SAGENTS_KEEP_EVENTS_DAYS` have passed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents.display import DisplayMessage, MessageType
from sagents.errors import Damaged
from sagents.events import Event
from sagents.ports import Base, News, Save, Segment, Store
from sagents_infra.stores import MemoryStore, SqliteStore
from sagents_infra.stores.bases import Aged, out_of_use
from sagents_infra.stores.dynamodb import DynamoDBStore
from sagents_infra.stores.keeping import Keeping
from tests.infra.stores.conftest import KINDS

AGENT, OTHER, RUN = "conversation-1", "conversation-2", "workflow-run-1"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=30)


@dataclass
class Calendar:
    """A clock that a test moves."""

    now: float = field(default_factory=NOON.timestamp)

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time).total_seconds()

    def keeping(self, **what: timedelta) -> Keeping:
        return Keeping(clock=lambda: self.now, **what)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, calendar: Calendar) -> Iterator[Store]:
    keeping = calendar.keeping(records=MONTH)
    if request.param == "memory":
        yield MemoryStore(keeping)
        return
    if request.param == "sqlite":
        kept: SqliteStore | DynamoDBStore = SqliteStore(tmp_path / "store.sqlite", keeping=keeping)
    else:
        made: DynamoDBStore = request.getfixturevalue("tables")()
        kept = DynamoDBStore(made._table.client, made._table.name, keeping)
        made.close()
    yield kept
    kept.close()


@dataclass
class Chained:
    """An agent whose saves follow each other. Each is a letter; a capital one is a snapshot."""

    store: Store
    agent_id: str = AGENT
    seq: int = 0
    bases: dict[str, Base] = field(default_factory=lambda: {"": Base()})
    last: str = ""

    async def save(self, letters: str, after: str | None = None) -> None:
        """Save these, the first one after the last or after another one, as a reset does it."""
        self.last = self.last if after is None else after
        if self.seq == 0:
            await self.store.take_over(self.agent_id, RUN, 0)
        for letter in letters:
            parent = self.bases[self.last]
            base = self.bases[letter] = Base(position=parent.position + 1, digest=letter)
            snapshot = f"snapshot {letter}" if letter.isupper() else None
            segment = Segment(base=base, parent=parent, operations=letter, snapshot=snapshot)
            fields = {"agent_id": self.agent_id, "workflow_run_id": RUN, "seq": self.seq, "head": "{}"}
            await self.store.save(Save.model_validate({**fields, "base": base, "segment": segment}))
            self.last, self.seq = letter, self.seq + 1

    async def kept(self) -> str:
        """The bases that are stored and can be read."""
        found = ""
        for letter in self.bases:
            with suppress(Damaged):
                found += letter if letter and await self.store.chain(self.agent_id, letter) else ""
        return found


@pytest.fixture
def agent(store: Store) -> Chained:
    return Chained(store)


# Bases


@pytest.mark.asyncio
async def test_a_snapshot_forgets_what_no_head_was_read_from_since(agent: Chained, calendar: Calendar) -> None:
    """DESIGN 4.4: bases that no row refers to, once the retention period is over."""
    await agent.save("abCde")
    calendar.passes(days=20)
    await agent.save("Fg")
    calendar.passes(days=20)
    await agent.save("h")
    assert await agent.kept() == "abCdeFgh"  # only a snapshot looks
    await agent.save("I")
    assert await agent.kept() == "CdeFghI"  # `e` was the newest ten days before the period began, and until `F` came
    calendar.passes(days=20)
    await agent.save("jK")
    assert await agent.kept() == "FghIjK"


@pytest.mark.asyncio
async def test_an_agent_goes_on_after_its_bases_were_pruned(agent: Chained, calendar: Calendar) -> None:
    for letters in ("abC", "dE", "fG", "hI", "jkl"):
        await agent.save(letters)
        calendar.passes(days=40)
    chain = await agent.store.chain(AGENT, "l")
    assert chain is not None
    assert (chain.snapshot, chain.segments) == ("snapshot I", ("j", "k", "l"))
    weight = await agent.store.weight(AGENT, "l")
    assert weight is not None
    assert (weight.snapshot, weight.segments) == (len("snapshot I"), 3)
    assert await agent.kept() == "GhIjkl"
    await agent.save("m")
    row = await agent.store.load(AGENT)
    assert row is not None
    assert row.base.digest == "m"


@pytest.mark.asyncio
async def test_a_reset_finds_what_was_the_newest_within_the_period(agent: Chained, calendar: Calendar) -> None:
    """`temporal workflow reset` goes back to any step of the last days, and forks the chain there."""
    await agent.save("aBc")
    calendar.passes(days=29)
    await agent.save("DeF")
    await agent.save("xY", after="c")
    assert await agent.kept() == "aBcDeFxY"
    calendar.passes(days=29)
    await agent.save("Z")
    assert await agent.kept() == "BcDeFxYZ"
    calendar.passes(days=2)
    await agent.save("W")
    assert await agent.kept() == "YZW"


@pytest.mark.asyncio
async def test_pruning_one_agent_takes_nothing_from_another(agent: Chained, calendar: Calendar) -> None:
    other = Chained(agent.store, OTHER)
    await other.save("aBcDe")
    await agent.save("aBcDe")
    calendar.passes(days=100)
    await agent.save("FG")
    assert await agent.kept() == "DeFG"
    assert await other.kept() == "aBcDe"


@given(st.data())
def test_whatever_was_the_newest_since_can_be_read_and_nothing_else_is_kept(data: st.DataObject) -> None:
    """Saves at random times, each after any one before it and some with a snapshot."""
    bases = dict[str, Aged]()
    newest = list[tuple[str, float]]()
    at = 0.0
    for n in range(data.draw(st.integers(1, 25))):
        at += data.draw(st.sampled_from([0.0, 1.0, 10.0]))
        parent = data.draw(st.sampled_from(["", *bases]))
        bases[str(n)] = Aged(parent, data.draw(st.booleans()), at)
        newest += [(parent, at), (str(n), at)]  # a reset makes an older one the newest, until the next save
    since = data.draw(st.floats(0, at + 1))
    head = str(len(bases) - 1)
    gone = set(out_of_use(bases, head, since))
    needed = set[str]()
    for digest in (head, *(digest for digest, when in newest if when >= since)):
        while digest:
            needed.add(digest)
            digest = "" if bases[digest].is_snapshot else bases[digest].parent
    assert gone == set(bases) - needed


# Step records and events in SQLite; DynamoDB removes them itself (test_dynamodb.py)


def a_news(slot: str) -> News:
    row = DisplayMessage(id=f"row {slot}", message_type=MessageType.USER, at=NOON)
    return News(slot=slot, event=Event(agent_id=AGENT, type="status_changed", at=NOON), row=row)


@pytest.fixture
def open_file(tmp_path: Path, calendar: Calendar) -> Iterator[Callable[..., SqliteStore]]:
    """Opens the one file again, as another process does."""
    opened: list[SqliteStore] = []

    def open_it(**keeping: timedelta) -> SqliteStore:
        opened.append(SqliteStore(tmp_path / "store.sqlite", keeping=calendar.keeping(**keeping)))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


async def save(store: SqliteStore, agent_id: str = AGENT, **fields: Any) -> None:
    """A save that has to be the next one, and the end of what it has set going."""
    row = await store.load(agent_id)
    assert row is not None
    await store.save(Save(agent_id=agent_id, workflow_run_id=RUN, seq=row.seq + 1, head="{}", **fields))
    for _ in range(20):  # each piece of work stands in line behind the one before it
        await store.load(agent_id)


@pytest.mark.asyncio
async def test_old_step_records_are_forgotten_and_what_doors_left_is_not(open_file: Any, calendar: Calendar) -> None:
    store = open_file(records=MONTH)
    await store.take_over(AGENT, RUN, 0)
    await store.put_once(AGENT, "old", "1", RUN)
    await store.deposit(AGENT, "message", "2")
    calendar.passes(days=29)
    await store.put_once(AGENT, "new", "3", RUN)
    await save(store)
    assert [await store.get(AGENT, key) for key in ("old", "message", "new")] == ["1", "2", "3"]
    calendar.passes(days=2)
    await save(store)
    assert [await store.get(AGENT, key) for key in ("old", "message", "new")] == [None, "2", "3"]


@pytest.mark.parametrize("waits", [AGENT, f"{AGENT}/reader-1.1.0"], ids=["itself", "its sub-agent"])
@pytest.mark.asyncio
async def test_an_agent_that_waits_for_a_person_keeps_its_records(
    open_file: Any, calendar: Calendar, waits: str
) -> None:
    """A call that is approved after a year finds its arguments in the record of its step, and all that follows too."""
    store = open_file(records=MONTH)
    family = (AGENT, f"{AGENT}/reader-1.1.0")
    for agent_id in (*family, f"{AGENT}0", OTHER):
        await store.take_over(agent_id, RUN, 0)
        await store.put_once(agent_id, "step", "{}", RUN)

    async def remembering() -> list[str]:
        return [one for one in (*family, f"{AGENT}0", OTHER) if await store.get(one, "step") == "{}"]

    await save(store, waits, interrupts=('{"id": "i1"}',))
    calendar.passes(days=365)
    await save(store, OTHER)
    assert await remembering() == [*family]
    calendar.passes(days=1)
    await save(store, waits)  # somebody has decided; what was asked for runs only now
    assert await remembering() == [*family]
    calendar.passes(days=31)
    await save(store, OTHER)
    assert await remembering() == []


@pytest.mark.asyncio
async def test_old_events_are_forgotten_in_pieces_and_rows_are_not_and_ids_go_on(
    open_file: Any, calendar: Calendar
) -> None:
    store = open_file(events=timedelta(days=7))
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}") for n in range(1000)], RUN)
    calendar.passes(days=5)
    await store.append(AGENT, [a_news("new")], RUN)
    calendar.passes(days=3)
    await save(store)
    assert [event.id for event in await store.events(AGENT)] == [1001]
    assert len(await store.rows(AGENT, limit=2000)) == 1001
    calendar.passes(days=5)
    await save(store)
    assert await store.events(AGENT) == ()
    assert [event.id for event in await store.append(AGENT, [a_news("next")], RUN)] == [1002]


@pytest.mark.asyncio
async def test_no_id_comes_twice_where_the_clock_went_back(open_file: Any, calendar: Calendar) -> None:
    """The newest event is then the first one to be forgotten."""
    store = open_file(events=timedelta(days=7))
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}") for n in range(300)], RUN)
    calendar.passes(days=-1)
    await store.append(AGENT, [a_news("new")], RUN)
    calendar.passes(days=9)
    await save(store)
    assert await store.events(AGENT) == ()
    assert [event.id for event in await store.append(AGENT, [a_news("next")], RUN)] == [302]


@pytest.mark.asyncio
async def test_of_several_processes_one_looks_and_again_some_hours_later(open_file: Any, calendar: Calendar) -> None:
    stores = [open_file(records=MONTH) for _ in range(3)]
    await stores[0].take_over(AGENT, RUN, 0)
    await save(stores[0])
    await stores[0].put_once(AGENT, "step", "{}", RUN)
    calendar.passes(days=31)
    await save(stores[1])
    assert await stores[0].get(AGENT, "step") is None
    await stores[0].put_once(AGENT, "again", "{}", RUN)
    with closing(sqlite3.connect(stores[0]._file.path)) as db:
        db.execute("UPDATE records SET at = 0")
        db.commit()
    await save(stores[2])
    assert await stores[0].get(AGENT, "again") == "{}"
    calendar.passes(hours=7)
    await save(stores[2])
    assert await stores[0].get(AGENT, "again") is None


@pytest.mark.asyncio
async def test_nothing_is_forgotten_unless_it_is_wished(open_file: Any, calendar: Calendar) -> None:
    store = open_file()
    agent = Chained(store)
    await agent.save("a")
    await store.put_once(AGENT, "step", "{}", RUN)
    await store.append(AGENT, [a_news("a")], RUN)
    await agent.save("BcDe")
    calendar.passes(days=10_000)
    await agent.save("F")
    await save(store)
    assert await agent.kept() == "aBcDeF"
    assert (await store.get(AGENT, "step"), len(await store.events(AGENT))) == ("{}", 1)


@pytest.mark.asyncio
async def test_a_store_that_is_closed_amid_it_goes_on_another_time(open_file: Any, calendar: Calendar) -> None:
    store = open_file(events=timedelta(days=7))
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}") for n in range(1000)], RUN)
    calendar.passes(days=8)
    await store.save(Save(agent_id=AGENT, workflow_run_id=RUN, seq=0, head="{}"))
    store.close()
    store = open_file(events=timedelta(days=7))
    left = [event.id or 0 for event in await store.events(AGENT, limit=2000)]
    assert left == list(range(left[0], 1001))
    calendar.passes(hours=7)
    await save(store)
    assert await store.events(AGENT) == ()
