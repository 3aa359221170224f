"""What the store on DynamoDB has to get right besides the contract: several processes, limits, outages, its keys."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagents.cards import AgentCard
from sagents.decision_log import Entry, EntryKind, Row, broken
from sagents.display import DisplayMessage, MessageType
from sagents.errors import Damaged, StoreUnavailable, Superseded
from sagents.events import Event
from sagents.interrupts import Interrupt
from sagents.ports import Base, News, Save, SavedHead, Segment
from sagents.rules import Rule
from sagents_infra.stores.dynamodb import DynamoDBStore, dynamodb_client
from sagents_infra.stores.dynamodb_rows import Key, packed, unpacked
from sagents_infra.stores.dynamodb_schema import ensure_table
from sagents_infra.stores.keeping import Keeping
from tests.infra.stores.wires import Wire

AGENT, RUN, OTHER_RUN = "acme:conversation-1", "workflow-run-1", "workflow-run-2"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG = "ü" * 400_000
"""Of 800,000 bytes: more than twice what an item takes."""

Tables = Callable[[], DynamoDBStore]


def a_news(slot: str, row: DisplayMessage | None = None, **data: Any) -> News:
    return News(slot=slot, event=Event(agent_id=AGENT, type="status_changed", at=NOON, data=data), row=row)


def a_row(id: str, text: str = "") -> DisplayMessage:
    return DisplayMessage(id=id, message_type=MessageType.ASSISTANT, content={"text": text}, at=NOON)


def voted(slot: str, **fields: Any) -> str:
    fields = {"kind": EntryKind.VOTED, "interrupt_id": "int_1", "at": NOON, **fields}
    return Entry(slot=slot, **fields).model_dump_json()


def a_rule(id: str, key: str = "user:acme:anna", **fields: Any) -> str:
    return Rule(id=id, key=key, scope="user", tool="delete_all", at=NOON, **fields).model_dump_json()


def a_save(seq: int = 0, head: str = "{}", run: str = RUN, agent_id: str = AGENT, **fields: Any) -> Save:
    return Save(agent_id=agent_id, workflow_run_id=run, seq=seq, head=head, **fields)


@pytest.fixture
def store(tables: Tables) -> Iterator[DynamoDBStore]:
    made = tables()
    yield made
    made.close()


@pytest.fixture
def another(store: DynamoDBStore) -> Iterator[Callable[..., DynamoDBStore]]:
    """Makes a store of another process over the same table, with a connection that is cut as wished."""
    made: list[DynamoDBStore] = []

    def make(cuts: Any = None, **options: Any) -> DynamoDBStore:
        made.append(DynamoDBStore(Wire(client_of(store), cuts), name_of(store), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def client_of(store: DynamoDBStore) -> Any:
    return store._table.client


def name_of(store: DynamoDBStore) -> str:
    return store._table.name


def calls(store: DynamoDBStore) -> int:
    """Calls that the store has made."""
    wire: Wire = client_of(store)
    return wire.calls.total()


def stored(store: DynamoDBStore) -> list[dict[str, Any]]:
    """All items of the table but the schema's."""
    pages = client_of(store).get_paginator("scan").paginate(TableName=name_of(store), ConsistentRead=True)
    rows = [unpacked(item) for page in pages for item in page["Items"]]
    return [row for row in rows if row["pk"] != "schema"]


def keys(store: DynamoDBStore) -> list[str]:
    """The sort keys of all items."""
    pages = client_of(store).get_paginator("scan").paginate(TableName=name_of(store), ProjectionExpression="sk")
    return [item["sk"]["S"] for page in pages for item in page["Items"]]


def parts(store: DynamoDBStore) -> int:
    return sum(key.startswith("part#") for key in keys(store))


# Several processes


@pytest.mark.asyncio
async def test_twenty_writers_at_once_in_as_many_processes_lose_nothing_and_leave_no_gap(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    """Ids only rise, without a gap, whoever writes (B-100)."""
    await store.take_over(AGENT, RUN, 0)
    writers = [another(patience=timedelta(seconds=60)) for _ in range(20)]
    batches = [[a_news(f"{n}-{k}") for k in range(3)] for n in range(20)]
    answers = await asyncio.gather(
        *(writer.append(AGENT, batch, RUN) for writer, batch in zip(writers, batches, strict=True))
    )
    events = await store.events(AGENT)
    assert [event.id for event in events] == list(range(1, 61))
    assert sorted(event.id or 0 for answer in answers for event in answer) == list(range(1, 61))
    assert all(events[(event.id or 0) - 1] == event for answer in answers for event in answer)


@pytest.mark.asyncio
async def test_decisions_of_several_processes_make_one_chain_beside_events(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    patient = [another(patience=timedelta(seconds=60)) for _ in range(8)]
    logging = [one.log(AGENT, [voted(f"{n}-{k}") for k in range(2)], RUN) for n, one in enumerate(patient)]
    appending = [one.append(AGENT, [a_news(f"{n}")], RUN) for n, one in enumerate(patient)]
    await asyncio.gather(*logging, *appending)
    log = [Row.model_validate_json(row) for row in await store.logged(AGENT)]
    assert (len(log), broken(log)) == (16, None)
    assert [event.id for event in await store.events(AGENT)] == list(range(1, 9))


@pytest.mark.asyncio
async def test_a_superseded_writer_in_another_process_writes_nothing_from_then_on(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    # run 1   ──append──append──append──x Superseded, for ever
    # run 2   ──────────────take_over──append─ok→
    await store.take_over(AGENT, RUN, 0)
    late, begun = another(patience=timedelta(seconds=60)), asyncio.Event()

    async def write_on() -> int:
        for n in range(1_000):
            try:
                await late.append(AGENT, [a_news(f"late-{n}")], RUN)
            except Superseded:
                return n
            begun.set()
        raise AssertionError("it was never refused")

    writing = asyncio.create_task(write_on())
    await begun.wait()
    await store.take_over(AGENT, OTHER_RUN, 1)
    then = len(await store.events(AGENT))
    assert await writing == then
    (event,) = await store.append(AGENT, [a_news("mine")], OTHER_RUN)
    assert event.id == then + 1
    for refused in (
        late.append(AGENT, [a_news("x")], RUN),
        late.put_once(AGENT, "x", LONG, RUN),
        late.save(a_save(9, LONG)),
        late.log(AGENT, [voted("x")], RUN),
    ):
        with pytest.raises(Superseded):
            await refused
    assert parts(store) == 0


LATE: dict[str, Callable[[DynamoDBStore], Any]] = {
    "append": lambda late: late.append(AGENT, [a_news("late", text=LONG)], RUN),
    "record": lambda late: late.put_once(AGENT, "late", LONG, RUN),
    "save": lambda late: late.save(a_save(9, LONG, interrupts=(LONG,), rules=(a_rule("late"),))),
    "log": lambda late: late.log(AGENT, [voted("late", note=LONG)], RUN),
    "take over": lambda late: late.take_over(AGENT, "workflow-run-3", 1),
}


@pytest.mark.parametrize(
    ("call", "others"), [*((call, "take over") for call in LATE), *((call, "begin anew") for call in [*LATE][:4])]
)
@pytest.mark.asyncio
async def test_who_is_superseded_between_reading_and_writing_writes_nothing(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore], call: str, others: str
) -> None:
    # run 1   ──reads the fence───────────────────transaction─x Superseded
    # run 2   ──────────────────take_over──ok→                    nothing of run 1, not even parts of a text
    async def supersede() -> None:
        if others == "take over":
            await store.take_over(AGENT, OTHER_RUN, 1)
        else:
            await store.delete(AGENT)
            await store.take_over(AGENT, OTHER_RUN, 0)

    await store.take_over(AGENT, RUN, 0)
    late, rows = another(), list[dict[str, Any]]()

    def meanwhile() -> None:
        asyncio.run(supersede())
        rows.extend(row for row in stored(store) if not row["sk"].startswith("part#"))

    client_of(late).meanwhile = meanwhile
    with pytest.raises(Superseded):
        await LATE[call](late)
    assert rows
    assert stored(store) == rows


@pytest.mark.asyncio
async def test_a_claim_that_others_make_meanwhile_stays(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    late, until = another(), NOON + timedelta(minutes=5)
    client_of(late).meanwhile = lambda: asyncio.run(store.claim(AGENT, "i1", "anna", until, NOON))
    held = await late.claim(AGENT, "i1", "ben", until, NOON)
    assert held is not None
    assert (held.by, await store.claims()) == ("anna", (held,))


@pytest.mark.asyncio
async def test_a_reader_amid_a_transaction_sees_no_number_before_a_lower_one(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    """DynamoDB shows a query each row by itself; who went on after 3 would miss 2 for ever (B-100)."""
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(slot) for slot in "abc"], RUN)
    await store.log(AGENT, [voted(f"v{n}") for n in range(1, 4)], RUN)
    reader = another()
    for unseen in ("event#0000000000000001", "event#0000000000000002"):
        client_of(reader).unseen = {unseen}
        assert [event.id for event in await reader.events(AGENT)] == [1, 2, 3]
        assert client_of(reader).unseen == set()
    client_of(reader).unseen = {"decision#0000000000000002"}
    assert [Row.model_validate_json(row).number for row in await reader.logged(AGENT)] == [1, 2, 3]


@pytest.mark.parametrize("unseen", [3, 6, 9])
@pytest.mark.asyncio
async def test_a_reader_amid_a_transaction_misses_no_row_of_a_transcript(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore], unseen: int
) -> None:
    """Numbers of rows have gaps, and yet a page shows no row without the one before it (B-105)."""
    await store.take_over(AGENT, RUN, 0)
    for n in range(1, 11):
        await store.append(AGENT, [a_news(f"{n}", a_row(f"row-{n}") if n % 3 == 0 else None)], RUN)
    reader = another()
    client_of(reader).unseen = {f"row#{unseen:016}"}
    assert [row.number for row in await reader.rows(AGENT, after=0)] == [3, 6, 9][: 3 if unseen < 9 else 2]
    client_of(reader).unseen = {f"row#{unseen:016}"}
    assert [row.number for row in await reader.rows(AGENT)] == [3, 6, 9][: 3 if unseen < 9 else 2]
    assert [row.number for row in await reader.rows(AGENT, before=9, limit=1)] == [6]


@pytest.mark.asyncio
async def test_a_base_that_is_on_its_way_with_its_head_is_not_taken_for_lost(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations="[]")
    await store.save(a_save(base=segment.base, segment=segment))
    reader = another()
    client_of(reader).unseen = {"base#a"}
    chain = await reader.chain(AGENT, "a")
    assert chain is not None
    assert (chain.segments, client_of(reader).unseen) == (("[]",), set())


@pytest.mark.asyncio
async def test_a_row_of_a_log_that_somebody_removed_is_missed_and_not_waited_for(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.log(AGENT, [voted(f"v{n}") for n in range(1, 4)], RUN)
    removed = Key(f"agent#{AGENT}", "decision#0000000000000002")
    client_of(store).delete_item(TableName=name_of(store), Key=packed(removed.row))
    log = [Row.model_validate_json(row) for row in await store.logged(AGENT)]
    assert broken(log) == "row 2 is missing: row 3 stands in its place"


# Limits of DynamoDB


@pytest.mark.asyncio
async def test_a_long_head_that_is_replaced_or_refused_leaves_no_part_behind(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    for seq in range(3):
        await store.save(a_save(seq, f"{seq}{LONG}"))
    assert parts(store) == 3
    with pytest.raises(Superseded):
        await store.save(a_save(1, LONG))
    row = await store.load(AGENT)
    assert row is not None
    assert (row.head, parts(store)) == (f"2{LONG}", 3)
    await store.save(a_save(7, "short"))
    assert parts(store) == 0


@pytest.mark.asyncio
async def test_a_head_that_is_replaced_while_it_is_read_is_read_whole(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(0, f"0{LONG}"))
    reader = another(patience=timedelta(seconds=60))

    async def write() -> None:
        for seq in range(1, 15):
            await store.save(a_save(seq, f"{seq}{LONG}"))

    writing = asyncio.create_task(write())
    while not writing.done():
        row = await reader.load(AGENT)
        assert row is not None
        assert row.head == f"{row.seq}{LONG}"
    await writing


@pytest.mark.asyncio
async def test_a_text_that_lost_a_part_is_damaged_and_never_a_shorter_one(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.put_once(AGENT, "step", LONG, RUN)
    (row, *_) = [row for row in stored(store) if row["sk"].startswith("part#")]
    client_of(store).delete_item(TableName=name_of(store), Key=packed(Key.of(row).row))
    with pytest.raises(Damaged, match="1 of 3 parts"):
        await another(patience=timedelta()).get(AGENT, "step")


@pytest.mark.asyncio
async def test_a_save_with_more_than_a_transaction_takes_is_written_whole(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    entries = tuple(voted(f"v{n}", note=LONG[: 10**6 if n % 30 == 0 else n % 3 * 40_000]) for n in range(120))
    rules = tuple(a_rule(f"r{n}") for n in range(50))
    interrupts = tuple(Interrupt(id=f"i{n}", message="m" * 9_000).model_dump_json() for n in range(150))
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations=LONG, snapshot=LONG)
    save = a_save(3, LONG, entries=entries, rules=rules, interrupts=interrupts, base=segment.base, segment=segment)
    row = await store.save(save)
    assert row == SavedHead(generation=1, workflow_run_id=RUN, seq=3, head=LONG, base=segment.base)
    log = [Row.model_validate_json(text) for text in await store.logged(AGENT)]
    assert [one.entry for one in log] == [Entry.model_validate_json(entry) for entry in entries]
    assert broken(log) is None
    assert await store.rules() == rules == await store.rules(["user:acme:anna"])
    assert [one.interrupt for one in await store.interrupts()] == [*interrupts]
    items, before = len(keys(store)), parts(store)
    assert await store.save(save) == row == await store.load(AGENT)
    assert len(keys(store)) == items
    await store.save(save.but(seq=4, interrupts=interrupts[:9], head="{}"))
    assert parts(store) == before - 5 - 3  # of what waited, and of the head


@pytest.mark.asyncio
async def test_large_events_go_in_one_append_whatever_they_weigh_together(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    news = [a_news(f"{n}", text="x" * 290_000) for n in range(30)] + [a_news("long", text=LONG)]
    appended = await store.append(AGENT, news, RUN)
    assert [event.id for event in appended] == list(range(1, 32))
    assert await store.events(AGENT) == appended


@pytest.mark.asyncio
async def test_what_is_replaced_or_trimmed_leaves_no_part_behind(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row("row-1", LONG), text=LONG)], RUN)
    assert parts(store) == 6
    await store.append(AGENT, [a_news("b", a_row("row-1", LONG + "x")), a_news("c", a_row("row-1"))], RUN)
    assert parts(store) == 3
    assert await store.trim(AGENT, 3) == 2
    assert sorted(keys(store)) == [
        "event#0000000000000003",
        "fence",
        "row#0000000000000001",
        "rowid#row-1",
        "schema",
        "slot#c",
    ]


@pytest.mark.asyncio
async def test_rows_go_in_as_many_transactions_as_it_takes(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    wide = [a_news(f"w{n}", a_row(f"row-{n}")) for n in range(60)]
    await store.append(AGENT, [*wide, *(a_news(f"v{n}", a_row(f"row-{n}", "new")) for n in range(60))], RUN)
    found = await store.rows(AGENT, limit=100)
    assert [(row.number, row.content) for row in found] == [(n, {"text": "new"}) for n in range(1, 61)]
    heavy = [a_news(f"h{n}", a_row(f"heavy-{n}", "x" * 290_000)) for n in range(30)]
    await store.append(AGENT, heavy, RUN)
    assert [row.number for row in await store.rows(AGENT, after=60)] == list(range(121, 151))


@pytest.mark.asyncio
async def test_cards_of_ids_longer_than_an_index_takes_stay_apart(store: DynamoDBStore) -> None:
    """No door takes such an id; the table holds all the same."""
    ids = [f"{'x' * 950}{n}" for n in range(5)]
    for agent_id in ids:
        await store.take_over(agent_id, RUN, 0)
        card = AgentCard(agent_id=agent_id, at=NOON).model_dump_json()
        await store.save(a_save(agent_id=agent_id, card=card))
    assert [card.agent_id for card in await store.agents(ids[0][:940])] == ids
    assert [card.agent_id for card in await store.agents(ids[3], "")] == [ids[3]]
    assert [card.agent_id for card in await store.agents("x", ids[2])] == ids[3:]


@pytest.mark.asyncio
async def test_keys_and_slots_may_be_longer_than_a_sort_key_and_stay_apart(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    one, two = "k" * 5_000 + "1", "k" * 5_000 + "2"
    assert await store.put_once(AGENT, one, "1", RUN) == "1"
    assert await store.put_once(AGENT, two, "2", RUN) == "2"
    first, second = await store.append(AGENT, [a_news(one), a_news(two)], RUN)
    assert (first.id, second.id) == (1, 2)
    assert (await store.get(AGENT, one), await store.append(AGENT, [a_news(two)], RUN)) == ("1", (second,))


@pytest.mark.asyncio
async def test_a_long_chain_is_read_many_rows_at_a_time_and_weighed_by_one(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    bases = [Base(position=at, digest=f"d{at}" if at else "") for at in range(101)]
    for at in range(1, 101):
        segment = Segment(base=bases[at], parent=bases[at - 1], operations=f"{at % 10}")
        await store.save(a_save(at, base=bases[at], segment=segment))
    reader = another()
    await reader.load(AGENT)
    before = calls(reader)
    weight = await reader.weight(AGENT, "d100")
    assert weight is not None
    assert (weight.segments, calls(reader) - before) == (100, 1)
    chain = await reader.chain(AGENT, "d100")
    assert chain is not None
    assert (len(chain.segments), calls(reader) - before) == (100, 6)


# Outages


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.asyncio
async def test_a_save_that_is_cut_anywhere_is_whole_after_its_retry(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore], cut: str
) -> None:
    """Each transaction and each part is cut once; the same save then leaves what an uncut one leaves (DESIGN 4.4)."""
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations=LONG)
    entries, interrupts = tuple(voted(f"v{n}") for n in range(60)), (Interrupt(id="i1").model_dump_json(),)
    save = a_save(0, LONG, entries=entries, rules=(a_rule("r1"),), interrupts=interrupts)
    save = save.but(base=segment.base, segment=segment)
    await store.take_over(AGENT, RUN, 0)
    for call, number in [("put_item", 1), ("put_item", 4), ("transact_write_items", 1), ("transact_write_items", 2)]:
        cutting = another({(call, number): cut})
        with pytest.raises(StoreUnavailable, match="out of reach"):
            await cutting.save(save)
        row = await store.load(AGENT)
        chain = await store.chain(AGENT, "a")
        assert row is not None
        assert (row.head is None) == (chain is None)
        await another().save(save)
        row, chain = await store.load(AGENT), await store.chain(AGENT, "a")
        assert row is not None
        assert chain is not None
        log = [Row.model_validate_json(text) for text in await store.logged(AGENT)]
        assert (row.head, chain.segments, len(log), broken(log)) == (LONG, (LONG,), 60, None)
        assert len(await store.rules(["user:acme:anna"])) == len(await store.interrupts()) == 1
        await store.delete(AGENT)
        assert stored(store) == []
        await store.take_over(AGENT, RUN, 0)


@pytest.mark.asyncio
async def test_an_append_whose_answer_was_lost_is_found_by_its_retry(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    cutting = another({("transact_write_items", 1): "after"})
    news = [a_news("a"), a_news("b", text=LONG)]
    with pytest.raises(StoreUnavailable):
        await cutting.append(AGENT, news, RUN)
    again = await cutting.append(AGENT, [*news, a_news("c")], RUN)
    assert [event.id for event in again] == [1, 2, 3]
    assert await store.events(AGENT) == again


@pytest.mark.asyncio
async def test_a_table_that_is_asked_for_too_much_is_unavailable_soon(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    soon = timedelta(milliseconds=100)
    started = time.monotonic()
    for call, first in (("batch_get_item", 2), ("transact_write_items", 1)):
        throttled = another({(call, n): "throttled" for n in range(first, 1_000)}, patience=soon)
        with pytest.raises(StoreUnavailable, match="ProvisionedThroughputExceeded"):
            await throttled.save(a_save())
    throttled = another({("query", 0): "throttled"}, patience=soon)
    with pytest.raises(StoreUnavailable, match="ProvisionedThroughputExceeded"):
        await throttled.events(AGENT)
    assert time.monotonic() - started < 10


@pytest.mark.asyncio
async def test_a_store_that_is_out_of_reach_says_where_it_was_looked_for(dynamodb_url: str) -> None:
    away = DynamoDBStore(dynamodb_client("us-east-1", "http://127.0.0.1:1"), "agents")
    with pytest.raises(StoreUnavailable, match=r"'agents' at http://127\.0\.0\.1:1 is out of reach"):
        await away.load(AGENT)
    away.close()
    missing = DynamoDBStore(dynamodb_client("us-east-1", dynamodb_url), "no-such-table")
    with pytest.raises(StoreUnavailable, match="ResourceNotFound"):
        await missing.take_over(AGENT, RUN, 0)
    missing.close()


@pytest.mark.asyncio
async def test_a_mistake_of_ours_is_no_outage(another: Callable[..., DynamoDBStore]) -> None:
    """Waiting mends none; and what is said of it is what DynamoDB said."""
    for call in ("batch_get_item", "transact_write_items"):
        with pytest.raises(ClientError, match="Validation"):
            await another({(call, 1): "mistaken"}).take_over(AGENT, RUN, 0)


@pytest.mark.asyncio
async def test_a_table_of_a_newer_version_is_left_alone(store: DynamoDBStore) -> None:
    newer = packed({**Key("schema", "schema").row, "version": 2})
    client_of(store).put_item(TableName=name_of(store), Item=newer)
    with pytest.raises(StoreUnavailable, match="newer Sagents"):
        await store.load(AGENT)


# Deleting


@pytest.mark.asyncio
async def test_a_deletion_that_broke_off_holds_off_writers_until_it_is_repeated(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(0, LONG, rules=(a_rule("r1"),), entries=(voted("v1"),)))
    with pytest.raises(StoreUnavailable):
        await another({("batch_write_item", 2): "before"}).delete(AGENT)
    assert await store.load(AGENT) is None
    with pytest.raises(Superseded):
        await store.put_once(AGENT, "step", "{}", RUN)
    with pytest.raises(StoreUnavailable, match="delete it again"):
        await store.take_over(AGENT, RUN, 0)
    await store.delete(AGENT)
    assert stored(store) == []
    assert (await store.take_over(AGENT, RUN, 0)).generation == 1


# Keys


async def _live(store: DynamoDBStore, agent_id: str) -> None:
    """Fill every kind of row."""
    await store.take_over(agent_id, RUN, 0)
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations="[]")
    interrupt = Interrupt(id="i1").model_dump_json()
    save = a_save(0, LONG, agent_id=agent_id, base=segment.base, segment=segment, interrupts=(interrupt,))
    rule = a_rule(f"of {agent_id}", f"conversation:{agent_id}")
    await store.save(save.but(entries=(voted("v1"),), rules=(rule,)))
    await store.append(agent_id, [a_news("a")], RUN)
    await store.put_once(agent_id, "step", "{}", RUN)
    await store.deposit(agent_id, "message", "{}")
    await store.claim(agent_id, "i1", "anna", NOON + timedelta(minutes=5), NOON)


@pytest.mark.asyncio
async def test_every_key_names_its_tenant_and_agent_and_none_begins_another(store: DynamoDBStore) -> None:
    """Rows that an operator can give to one tenant by `dynamodb:LeadingKeys`."""
    for agent_id in ("acme:1", "acme:10", "acme:1#2", "acme"):
        await _live(store, agent_id)
    keys = {row["pk"] for row in stored(store)}
    own = {f"agent#{agent_id}" for agent_id in ("acme:1", "acme:10", "acme:1#2", "acme")}
    assert own <= keys
    assert all(key.startswith(("rule#of acme", "rules#conversation:acme")) for key in keys - own)
    await store.delete("acme")
    await store.delete("acme:1")
    assert {row["pk"] for row in stored(store) if row["pk"] in own} == {"agent#acme:10", "agent#acme:1#2"}
    assert await store.logs() == ("acme:1#2", "acme:10")
    assert {one.agent_id for one in await store.claims()} == {"acme:10", "acme:1#2"}
    assert len(await store.rules()) == len(await store.interrupts()) == 2


@pytest.mark.asyncio
async def test_only_step_records_and_events_expire_and_only_where_it_is_wished(
    store: DynamoDBStore, another: Callable[..., DynamoDBStore]
) -> None:
    await _live(another(keeping=Keeping(timedelta(days=7), timedelta(days=30))), AGENT)
    now = time.time()
    days = {row["sk"]: round((row["expires"] - now) / 86_400) for row in stored(store) if "expires" in row}
    assert days == {"record#step": 7, "event#0000000000000001": 30, "slot#a": 30}
    await _live(store, "acme:other")
    assert all("expires" not in row for row in stored(store) if row["pk"] == "agent#acme:other")


@pytest.mark.asyncio
async def test_an_event_that_has_expired_keeps_its_number_and_slot(store: DynamoDBStore) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a"), a_news("b")], RUN)
    expired = Key(f"agent#{AGENT}", "event#0000000000000002")
    client_of(store).delete_item(TableName=name_of(store), Key=packed(expired.row))
    again = await store.append(AGENT, [a_news("b"), a_news("c")], RUN)
    assert [event.id for event in again] == [2, 3]
    assert [event.id for event in await store.events(AGENT)] == [1, 3]


def test_a_table_that_is_there_stays_as_it_is(store: DynamoDBStore) -> None:
    client, name = client_of(store), name_of(store)
    made = client.describe_table(TableName=name)["Table"]
    ensure_table(client, name)
    assert client.describe_table(TableName=name)["Table"] == made
    lifetime = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lifetime == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
