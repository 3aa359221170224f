"""What every `Store` promises of events, of what doors leave for an agent, and of what waits for people (DESIGN 9)."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sagents.errors import Superseded
from sagents.events import Event
from sagents.interrupts import Interrupt
from sagents.ports import Base, News, Save, Segment, Store

AGENT, OTHER = "conversation-1", "conversation-2"
RUN, OTHER_RUN = "workflow-run-1", "workflow-run-2"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_news(slot: str, agent_id: str = AGENT, **data: Any) -> News:
    return News(slot=slot, event=Event(agent_id=agent_id, type="status_changed", at=NOON, data=data or {"slot": slot}))


def ids(events: Iterable[Event]) -> list[int | None]:
    return [event.id for event in events]


# Events


@pytest.mark.asyncio
async def test_events_get_rising_ids_from_one_on_and_come_back_whole(store: Store) -> None:
    """The whole envelope: agent, id, run, path, time, type, data (B-100)."""
    await store.take_over(AGENT, RUN, 0)
    at = NOON.astimezone(timezone(timedelta(hours=2)))
    whole = Event(agent_id=AGENT, type="llm_message", at=at, data={"text": "Grüße 🌍\n", "n": [1, {"x": None}]})
    whole = whole.but(run_id="run_1", path=("researcher", "reader"))
    appended = await store.append(AGENT, [News(slot="a", event=whole), a_news("b")], RUN)
    assert appended == (whole.but(id=1), a_news("b").event.but(id=2))
    assert await store.append(AGENT, [a_news("c")], RUN) == (a_news("c").event.but(id=3),)
    assert await store.events(AGENT) == (*appended, a_news("c").event.but(id=3))


@pytest.mark.asyncio
async def test_a_slot_that_is_taken_keeps_its_event_and_a_retry_is_told_so(store: Store) -> None:
    # attempt 1   ──append(a, b)──x died before it could announce
    # attempt 2   ──────────────────append(a', b', c)──→ a, b, c
    await store.take_over(AGENT, RUN, 0)
    first = await store.append(AGENT, [a_news("a", attempt=1), a_news("b", attempt=1)], RUN)
    again = await store.append(AGENT, [a_news(slot, attempt=2) for slot in "abc"], RUN)
    assert again[:2] == first
    assert ids(again) == [1, 2, 3]
    assert await store.events(AGENT) == again


@pytest.mark.asyncio
async def test_a_slot_named_twice_at_once_keeps_the_first(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    one, two = await store.append(AGENT, [a_news("a", n=1), a_news("a", n=2)], RUN)
    assert one == two == a_news("a", n=1).event.but(id=1)
    assert await store.events(AGENT) == (one,)


@pytest.mark.asyncio
async def test_events_are_read_after_any_id_in_pages(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news(f"{n}") for n in range(1200)], RUN)
    assert ids(await store.events(AGENT)) == list(range(1, 501))
    assert ids(await store.events(AGENT, after=1100)) == list(range(1101, 1201))
    assert ids(await store.events(AGENT, after=7, limit=2)) == [8, 9]
    assert await store.events(AGENT, after=1200) == ()
    assert await store.events("unknown") == ()


@pytest.mark.asyncio
async def test_ids_rise_on_when_the_next_workflow_run_takes_over(store: Store) -> None:
    """Also over continue-as-new, sleep and restore (B-100)."""
    await store.take_over(AGENT, RUN, 0)
    await store.append(AGENT, [a_news("a")], RUN)
    await store.take_over(AGENT, OTHER_RUN, 1)
    again, new = await store.append(AGENT, [a_news("a", n=2), a_news("b")], OTHER_RUN)
    assert (again, new.id) == (a_news("a").event.but(id=1), 2)


@pytest.mark.parametrize("news", [[a_news("late")], []], ids=["late", "nothing"])
@pytest.mark.asyncio
async def test_who_is_not_the_writer_appends_nothing(store: Store, news: list[News]) -> None:
    with pytest.raises(Superseded):
        await store.append(AGENT, news, RUN)
    await store.take_over(AGENT, RUN, 0)
    await store.take_over(AGENT, OTHER_RUN, 1)
    with pytest.raises(Superseded) as refused:
        await store.append(AGENT, news, RUN)
    assert refused.value.current == OTHER_RUN
    assert await store.events(AGENT) == ()


@pytest.mark.asyncio
async def test_appending_nothing_is_fine(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    assert await store.append(AGENT, [], RUN) == ()


@pytest.mark.asyncio
async def test_appends_at_once_lose_nothing_and_give_no_id_twice(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    batches = [[a_news(f"{n}-{k}") for k in range(5)] for n in range(30)]
    answers = await asyncio.gather(*(store.append(AGENT, batch, RUN) for batch in batches))
    assert sorted(event.id or 0 for answer in answers for event in answer) == list(range(1, 151))
    stored = await store.events(AGENT)
    assert all(stored[(event.id or 0) - 1] == event for answer in answers for event in answer)


@pytest.mark.asyncio
async def test_half_an_emoji_is_replaced_and_stops_no_agent(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    (event,) = await store.append(AGENT, [a_news("a", text="cut \ud83d off")], RUN)
    assert event.data["text"] == "cut ? off"
    assert await store.events(AGENT) == (event,)


@pytest.mark.asyncio
async def test_what_cannot_be_written_takes_its_whole_batch_along(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    wrong = a_news("b").but(event=a_news("b").event.but(data={"n": object()}))
    with pytest.raises(ValueError, match="serialize"):
        await store.append(AGENT, [a_news("a"), wrong], RUN)
    assert await store.events(AGENT) == ()
    assert ids(await store.append(AGENT, [a_news("a")], RUN)) == [1]


@pytest.mark.asyncio
async def test_each_agent_counts_its_own_events(store: Store) -> None:
    for agent in (AGENT, OTHER):
        await store.take_over(agent, RUN, 0)
        assert ids(await store.append(agent, [a_news("a", agent), a_news("b", agent)], RUN)) == [1, 2]
    assert [event.agent_id for event in await store.events(OTHER)] == [OTHER, OTHER]


# What doors leave for an agent


@pytest.mark.asyncio
async def test_anybody_may_deposit_also_before_there_is_an_agent(store: Store) -> None:
    await store.deposit(AGENT, "message/m1", '"long"')
    assert await store.get(AGENT, "message/m1") == '"long"'
    assert await store.load(AGENT) is None
    assert (await store.take_over(AGENT, RUN, 0)).generation == 1
    assert await store.get(AGENT, "message/m1") == '"long"'


@pytest.mark.asyncio
async def test_the_first_deposit_under_a_key_stays_and_binds_the_agent_too(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.deposit(AGENT, "m1", '"first"')
    await store.deposit(AGENT, "m1", '"second"')
    assert await store.put_once(AGENT, "m1", '"third"', RUN) == '"first"'
    await store.put_once(AGENT, "m2", '"mine"', RUN)
    await store.deposit(AGENT, "m2", '"theirs"')
    assert await store.get(AGENT, "m2") == '"mine"'


# What waits for people


def asks(id: str, minute: int | None = 0, **fields: Any) -> str:
    """The JSON of an interrupt, made this many minutes after noon."""
    made = None if minute is None else NOON + timedelta(minutes=minute)
    return Interrupt(id=id, created_at=made, **fields).model_dump_json()


def a_save(seq: int, *interrupts: str, agent_id: str = AGENT, run: str = RUN) -> Save:
    return Save(agent_id=agent_id, workflow_run_id=run, seq=seq, head="{}", interrupts=interrupts)


async def waiting(store: Store, agent_id: str | None = None) -> list[str]:
    return [Interrupt.model_validate_json(one.interrupt).id for one in await store.interrupts(agent_id)]


@pytest.mark.asyncio
async def test_a_save_replaces_what_waits_for_people(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(0, asks("i1"), asks("i2", 1, message="Grüße 🌍")))
    assert [(one.agent_id, one.interrupt) for one in await store.interrupts(AGENT)] == [
        (AGENT, asks("i1")),
        (AGENT, asks("i2", 1, message="Grüße 🌍")),
    ]
    await store.save(a_save(1, asks("i2", 1), asks("i3", 2)))
    assert await waiting(store, AGENT) == ["i2", "i3"]
    await store.save(a_save(2))
    assert await waiting(store, AGENT) == []


@pytest.mark.asyncio
async def test_what_waits_survives_the_workflow_run_that_saved_it(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(0, asks("i1")))
    await store.take_over(AGENT, OTHER_RUN, 1)
    assert await waiting(store) == ["i1"]


@pytest.mark.asyncio
async def test_a_save_that_is_refused_or_a_retry_changes_nothing_that_waits(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(3, asks("i1")))
    await store.save(a_save(3, asks("i2")))  # a retry, which knows more than what is stored
    with pytest.raises(Superseded):
        await store.save(a_save(2, asks("i2")))
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations="[]")
    with pytest.raises(Superseded):
        await store.save(a_save(3, asks("i2")).but(base=segment.base, segment=segment))
    with pytest.raises(Superseded):
        await store.save(a_save(9, asks("i2"), run=OTHER_RUN))
    assert await waiting(store, AGENT) == ["i1"]


@pytest.mark.asyncio
async def test_an_inbox_lists_what_waits_in_all_agents_oldest_first(store: Store) -> None:
    for agent in (AGENT, OTHER):
        await store.take_over(agent, RUN, 0)
    await store.save(a_save(0, asks("late", 7), asks("first", 1)))
    await store.save(a_save(0, asks("middle", 5), agent_id=OTHER))
    await store.save(a_save(1, asks("late", 7), asks("first", 1), asks("last", 8)))
    assert await waiting(store) == ["first", "middle", "late", "last"]
    assert await waiting(store, OTHER) == ["middle"]
    assert await waiting(store, "unknown") == []


@pytest.mark.asyncio
async def test_age_is_told_by_time_and_not_by_how_the_time_is_written(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    written = ["2026-01-01T12:00:00.500Z", "2026-01-01T12:00:00Z", "2026-01-01T13:59:59+02:00", "2026-01-01T11:00:00"]
    bodies = [f'{{"id": "{text}", "created_at": "{text}"}}' for text in written]
    await store.save(a_save(0, *bodies))
    assert await waiting(store) == [written[3], written[2], written[1], written[0]]


@pytest.mark.asyncio
async def test_undated_interrupts_wait_in_the_order_in_which_they_came_behind_dated_ones(store: Store) -> None:
    for agent in (AGENT, OTHER):
        await store.take_over(agent, RUN, 0)
    await store.save(a_save(0, asks("i1", None), asks("i2", None)))
    await store.save(a_save(0, asks("i3", None), agent_id=OTHER))
    await store.save(a_save(1, asks("i4", None), asks("i2", None), asks("dated", 9)))
    assert await waiting(store) == ["dated", "i2", "i3", "i4"]


@pytest.mark.parametrize("body", ["", "no JSON", '{"created_at": "soon"}', "[]"])
@pytest.mark.asyncio
async def test_whatever_the_text_is_it_is_kept(store: Store, body: str) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(0, asks("i1"), body, body))
    assert [one.interrupt for one in await store.interrupts()] == [asks("i1"), body]


# Forgetting


@pytest.mark.asyncio
async def test_a_deleted_agent_leaves_no_event_deposit_or_interrupt_and_its_neighbour_all(store: Store) -> None:
    for agent in (AGENT, OTHER):
        await store.take_over(agent, RUN, 0)
        await store.append(agent, [a_news("a", agent)], RUN)
        await store.deposit(agent, "m1", "{}")
        await store.save(a_save(0, asks(f"of {agent}"), agent_id=agent))
    await store.delete(AGENT)
    assert (await store.events(AGENT), await store.get(AGENT, "m1"), await waiting(store, AGENT)) == ((), None, [])
    with pytest.raises(Superseded):
        await store.append(AGENT, [a_news("b")], RUN)
    assert (ids(await store.events(OTHER)), await store.get(OTHER, "m1")) == ([1], "{}")
    assert await waiting(store) == [f"of {OTHER}"]
