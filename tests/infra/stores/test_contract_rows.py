"""The specification of `Store`, continued: rows of transcripts, and the list of agents (DESIGN 9)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents.cards import AgentCard
from sagents.display import ContentType, DisplayMessage, MessageType, RowStatus
from sagents.errors import Superseded
from sagents.events import Event
from sagents.ports import Base, News, Save, Segment, Store
from sagents.status import Status

AGENT, OTHER = "conversation-1", "conversation-2"
RUN, OTHER_RUN = "workflow-run-1", "workflow-run-2"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_row(id: str = "row-1", **fields: Any) -> DisplayMessage:
    return DisplayMessage(**{"id": id, "message_type": MessageType.ASSISTANT, "at": NOON, **fields})


def a_news(slot: str, row: DisplayMessage | None = None, agent_id: str = AGENT) -> News:
    event = Event(agent_id=agent_id, type="display_message_saved", at=NOON, data={"slot": slot})
    return News(slot=slot, event=event, row=row)


def a_save(
    seq: int = 0, *, agent_id: str = AGENT, run: str = RUN, card: AgentCard | None = None, **fields: Any
) -> Save:
    text = None if card is None else card.model_dump_json()
    return Save(agent_id=agent_id, workflow_run_id=run, seq=seq, head="{}", card=text, **fields)


def a_card(agent_id: str = AGENT, **fields: Any) -> AgentCard:
    return AgentCard(**{"agent_id": agent_id, "name": "office", "at": NOON, **fields})


async def numbers(store: Store, **page: Any) -> list[int | None]:
    return [row.number for row in await store.rows(AGENT, **page)]


# Rows


@pytest.mark.asyncio
async def test_a_row_comes_back_whole_under_the_number_of_the_event_that_told_of_it(store: Store) -> None:
    """All that a row has: type, content, status, sequence, call, run, time, metadata (B-105)."""
    whole = a_row(
        message_type=MessageType.TOOL,
        content_type=ContentType.TOOL_CALL,
        content={"name": "search", "arguments": {"q": "Grüße 🌍", "n": [1, None]}},
        status=RowStatus.EXECUTING,
        sequence=3,
        tool_call_id="call_1",
        run_id="run_1",
        at=NOON + timedelta(microseconds=7),
        metadata={"stop_reason": "length"},
    )
    await store.take_over(AGENT, RUN, 0)
    _, event = await store.append(AGENT, [a_news("a"), a_news("b", whole)], RUN)
    assert event.id == 2
    assert await store.rows(AGENT) == (whole.but(number=2),)
    assert await store.row(AGENT, "row-1") == whole.but(number=2)


@pytest.mark.asyncio
async def test_nothing_is_there_of_what_nobody_wrote(store: Store) -> None:
    assert (await store.rows("unknown"), await store.row("unknown", "row-1")) == ((), None)
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a")], RUN)
    assert (await store.rows(AGENT), await store.row(AGENT, "row-1")) == ((), None)


@pytest.mark.asyncio
async def test_a_retry_writes_its_rows_once_and_replaces_none(store: Store) -> None:
    # attempt 1   ──append(a)──x died before it could say so
    # attempt 2   ─────────────append(a', b)──→ a, b
    await store.take_over(AGENT, RUN, 0)
    first = a_row(content={"text": "first"})
    await store.append(AGENT, [a_news("a", first)], RUN)
    await store.append(AGENT, [a_news("a", a_row(content={"text": "again"})), a_news("b", a_row("row-2"))], RUN)
    assert await store.rows(AGENT) == (first.but(number=1), a_row("row-2", number=2))


@pytest.mark.asyncio
async def test_a_row_whose_id_is_there_is_replaced_and_keeps_its_number_and_time(store: Store) -> None:
    """The status of a tool call changes in its place (B-108)."""
    await store.take_over(AGENT, RUN, 0)
    later: dict[str, Any] = {"at": NOON + timedelta(hours=1), "number": 99, "content": {"text": "done"}}
    await store.append(AGENT, [a_news("a", a_row(status=RowStatus.PENDING)), a_news("b", a_row("row-2"))], RUN)
    await store.append(AGENT, [a_news("c", a_row(status=RowStatus.COMPLETED, **later))], RUN)
    assert await store.rows(AGENT) == (a_row(number=1, content={"text": "done"}), a_row("row-2", number=2))
    assert await store.row(AGENT, "row-1") == a_row(number=1, content={"text": "done"})


@pytest.mark.asyncio
async def test_rows_that_come_after_an_old_one_was_replaced_follow_the_newest(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}", a_row(f"row-{n}")) for n in (1, 2, 3)], RUN)
    await store.append(AGENT, [a_news("again", a_row("row-1", status=RowStatus.FAILED))], RUN)
    await store.append(AGENT, [a_news("5", a_row("row-5")), a_news("once more", a_row("row-2"))], RUN)
    await store.append(AGENT, [a_news("7", a_row("row-7"))], RUN)
    assert await numbers(store, after=0) == await numbers(store) == [1, 2, 3, 5, 7]


@pytest.mark.asyncio
async def test_a_row_may_live_through_all_of_its_statuses_in_one_append(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    lives = [RowStatus.PENDING, RowStatus.EXECUTING, RowStatus.COMPLETED]
    news = [a_news(f"{n}-{status}", a_row(f"row-{n}", status=status)) for status in lives for n in (1, 2)]
    assert [event.id for event in await store.append(AGENT, news, RUN)] == [1, 2, 3, 4, 5, 6]
    assert await store.rows(AGENT) == (a_row("row-1", number=1), a_row("row-2", number=2))
    await store.append(AGENT, [a_news("late", a_row("row-3"))], RUN)
    assert await numbers(store, after=0) == [1, 2, 7]


@pytest.mark.asyncio
async def test_a_slot_named_twice_at_once_keeps_its_first_row(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row()), a_news("a", a_row("row-2"))], RUN)
    assert await store.rows(AGENT) == (a_row(number=1),)


PAGES: list[tuple[dict[str, int], Sequence[int]]] = [
    ({}, range(51, 101)),
    ({"limit": 3}, (98, 99, 100)),
    ({"before": 51}, range(1, 51)),
    ({"before": 99, "limit": 3}, (96, 97, 98)),
    ({"before": 3}, (1, 2)),
    ({"before": 1}, ()),
    ({"before": 0}, ()),
    ({"before": 1000, "limit": 1}, (100,)),
    ({"after": 0}, range(1, 51)),
    ({"after": -5, "limit": 2}, (1, 2)),
    ({"after": 50}, range(51, 101)),
    ({"after": 97, "limit": 2}, (98, 99)),
    ({"after": 100}, ()),
    ({"after": 10, "before": 14}, (11, 12, 13)),
    ({"after": 10, "before": 14, "limit": 2}, (11, 12)),
    ({"after": 10, "before": 11}, ()),
    ({"after": 20, "before": 10}, ()),
    ({"limit": 0}, ()),
    ({"after": 5, "limit": 0}, ()),
    ({"limit": -1}, ()),
]


@pytest.mark.asyncio
async def test_a_transcript_is_paged_both_ways_by_number(store: Store) -> None:
    """Every third event has a row, so that numbers have gaps: row n stands under 3n."""
    await write_a_hundred(store)
    for page, expected in PAGES:
        bounds = {name: value if name == "limit" else value * 3 for name, value in page.items()}
        assert await numbers(store, **bounds) == [3 * n for n in expected], page


@pytest.mark.asyncio
async def test_pages_join_without_gap_or_repetition_from_either_end(store: Store) -> None:
    await write_a_hundred(store)
    forward, backward = list[int](), list[int]()
    while page := [number or 0 for number in await numbers(store, after=forward[-1] if forward else 0, limit=7)]:
        forward += page
    while page := [number or 0 for number in await numbers(store, before=backward[0] if backward else None, limit=7)]:
        backward = page + backward
    assert forward == backward == [3 * n for n in range(1, 101)]


async def write_a_hundred(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    news = [a_news(str(n), a_row(f"row-{n}") if n % 3 == 0 else None) for n in range(1, 301)]
    await store.append(AGENT, news, RUN)


@pytest.mark.asyncio
async def test_appends_at_once_lose_no_row_and_give_none_a_number_twice(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    news = [[a_news(f"{n}-{k}", a_row(f"row-{n}")) for k in range(3)] for n in range(10)]
    told = await asyncio.gather(*(store.append(AGENT, some, RUN if some[0].slot < "5" else None) for some in news))
    rows = await store.rows(AGENT)
    assert sorted(row.id for row in rows) == sorted(f"row-{n}" for n in range(10))
    assert {row.number for row in rows} == {events[0].id for events in told}


@pytest.mark.asyncio
async def test_half_an_emoji_in_a_row_is_replaced_and_stops_no_agent(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row(content={"text": "cut \ud83d off"}))], RUN)
    (row,) = await store.rows(AGENT)
    assert row.content["text"] == "cut ? off"


@pytest.mark.asyncio
async def test_a_row_that_cannot_be_written_takes_its_whole_batch_along(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    wrong = a_news("b", a_row("row-2").but(content={"n": object()}))
    with pytest.raises(ValueError, match="serialize"):
        await store.append(AGENT, [a_news("a", a_row()), wrong], RUN)
    assert (await store.events(AGENT), await store.rows(AGENT)) == ((), ())
    (event,) = await store.append(AGENT, [a_news("a", a_row())], RUN)
    assert await store.rows(AGENT) == (a_row(number=event.id),)


@pytest.mark.asyncio
async def test_a_long_row_is_kept_whole_and_may_grow_and_shrink(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    for n, text in enumerate(["ü" * 400_000, "ä" * 200_000, "short", "ö" * 300_000]):
        await store.append(AGENT, [a_news(f"{n}", a_row(content={"text": text}))], RUN)
        assert await store.rows(AGENT) == (a_row(content={"text": text}, number=1),)


# Who writes them


@pytest.mark.asyncio
async def test_a_writer_that_was_superseded_leaves_no_row(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row())], RUN)
    await store.take_over(AGENT, OTHER_RUN, 1)
    with pytest.raises(Superseded):
        await store.append(AGENT, [a_news("b", a_row(status=RowStatus.FAILED)), a_news("c", a_row("row-2"))], RUN)
    assert await store.rows(AGENT) == (a_row(number=1),)


@pytest.mark.asyncio
async def test_a_door_writes_beside_whoever_is_the_writer_and_in_the_same_slots(store: Store) -> None:
    """The user's row: from the door when it takes the message, else from the first model step (DESIGN 9)."""
    await store.take_over(AGENT, RUN, 0)
    (from_door,) = await store.append(AGENT, [a_news("said", a_row())], None)
    (from_step,) = await store.append(AGENT, [a_news("said", a_row(content={"text": "late"}))], RUN)
    assert (from_door.id, from_step) == (1, from_door)
    await store.take_over(AGENT, OTHER_RUN, 1)
    await store.append(AGENT, [a_news("more", a_row("row-2"))], None)
    assert await store.rows(AGENT) == (a_row(number=1), a_row("row-2", number=2))


@pytest.mark.asyncio
async def test_a_door_writes_nothing_where_there_is_no_agent_or_none_any_more(store: Store) -> None:
    assert await store.append(AGENT, [a_news("said", a_row())], None) == ()
    await store.deposit(AGENT, "message/m1", "{}")
    assert await store.append(AGENT, [a_news("said", a_row())], None) == ()
    await store.take_over(AGENT, RUN, 0)
    assert len(await store.append(AGENT, [a_news("said", a_row())], None)) == 1
    await store.delete(AGENT)
    assert await store.append(AGENT, [a_news("more", a_row("row-2"))], None) == ()
    assert (await store.events(AGENT), await store.rows(AGENT), await store.load(AGENT)) == ((), (), None)


@pytest.mark.asyncio
async def test_rows_outlive_saves_resets_and_the_workflow_run_that_wrote_them(store: Store) -> None:
    """What people see survives summaries, reset and sleep (B-105)."""
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row())], RUN)
    bases = [Base(position=n, digest=f"d{n}") for n in range(1, 4)]
    for seq, base in enumerate(bases):
        reset = Segment(base=base, parent=Base(), operations="[]", snapshot="{}")
        await store.save(a_save(seq, base=base, segment=reset))
    await store.take_over(AGENT, OTHER_RUN, 1)
    assert await store.rows(AGENT) == (a_row(number=1),)
    await store.append(AGENT, [a_news("b", a_row(status=RowStatus.CANCELLED))], OTHER_RUN)
    assert await store.rows(AGENT) == (a_row(number=1, status=RowStatus.CANCELLED),)


# Trimming the log


@pytest.mark.asyncio
async def test_a_trim_forgets_old_events_and_no_row_and_ids_go_on_rising(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}", a_row(f"row-{n}")) for n in range(1, 8)], RUN)
    assert await store.trim(AGENT, 5) == 4
    assert [event.id for event in await store.events(AGENT)] == [5, 6, 7]
    assert [event.id for event in await store.events(AGENT, after=5, limit=1)] == [6]
    assert [row.number for row in await store.rows(AGENT)] == list(range(1, 8))
    assert await store.trim(AGENT, 5) == 0
    (seven, eight) = await store.append(AGENT, [a_news("7"), a_news("8")], RUN)
    assert (seven.id, eight.id) == (7, 8)


@pytest.mark.asyncio
async def test_a_log_that_was_trimmed_to_nothing_counts_on(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a", a_row()), a_news("b")], RUN)
    assert await store.trim(AGENT, 1000) == 2
    assert await store.events(AGENT) == ()
    await store.take_over(AGENT, OTHER_RUN, 1)
    (event,) = await store.append(AGENT, [a_news("c", a_row(status=RowStatus.FAILED))], OTHER_RUN)
    assert event.id == 3
    assert await store.rows(AGENT) == (a_row(number=1, status=RowStatus.FAILED),)
    assert await store.trim(AGENT, 1000) == 1
    assert [event.id for event in await store.append(AGENT, [a_news("d")], OTHER_RUN)] == [4]


@pytest.mark.parametrize("before", [-1, 0, 1])
@pytest.mark.asyncio
async def test_trimming_nothing_is_fine(store: Store, before: int) -> None:
    assert await store.trim("unknown", 10) == 0
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a")], RUN)
    assert await store.trim(AGENT, before) == 0
    assert len(await store.events(AGENT)) == 1


# Cards


@pytest.mark.asyncio
async def test_the_list_of_agents_shows_what_the_last_save_said(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    assert await store.agents() == ()
    card = a_card(title="Grüße 🌍", conversation_id="c-1", owner="anna", tenant="acme", status=Status.RUNNING)
    await store.save(a_save(0, card=card))
    assert await store.agents() == (card,)
    await store.save(a_save(1, card=card.but(status=Status.INTERRUPTED, at=NOON + timedelta(minutes=1))))
    assert await store.agents() == (card.but(status=Status.INTERRUPTED, at=NOON + timedelta(minutes=1)),)
    await store.take_over(AGENT, OTHER_RUN, 1)
    assert [one.status for one in await store.agents()] == [Status.INTERRUPTED]


@pytest.mark.asyncio
async def test_a_save_without_a_card_lists_nobody_and_unlists_nobody(store: Store) -> None:
    """A sub-agent has a head and no card."""
    for agent_id in (AGENT, f"{AGENT}/researcher-1-1"):
        await store.take_over(agent_id, RUN, 0)
        await store.save(a_save(0, agent_id=agent_id))
    assert await store.agents() == ()
    await store.save(a_save(1, card=a_card()))
    await store.save(a_save(2))
    assert await store.agents() == (a_card(),)


@pytest.mark.asyncio
async def test_a_card_without_a_title_keeps_the_one_before_and_an_empty_title_ends_it(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    for seq, (given, kept) in enumerate([(None, None), ("Sky", "Sky"), (None, "Sky"), ("", ""), (None, "")]):
        await store.save(a_save(seq, card=a_card(title=given)))
        assert [card.title for card in await store.agents()] == [kept]


@pytest.mark.asyncio
async def test_a_retry_or_a_save_that_is_refused_changes_no_card(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(3, card=a_card(title="kept")))
    await store.save(a_save(3, card=a_card(title="retried")))
    for late in (a_save(2, card=a_card(title="late")), a_save(9, run=OTHER_RUN, card=a_card(title="not mine"))):
        with pytest.raises(Superseded):
            await store.save(late)
    assert [card.title for card in await store.agents()] == ["kept"]


@pytest.mark.asyncio
async def test_agents_are_listed_by_id_in_pages_and_by_prefix(store: Store) -> None:
    ids = sorted(
        ["acme:1", "acme:10", "acme:2", "acme", "acme2:1", "ACME:1", "zeta", *(f"many-{n}" for n in range(12))]
    )
    for agent_id in reversed(ids):
        await store.take_over(agent_id, RUN, 0)
        await store.save(a_save(0, agent_id=agent_id, card=a_card(agent_id)))

    async def listed(*page: Any) -> list[str]:
        return [card.agent_id for card in await store.agents(*page)]

    assert await listed() == ids
    assert await listed("acme:") == ["acme:1", "acme:10", "acme:2"]
    assert await listed("acme:", "acme:1") == ["acme:10", "acme:2"]
    assert await listed("acme:", "acme:", 1) == ["acme:1"]
    assert await listed("acme:", "zeta") == []
    assert await listed("acme:", "", 2) == ["acme:1", "acme:10"]
    assert await listed("nobody") == []
    assert await listed("", "", 0) == []
    pages = [page for after in ("", ids[4], ids[9], ids[14]) for page in await listed("", after, 5)]
    assert pages == ids


# Tenants, and the end


HOSTILE = [
    "acme",
    "acme:",
    "acme#",
    "acme/",
    "acme:1/x",
    "acme%",
    "acme_",
    "ac",
    "agent#acme:1",
    "*",
    "acme:11",
    "ACME:1",
]


@pytest.mark.parametrize("stranger", HOSTILE)
@pytest.mark.asyncio
async def test_no_call_about_one_agent_reaches_anothers_rows(store: Store, stranger: str) -> None:
    """Ids that begin like another's, or look like a pattern or a key."""
    mine = "acme:1"
    await store.take_over(mine, RUN, 0)
    await store.append(mine, [a_news("a", a_row(content={"text": "secret"}), mine)], RUN)
    await store.put_once(mine, "k", "secret", RUN)
    await store.save(a_save(0, agent_id=mine, card=a_card(mine), interrupts=('{"id": "secret"}',)))
    assert await store.load(stranger) is None
    assert await store.append(stranger, [a_news("a", a_row(), stranger)], None) == ()
    with pytest.raises(Superseded):
        await store.append(stranger, [a_news("b", a_row(), stranger)], RUN)
    assert (await store.events(stranger), await store.rows(stranger), await store.row(stranger, "row-1")) == (
        (),
        (),
        None,
    )
    assert (await store.get(stranger, "k"), await store.interrupts(stranger), await store.logged(stranger)) == (
        None,
        (),
        (),
    )
    assert (await store.trim(stranger, 1000), await store.chain(stranger, "d")) == (0, None)
    if stranger != "acme:1/x":
        await store.take_over(stranger, RUN, 0)
        await store.append(stranger, [a_news("a", a_row(content={"text": "mine"}), stranger)], RUN)
    await store.delete(stranger)
    assert [row.content for row in await store.rows(mine)] == [{"text": "secret"}]
    assert (len(await store.events(mine)), await store.get(mine, "k")) == (1, "secret")
    assert ([card.agent_id for card in await store.agents()], len(await store.interrupts(mine))) == ([mine], 1)


@pytest.mark.asyncio
async def test_a_deleted_agent_leaves_no_row_and_no_card_and_its_neighbour_all(store: Store) -> None:
    for agent_id in (AGENT, f"{AGENT}/reader-1-1", OTHER):
        await store.take_over(agent_id, RUN, 0)
        await store.append(agent_id, [a_news("a", a_row(), agent_id), a_news("b", None, agent_id)], RUN)
        await store.trim(agent_id, 2)
        await store.save(a_save(0, agent_id=agent_id, card=a_card(agent_id)))
    await store.delete(AGENT)
    for agent_id in (AGENT, f"{AGENT}/reader-1-1"):
        assert (await store.rows(agent_id), await store.row(agent_id, "row-1")) == ((), None)
    assert [card.agent_id for card in await store.agents()] == [OTHER]
    assert len(await store.rows(OTHER)) == 1
    await store.take_over(AGENT, OTHER_RUN, 0)
    (event,) = await store.append(AGENT, [a_news("a", a_row())], OTHER_RUN)
    assert (event.id, await store.rows(AGENT)) == (1, (a_row(number=1),))
