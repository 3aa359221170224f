"""Writers who try again, in front of a store that fails, is slow and hears things twice: each thing is there once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import pytest

from sagents.cards import AgentCard
from sagents.decision_log import Entry, EntryKind, Row, broken
from sagents.display import DisplayMessage, MessageType, RowStatus
from sagents.errors import StoreUnavailable, Superseded
from sagents.events import Event
from sagents.ports import Base, News, Save, Segment, Store
from sagents.rules import Rule
from tests.support.flaky_store import FlakyStore

pytestmark = pytest.mark.asyncio

T = TypeVar("T")

AGENT, RUN, NEXT_RUN = "conversation-1", "workflow-run-1", "workflow-run-2"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEEDS = [1, 2, 3]
TRIES = 60


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """As an activity is tried again by Temporal."""
    for _ in range(TRIES):
        try:
            return await call()
        except StoreUnavailable:
            continue
    raise AssertionError("the store never answered")


def told(slot: str, row: str = "", status: RowStatus = RowStatus.COMPLETED) -> News:
    event = Event(agent_id=AGENT, type="display_message_saved", at=NOON, data={"slot": slot})
    if not row:
        return News(slot=slot, event=event)
    shown = DisplayMessage(id=row, message_type=MessageType.TOOL, status=status, at=NOON)
    return News(slot=slot, event=event, row=shown)


def tool_call(n: int) -> list[list[News]]:
    """What is told of a call, by the batches in which it is told."""
    return [
        [
            told(f"{n}:pending", f"call-{n}", RowStatus.PENDING),
            told(f"{n}:executing", f"call-{n}", RowStatus.EXECUTING),
        ],
        [told(f"{n}:progress")],
        [told(f"{n}:completed", f"call-{n}")],
    ]


def a_save(n: int, run: str = RUN) -> Save:
    base, parent = Base(position=n + 1, digest=f"d{n}"), Base(position=n, digest=f"d{n - 1}") if n else Base()
    snapshot = f"snapshot {n}" if n == 5 else None
    return Save(
        agent_id=AGENT,
        workflow_run_id=run,
        seq=n,
        head=f'"{n}"',
        base=base,
        segment=Segment(base=base, parent=parent, operations=f"[{n}]", snapshot=snapshot),
        interrupts=(f'{{"id": "i{n}"}}',),
        entries=(Entry(slot=f"e{n}", kind=EntryKind.VOTED, interrupt_id="i", at=NOON).model_dump_json(),),
        rules=(Rule(id=f"r{n}", key="tool:x", scope="user", tool="x", at=NOON).model_dump_json(),),
        card=AgentCard(agent_id=AGENT, title=str(n), at=NOON).model_dump_json(),
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_events_and_rows_of_calls_side_by_side_are_there_once(store: Store, seed: int) -> None:
    flaky = FlakyStore(store, seed=seed)
    await insist(lambda: flaky.take_over(AGENT, RUN, 0))

    async def run(n: int) -> None:
        for batch in tool_call(n):
            await insist(partial(flaky.append, AGENT, batch, RUN if n % 2 else None))

    await asyncio.gather(*(run(n) for n in range(8)))
    await flaky.laid()
    events = await store.events(AGENT)
    assert [event.id for event in events] == list(range(1, 33))
    slots = [str(event.data["slot"]) for event in events]
    assert sorted(slots) == sorted(news.slot for n in range(8) for batch in tool_call(n) for news in batch)
    rows = await store.rows(AGENT)
    assert sorted(row.id for row in rows) == [f"call-{n}" for n in range(8)]
    assert {row.status for row in rows} == {RowStatus.COMPLETED}
    assert [row.number for row in rows] == [slots.index(f"{row.id[5:]}:pending") + 1 for row in rows]
    assert min(flaky.seen["before"] + flaky.seen["after"], flaky.seen["twice"] + flaky.seen["late"]) > 0


@pytest.mark.parametrize("seed", SEEDS)
async def test_saves_and_what_goes_with_them_are_there_once(store: Store, seed: int) -> None:
    flaky = FlakyStore(store, seed=seed)
    await insist(lambda: flaky.take_over(AGENT, RUN, 0))
    for n in range(10):
        saved = await insist(partial(flaky.save, a_save(n)))
        assert (saved.seq, saved.base.digest) == (n, f"d{n}")
    await flaky.laid()
    row = await store.load(AGENT)
    assert row is not None
    assert (row.seq, row.head, row.base.digest, row.generation) == (9, '"9"', "d9", 1)
    chain = await store.chain(AGENT, "d9")
    assert chain is not None
    assert (chain.snapshot, chain.segments) == ("snapshot 5", ("[6]", "[7]", "[8]", "[9]"))
    log = [Row.model_validate_json(one) for one in await store.logged(AGENT)]
    assert [one.entry.slot for one in log] == [f"e{n}" for n in range(10)]
    assert broken(log) is None
    assert sorted(Rule.model_validate_json(one).id for one in await store.rules()) == [f"r{n}" for n in range(10)]
    assert [one.interrupt for one in await store.interrupts(AGENT)] == ['{"id": "i9"}']
    assert [card.title for card in await store.agents()] == ["9"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_first_record_stays_whoever_comes_late(store: Store, seed: int) -> None:
    flaky = FlakyStore(store, seed=seed)
    await insist(lambda: flaky.take_over(AGENT, RUN, 0))

    async def attempt(n: int, key: str) -> str:
        return await insist(lambda: flaky.put_once(AGENT, key, f"{key} of {n}", RUN))

    for key in ("step-1", "step-2", "step-3"):
        answers = await asyncio.gather(*(attempt(n, key) for n in range(3)))
        assert set(answers) == {await store.get(AGENT, key)}


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_zombie_of_the_run_before_changes_nothing(store: Store, seed: int) -> None:
    """What wakes late is refused, whatever it wants to write."""
    flaky = FlakyStore(store, seed=seed, fails=0.3, repeats=0.3)
    await insist(lambda: flaky.take_over(AGENT, RUN, 0))
    await insist(lambda: flaky.save(a_save(0)))
    await insist(lambda: flaky.append(AGENT, [told("a", "row")], RUN))
    await insist(lambda: flaky.take_over(AGENT, NEXT_RUN, 1))
    before = [await store.load(AGENT), await store.events(AGENT), await store.rows(AGENT), await store.agents()]

    async def zombie() -> None:
        for call in (
            lambda: flaky.save(a_save(7)),
            lambda: flaky.append(AGENT, [told("b", "row", RowStatus.FAILED)], RUN),
            lambda: flaky.put_once(AGENT, "k", "zombie", RUN),
            lambda: flaky.take_over(AGENT, RUN, 0),
        ):
            with pytest.raises(Superseded):
                await insist(call)

    await zombie()
    await flaky.laid()
    assert [await store.load(AGENT), await store.events(AGENT), await store.rows(AGENT), await store.agents()] == before
    assert await store.get(AGENT, "k") is None
